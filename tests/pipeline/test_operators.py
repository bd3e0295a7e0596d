"""Functions, batches and fused loops give every record exactly one outcome, whatever the user's code does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.batch import Batch, Originals, Partition, Rejection
from pipeline.clock import ManualClock
from pipeline.errors import Reject, StageError
from pipeline.events import EventBus, StageWorked
from pipeline.ids import Id, Ids
from pipeline.ledger import Ledger
from pipeline.operators import base
from pipeline.operators.batch import BatchOperator
from pipeline.operators.decode import DecodeOperator
from pipeline.operators.function import FunctionOperator
from pipeline.operators.fused import run_fused
from pipeline.stopwatch import Stopwatch
from pipeline.tap import Tap
from pipeline.tasks import chain, slices
from pipeline.tasks.chain import ChainWork
from pipeline.tasks.work import Teller

_P = Partition("s", "p")


class Unwanted(Reject):
    """A verdict of the user's own kind."""


class Rows(list[int]):
    """A value that happens to be a kind of list."""


def _children(number: int) -> Iterator[int]:
    yield number
    yield number + 1


def _broken_children(number: int) -> Iterator[int]:
    yield number
    raise ValueError("broken off")


def _raises(error: BaseException) -> Any:
    raise error


DEEDS: dict[str, Callable[[int], Any]] = {
    "value": lambda n: n + 1,
    "text": str,
    "none": lambda n: None,  # noqa: ARG005
    "nothing": lambda n: [],  # noqa: ARG005
    "one": lambda n: [n],
    "children": lambda n: [n, n + 1, n + 2],
    "generator": _children,
    "broken generator": _broken_children,
    "empty generator": lambda n: (m for m in range(0)),  # noqa: ARG005
    "verdict": lambda n: Reject(f"not {n}"),
    "own verdict": lambda n: Unwanted(f"not {n}"),
    "raise": lambda n: _raises(Reject(f"not {n}")),
    "raise own": lambda n: _raises(Unwanted(f"not {n}")),
    "error": lambda n: _raises(ValueError(n)),
    "assertion": lambda n: _raises(AssertionError()),  # noqa: ARG005
    "stop": lambda n: _raises(StopIteration()),  # noqa: ARG005
    "rows": lambda n: Rows([n]),
}
"""Everything that a function of one record may do, by name."""


def _function(deeds: list[str]) -> Callable[[Any], Any]:
    def apply(value: Any) -> Any:
        number = value if isinstance(value, int) else len(str(value))
        return DEEDS[deeds[number % len(deeds)]](number)

    return apply


_mixtures = st.lists(st.lists(st.sampled_from(sorted(DEEDS)), min_size=1, max_size=6), min_size=1, max_size=4)
_plenty = st.lists(st.sampled_from([*["value"] * 20, *sorted(DEEDS)]), min_size=5, max_size=30)


class _Result:
    """Everything that a chain made of a batch."""

    def __init__(self, functions: list[Callable[[Any], Any]], numbers: list[int], *, decode: bool) -> None:
        ledger, bus, clock = Ledger(), EventBus(), ManualClock()
        events = bus.subscribe(10_000)
        operators = [FunctionOperator(f"f{at}", call) for at, call in enumerate(functions)]
        work = ChainWork(
            DecodeOperator("ingestion") if decode else None,
            operators,
            Teller(bus, ledger, Tap(ManualClock())),
            None,
            keep_originals=True,
        )
        ids = Ids.span(100, 100 + len(numbers))
        ledger.read(_P, ids, 0.0)
        batch = Batch(_P, 0, ids, list(numbers), 10 * len(numbers), 0.0, decode=_decode if decode else None)
        made = work.run(batch, 0, Stopwatch(clock))[0]
        self.ids = list(made.ids)
        self.values = made.values
        self.filtered = sorted(id for ids in made.filtered for id in ids)
        self.rejected = sorted((_letter(letter) for letter in made.rejected), key=lambda each: each[0])
        self.tallies = [
            (event.stage, event.taken, event.given, event.filtered, event.rejected, event.created)
            for event in events.drain()
            if isinstance(event, StageWorked)
        ]
        letters = [letter.id for letter in made.rejected]
        ledger.commit(_P, made.ids, made.ids, made.filtered, letters)
        counts = ledger.counts()
        assert counts.in_flight == counts.duplicated == 0
        self.fates = (counts.delivered, counts.filtered, counts.rejected)


def _decode(raws: list[Any]) -> Iterator[Any]:
    def one(raw: int) -> int:
        if raw % 13 == 0:
            raise ValueError("cannot be read")
        return raw

    return map(one, raws)


def _letter(letter: Rejection) -> tuple[Id, str, str, Any, Any, bool]:
    traced = letter.traceback is not None
    return letter.id, letter.stage, letter.reason, letter.original, letter.value, traced


@pytest.mark.parametrize("decode", [True, False])
@settings(max_examples=250)
@given(
    mixtures=st.one_of(_mixtures, st.lists(_plenty, min_size=1, max_size=4)),
    numbers=st.lists(st.integers(0, 500), max_size=60),
)
def test_fused_stages_do_what_the_same_stages_do_one_by_one(
    decode: bool, mixtures: list[list[str]], numbers: list[int]
) -> None:
    functions = [_function(deeds) for deeds in mixtures]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slices, "SLICE_BYTES", 160)
        patch.setattr(chain, "SMALL", 10_000)
        one_by_one = _Result(functions, numbers, decode=decode)
        patch.setattr(chain, "SMALL", 1)
        patch.setattr(chain, "MEASURED_ONE_IN", 1)  # none
        fused = _Result(functions, numbers, decode=decode)
    assert vars(fused) == vars(one_by_one)


@settings(max_examples=200)
@given(
    deeds=st.lists(st.sampled_from(sorted(DEEDS)), min_size=1, max_size=6),
    numbers=st.lists(st.integers(0, 500), max_size=40),
)
def test_one_function_gives_every_record_one_outcome(deeds: list[str], numbers: list[int]) -> None:
    call = _function(deeds)
    outcome = FunctionOperator("f", call).apply(Ids.of(range(len(numbers))), list(numbers), None)
    kept: list[tuple[Id, Any]] = []
    filtered: list[Id] = []
    rejected: list[Id] = []
    for offset, number in enumerate(numbers):
        id = Id(offset)
        name = deeds[number % len(deeds)]
        if name in {"none", "nothing", "empty generator"}:
            filtered.append(id)
        elif name in {"one", "children", "generator"}:
            kept += [(id.child(at), value) for at, value in enumerate(DEEDS[name](number))]
        elif name in {"value", "text", "rows"}:
            kept.append((id, DEEDS[name](number)))
        else:
            rejected.append(id)
    assert list(zip(outcome.ids, outcome.values, strict=True)) == kept
    assert list(outcome.filtered) == filtered
    assert sorted(letter.id for letter in outcome.rejected) == rejected


BATCH_DEEDS = {
    name: deed
    for name, deed in DEEDS.items()
    if name not in {"generator", "broken generator", "empty generator", "stop"}
}


@settings(max_examples=200)
@given(
    deeds=st.lists(st.sampled_from(sorted(BATCH_DEEDS)), min_size=1, max_size=6),
    numbers=st.lists(st.integers(0, 500), max_size=40),
    mess=st.booleans(),
)
def test_a_batch_stage_does_what_a_function_of_one_record_would(
    deeds: list[str], numbers: list[int], mess: bool
) -> None:
    call = _function(deeds)

    def whole(values: list[int]) -> list[Any]:
        outcomes = [call(value) for value in values]
        if mess:
            values.clear()
        return outcomes

    ids = Ids.of(range(len(numbers)))
    single = FunctionOperator("f", call).apply(ids, list(numbers), None)
    batch = BatchOperator("f", whole).apply(ids, list(numbers), None)
    assert list(batch.ids) == list(single.ids)
    assert batch.values == single.values
    assert list(batch.filtered) == list(single.filtered)
    assert sorted(batch.families) == sorted(single.families)
    assert batch.created == single.created
    by_id = {letter.id: letter for letter in single.rejected}
    assert {letter.id for letter in batch.rejected} == by_id.keys()
    for letter in batch.rejected:
        assert (letter.reason, letter.original) == (by_id[letter.id].reason, by_id[letter.id].original)


@pytest.mark.parametrize(
    ("returned", "words"),
    [
        (lambda values: values[1:], "returned 2 outcomes for 3 values"),
        (lambda values: [*values, 1], "returned 4 outcomes for 3 values"),
        (lambda values: None, "returned NoneType for 3 values"),  # noqa: ARG005
        (lambda values: 7, "returned int for 3 values"),  # noqa: ARG005
        (lambda values: "abc", "returned str for 3 values"),  # noqa: ARG005
        (lambda values: {"a": 1, "b": 2, "c": 3}, "returned dict for 3 values"),  # noqa: ARG005
    ],
)
def test_a_batch_stage_that_returns_another_number_of_outcomes_is_told_so(
    returned: Callable[[list[int]], Any], words: str
) -> None:
    outcome = BatchOperator("price", returned).apply(Ids.span(0, 3), [1, 2, 3], None)
    assert len(outcome.rejected) == 3
    assert all("'price'" in letter.reason and words in letter.reason for letter in outcome.rejected)
    with pytest.raises(StageError, match=words):
        BatchOperator("price", returned, on_error="fail").apply(Ids.span(0, 3), [1, 2, 3], None)


def test_tuples_and_generators_are_lists_of_outcomes_too() -> None:
    for whole in (tuple, iter, lambda values: (value for value in values)):
        outcome = BatchOperator("f", whole).apply(Ids.span(0, 3), [1, 2, 3], None)
        assert outcome.values == [1, 2, 3]


@pytest.mark.parametrize("container", ["arrow", "polars"])
def test_frames_in_and_out_keep_their_rows(container: Any) -> None:
    pytest.importorskip("pyarrow" if container == "arrow" else "polars")
    rows = [{"a": n, "b": str(n)} for n in range(5)]
    operator = BatchOperator("f", lambda frame: frame, container)
    assert operator.apply(Ids.span(0, 5), rows, None).values == rows
    short = BatchOperator("f", lambda frame: frame[:2], container).apply(Ids.span(0, 5), rows, None)
    assert len(short.rejected) == 5


def test_what_came_before_an_exception_stays_in_the_list() -> None:
    """The loops rely on it: what an iterator gave before it raised is kept, and it can be continued."""

    def values() -> Iterator[int]:
        yield from (1, 2)

    def call(value: int) -> int:
        if value == 3:
            raise ValueError(value)
        return value

    results = map(call, [1, 2, 3, 4, 5])
    good: list[int] = []
    with pytest.raises(ValueError, match="3"):
        good.extend(results)
    assert good == [1, 2]
    good.extend(results)
    assert good == [1, 2, 4, 5]
    assert list(values()) == [1, 2]


@pytest.mark.parametrize("error", [MemoryError(), SystemExit(), KeyboardInterrupt(), GeneratorExit()])
def test_what_says_nothing_about_the_record_goes_through(error: BaseException) -> None:
    def call(value: int) -> int:
        if value == 2:
            raise error
        return value

    def whole(values: list[int]) -> list[int]:
        return [call(value) for value in values]

    ids, values = Ids.span(0, 4), [0, 1, 2, 3]
    with pytest.raises(type(error)):
        FunctionOperator("f", call).apply(ids, values, None)
    with pytest.raises(type(error)):
        BatchOperator("f", whole).apply(ids, values, None)
    with pytest.raises(type(error)):
        run_fused(iter(values), 4, (call, call), lambda stage, at, error: base.Bad(at, "no"))  # noqa: ARG005


def test_a_verdict_holds_no_exception() -> None:
    reason = ValueError("why")
    assert Reject(reason).reason == "why"  # type: ignore[arg-type]
    outcome = FunctionOperator("f", lambda n: _raises(Reject(reason))).apply(  # type: ignore[arg-type] # noqa: ARG005
        Ids.span(0, 1), [1], None
    )
    assert outcome.rejected[0].reason == "why"
    assert outcome.rejected[0].traceback is None


def test_a_dead_letter_has_the_original_and_what_the_stage_was_given() -> None:
    originals = Originals(Ids.span(10, 13), b"a\nb\nc")
    outcome = FunctionOperator("f", lambda n: 1 / n).apply(Ids.of([10, 12]), [1, 0], originals)
    (letter,) = outcome.rejected
    assert (letter.id, letter.stage, letter.original, letter.value) == (Id(12), "f", b"c", 0)
    assert letter.reason == "ZeroDivisionError: division by zero"
    assert letter.traceback is not None
    assert Path(__file__).name in letter.traceback
