"""Records out of Python: pairs with rising offsets, and a clear word where they are not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ConfigurationError
from pipeline.sources import values
from tests.pipeline.sources.reading import read

_RISING = st.sets(st.integers(0, 5000), max_size=60).map(sorted)


@given(offsets=_RISING, start=st.integers(0, 5000))
def test_any_rising_offsets_are_kept_and_resumed_from(offsets: list[int], start: int) -> None:
    pairs = [(offset, f"v{offset}") for offset in offsets]
    expected = {offset: value for offset, value in pairs if offset >= start}
    assert read(values(pairs), start=start).values == expected
    assert read(values(lambda: iter(pairs)), start=start).values == expected


def test_a_function_that_takes_start_is_given_it() -> None:
    calls: list[int] = []

    def numbers(start: int = 0) -> Iterator[tuple[int, int]]:
        calls.append(start)
        yield from ((n, n * n) for n in range(start, 5))

    source = values(numbers)
    assert source.name == "numbers"
    assert read(source, start=3).values == {3: 9, 4: 16}
    assert read(source).values == {n: n * n for n in range(5)}
    assert calls == [3, 0]


def test_a_generator_hands_on_each_record_before_it_waits_for_the_next() -> None:
    made: list[int] = []

    def slow() -> Iterator[tuple[int, int]]:
        for n in range(3):
            made.append(n)
            yield n, n

    chunks = values(slow).read("values", 0, None)
    assert list(next(chunks).ids.offsets()) == [0]
    assert made == [0]
    assert values(slow).blocking


def test_a_sequence_tells_its_length_and_is_read_in_large_chunks() -> None:
    source = values([(n, n) for n in range(2500)], name="list")
    assert source.partitions()[0].total == 2500
    assert read(source).chunks == 3


@dataclass
class Item:
    a: int


def test_values_are_converted_to_the_schema_where_they_are_not_of_it_yet() -> None:
    pairs: list[tuple[int, Any]] = [
        (0, Item(1)),
        (1, {"a": 2}),
        (2, b'{"a": 3}'),
        (3, {"a": "x"}),
        (4, '{"a"'),
    ]
    seen = read(values(pairs), Item)
    assert seen.values == {0: Item(1), 1: Item(2), 2: Item(3)}
    assert seen.reasons == {
        3: "`$.a`: expected `int`, got 'x'",
        4: "not valid JSON: the record ends too early",
    }


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        (["abc"], "at the first record: expected an (offset, value) pair, got 'abc' (str)"),
        ([(0, "a"), 5], "after offset 0: expected an (offset, value) pair, got 5 (int)"),
        ([(0, 1, 2)], "got (0, 1, 2) (a tuple of 3)"),
        ([("0", 1)], "an offset is a whole number from 0, got '0' (str)"),
        ([(True, 1)], "an offset is a whole number from 0, got True (bool)"),
        ([(-1, 1)], "an offset is a whole number from 0, got -1 (int)"),
        ([(0, 1), (0, 2)], "after offset 0: offsets must rise, got 0 after 0"),
        ([(7, 1), (3, 2)], "after offset 7: offsets must rise, got 3 after 7"),
    ],
)
@pytest.mark.parametrize("as_function", [False, True])
def test_what_is_no_rising_pair_ends_reading_after_what_was_good(
    pairs: list[Any], message: str, as_function: bool
) -> None:
    seen = read(values((lambda: iter(pairs)) if as_function else pairs, name="mine"))
    assert seen.error is not None
    assert message in str(seen.error)
    assert "values(mine)" in str(seen.error)
    assert len(seen.values) == len(pairs) - 1


def test_an_error_of_the_generator_is_named_with_the_last_good_offset() -> None:
    def breaks() -> Iterator[tuple[int, str]]:
        yield 4, "fine"
        raise OSError("the feed is down")

    seen = read(values(breaks))
    assert seen.values == {4: "fine"}
    assert "values(breaks), after offset 4: it raised OSError: the feed is down" in str(seen.error)
    assert isinstance(seen.error and seen.error.__cause__, OSError)


def test_a_generator_that_ran_cannot_run_again() -> None:
    source = values((n, n) for n in range(3))
    assert read(source).values == {0: 0, 1: 1, 2: 2}
    with pytest.raises(ConfigurationError, match="give the function, not the generator"):
        read(source)


def test_what_cannot_be_iterated_or_called_with_nothing_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"values\(5\): give a generator function or an iterable"):
        values(5)  # type: ignore[arg-type]

    def needs(path: str, start: int) -> Iterator[tuple[int, str]]:
        yield start, path

    with pytest.raises(ConfigurationError, match="the function needs path"):
        values(needs).check()
    assert read(values(partial(needs, "x")), start=2).values == {2: "x"}
    five = values(lambda: 5, name="five")  # type: ignore[arg-type, return-value]
    assert "not something to iterate" in str(read(five).error)


def test_closing_the_iterator_closes_the_generator() -> None:
    closed: list[bool] = []

    def endless() -> Iterator[tuple[int, int]]:
        try:
            for n in range(10**9):
                yield n, n
        finally:
            closed.append(True)

    chunks = values(endless).read("values", 0, None)
    next(chunks)
    chunks.close()  # type: ignore[attr-defined]
    assert closed == [True]
