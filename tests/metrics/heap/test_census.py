from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from metrics.heap import census as module
from metrics.heap.census import FIRST_S, Censuses, Known, growing
from metrics.heap.forked import can_fork
from metrics.memory_state import Census, TypeState
from pipeline.clock import ManualClock

STEPS = 1_000


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine the copy shall neither starve nor be killed."""
    monkeypatch.setattr(module, "NICE", 0)
    monkeypatch.setattr(module, "DEADLINE_S", 100)


class Node:
    """Something of the user's."""

    def __init__(self) -> None:
        self.other: Node | None = None


def ours(kind: type) -> bool:
    return kind is Node


def taken(censuses: Censuses, clock: ManualClock) -> Census:
    """The next census; asks for it."""
    before = censuses.latest
    censuses.ask()
    for _ in range(STEPS):
        censuses.step(clock.monotonic())
        if censuses._child is not None:
            censuses._child.wait(0.1)
        if censuses.latest is not before and censuses.latest is not None:
            return censuses.latest
    raise AssertionError("no census came")


def of(census: Census, kind: type) -> TypeState:
    found = [state for state in census.types if state.type == f"{kind.__module__}.{kind.__qualname__}"]
    assert len(found) == 1, census.types
    return found[0]


def watched(held: Any, *, weigh: bool = False) -> Callable[[], Sequence[Known]]:
    return lambda: [Known(7, "`nodes` (orders.py: nodes)", lambda: held, weigh)]


@pytest.mark.skipif(not can_fork(), reason="no copy of the process can be made here")
def test_a_type_that_grows_is_named_with_who_holds_it() -> None:
    clock, nodes = ManualClock(), [Node() for _ in range(100)]
    censuses = Censuses(clock, watched(nodes), ours)
    first = taken(censuses, clock)
    assert (first.number, first.objects > 10_000, first.bytes > 100_000) == (1, True, True)
    for _ in range(2):
        nodes += [Node() for _ in range(5_000)]
        latest = taken(censuses, clock)
    state = of(latest, Node)
    assert (state.count, state.count_delta, state.series) == (10_100, 10_100, (100, 5_100, 10_100))
    assert state in growing(latest)
    assert dict(latest.holders)[state.type].endswith("`nodes` (orders.py: nodes)")


@pytest.mark.skipif(not can_fork(), reason="no copy of the process can be made here")
def test_objects_that_only_hold_each_other_are_told_from_those_in_a_container() -> None:
    clock = ManualClock()
    gc.disable()
    try:
        for _ in range(2_000):
            one, two = Node(), Node()
            one.other, two.other = two, one
        del one, two
        census = taken(Censuses(clock, tuple, ours), clock)
    finally:
        gc.enable()
        gc.collect()
    name = of(census, Node).type
    assert dict(census.holders)[name] == "nothing but each other, and the cyclic collector is off"


@pytest.mark.skipif(not can_fork(), reason="no copy of the process can be made here")
def test_what_leads_too_far_to_be_weighed_here_is_weighed_in_the_copy() -> None:
    clock = ManualClock()
    censuses = Censuses(clock, watched({number: bytes(100) for number in range(20_000)}, weigh=True), ours)
    taken(censuses, clock)
    assert 2_600_000 < censuses.sizes()[7] < 5_000_000
    assert censuses.sizes() == {}


def test_where_no_copy_can_be_made_it_is_counted_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "can_fork", lambda: False)
    monkeypatch.setattr(module, "IN_PROCESS_MOST", 10_000_000)
    clock, nodes = ManualClock(), [Node() for _ in range(50)]
    censuses = Censuses(clock, watched(nodes), ours)
    taken(censuses, clock)
    nodes += [Node() for _ in range(5_000)]
    assert of(taken(censuses, clock), Node).count_delta == 5_000


def test_it_is_left_out_where_it_would_take_too_long_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "can_fork", lambda: False)
    monkeypatch.setattr(module, "IN_PROCESS_MOST", 10)
    clock = ManualClock()
    censuses = Censuses(clock, tuple, ours)
    censuses.ask()
    censuses.step(clock.monotonic())
    assert censuses.latest is None


@pytest.mark.skipif(not can_fork(), reason="no copy of the process can be made here")
def test_the_first_comes_after_the_warm_up_and_the_next_when_it_has_been_paid_for() -> None:
    clock = ManualClock()
    censuses = Censuses(clock, tuple, ours)
    clock.advance(FIRST_S - 0.1)
    censuses.step(clock.monotonic())
    assert censuses._child is None
    clock.advance(0.2)
    censuses.step(clock.monotonic())
    child = censuses._child
    assert child is not None
    while not child.poll():
        child.wait(1)
    censuses.step(clock.monotonic())
    assert censuses._due - clock.monotonic() >= max(module.SPACE_S[0], child.cpu_s / module.SHARE) - 0.01


@pytest.mark.skipif(not can_fork(), reason="no copy of the process can be made here")
def test_at_the_end_no_process_is_left_behind() -> None:
    clock = ManualClock()
    censuses = Censuses(clock, tuple, ours)
    censuses.ask()
    censuses.step(clock.monotonic())
    child = censuses._child
    assert child is not None
    censuses.finish(wanted=False, seconds=1)
    assert child.poll()
