"""Ids behave as the plain list of their offsets and paths, in the room of a few ranges."""

from __future__ import annotations

import sys
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ids import NO_IDS, Id, Ids

_PATHS = st.sampled_from(["", "", "", "0", "2", "2.0", "10.3.1"])
_PLAIN = st.lists(st.integers(0, 40), max_size=30).map(lambda offsets: [Id(offset) for offset in offsets])
_NAMED = st.lists(st.builds(Id, st.integers(0, 40), _PATHS), max_size=30)
_RUNS = st.integers(0, 30).flatmap(
    lambda start: st.integers(0, 30).map(lambda length: [Id(start + n) for n in range(length)])
)
_LISTS = st.one_of(_PLAIN, _NAMED, _RUNS)


def _check(ids: Ids, expected: list[Id]) -> None:
    assert list(ids) == expected
    assert list(ids.offsets()) == [id.offset for id in expected]
    assert len(ids) == ids.size == len(expected)
    assert bool(ids) == bool(expected)
    assert [ids[position] for position in range(len(ids))] == expected
    assert ids == Ids.named(expected)
    assert hash(ids) == hash(Ids.named(expected))
    assert (ids.paths is None) == (not any(id.path for id in expected))
    assert all(run and run.step == 1 for run in ids.runs)
    assert all(before.stop != behind.start for before, behind in pairwise(ids.runs)), "as few runs as can be"


@given(_LISTS)
def test_ids_are_the_list_they_were_made_of(expected: list[Id]) -> None:
    _check(Ids.named(expected), expected)
    if not any(id.path for id in expected):
        _check(Ids.of(id.offset for id in expected), expected)


@given(st.integers(0, 50), st.integers(0, 50))
def test_a_span_is_a_range(start: int, stop: int) -> None:
    _check(Ids.span(start, stop), [Id(offset) for offset in range(start, stop)])


@given(_LISTS, st.integers(0, 31), st.integers(0, 31))
def test_a_cut_is_a_slice(expected: list[Id], start: int, stop: int) -> None:
    _check(Ids.named(expected).cut(start, stop), expected[start:stop])


@given(_LISTS, st.data())
def test_positions_can_be_chosen_and_left_out(expected: list[Id], data: st.DataObject) -> None:
    possible = st.integers(0, len(expected) - 1) if expected else st.nothing()
    positions = sorted(data.draw(st.sets(possible)))
    ids = Ids.named(expected)
    _check(ids.at(positions), [expected[position] for position in positions])
    rest = [id for position, id in enumerate(expected) if position not in positions]
    _check(ids.without(positions), rest)


@given(st.lists(_LISTS, max_size=6))
def test_parts_can_be_joined(parts: list[list[Id]]) -> None:
    _check(Ids.concat([Ids.named(part) for part in parts]), [id for part in parts for id in part])


@given(_LISTS, st.lists(st.integers(0, 31), max_size=4))
def test_what_is_cut_up_can_be_put_together_again(expected: list[Id], cuts: list[int]) -> None:
    ids = Ids.named(expected)
    edges = [0, *sorted(min(cut, len(expected)) for cut in cuts), len(expected)]
    parts = [ids.cut(start, stop) for start, stop in pairwise(edges)]
    assert Ids.concat(parts) == ids


def test_contiguous_ids_take_the_room_of_one_range() -> None:
    ids = Ids.of(range(1_000_000))
    assert ids.runs == (range(1_000_000),)
    joined = Ids.concat([ids.cut(start, start + 1_000) for start in range(0, 1_000_000, 1_000)])
    assert joined.runs == ids.runs
    assert sys.getsizeof(ids) < 200


def test_no_position_beyond_the_ends() -> None:
    for ids in (NO_IDS, Ids.span(3, 5), Ids.of([1, 5])):
        for position in (-1, len(ids), len(ids) + 7):
            with pytest.raises(IndexError):
                ids[position]


def test_names_say_whose_child_it_is() -> None:
    child = Id(7).child(2).child(0)
    assert child == Id(7, "2.0")
    assert [str(Id(7)), str(child)] == ["7", "7.2.0"]
    assert Ids.of([1, 2]) != [Id(1), Id(2)]
    assert repr(Ids.of([1, 2, 3, 9])) == "<4 ids: 1-3, 9>"
