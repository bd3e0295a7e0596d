"""Open files and threads that grow with the run are told from those that any run has."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.snapshot import Resources
from metrics.verdict import judge
from metrics.vitals.left_open import FILES_RISEN, Floor, growing, rises, verdict
from tests.metrics.made import snapshot


def floor_of(readings: list[int]) -> tuple[int, ...]:
    floor = Floor()
    for reading in readings:
        floor.add(reading)
    return floor.stretches


def resources(readings: list[int]) -> Resources:
    return Resources(6, readings[-1], 1, 5, fds_floor=floor_of(readings))


def test_what_is_opened_with_the_records_and_never_closed_is_growing() -> None:
    state = judge(replace(snapshot(), resources=resources([6 + at // 3 for at in range(100)])))
    assert verdict(state) == "growing"
    assert state.status == "degraded"
    assert "33 open files more than at the start" in state.reasons[0]


def test_what_a_run_opens_at_its_beginning_is_not() -> None:
    state = judge(replace(snapshot(), resources=resources([6, 12, 25] + [30, 28] * 60)))
    assert verdict(state) == "stable"
    assert state.status == "healthy"


def test_a_short_run_that_leaves_very_many_open_is_growing() -> None:
    assert verdict(replace(snapshot(), resources=Resources(6, 160, 1, 5))) == "growing"
    assert verdict(replace(snapshot(), resources=Resources(6, 20, 1, 5))) == "stable"
    assert (
        growing(replace(snapshot(), resources=Resources(6, 7, 1, 120)))
        == "119 threads more than at the start"
    )


def test_a_system_that_does_not_tell_is_not_known() -> None:
    assert verdict(replace(snapshot(), resources=Resources(None, None, 1, 2))) == "unknown"


@given(st.lists(st.integers(0, 9), max_size=400), st.integers(0, 50))
def test_noise_within_bounds_never_grows(noise: list[int], level: int) -> None:
    floor = floor_of([level + each for each in noise])
    assert len(floor) in (0, 4)
    assert not rises(floor, FILES_RISEN)


@pytest.mark.parametrize("length", [30, 64, 65, 1_000, 5_000])
def test_a_line_grows_however_long_the_run(length: int) -> None:
    floor = floor_of([at * 100 // length for at in range(length)])
    assert rises(floor, FILES_RISEN)
    assert 15 <= floor[0] <= 30
    assert 70 <= floor[-1] <= 90
