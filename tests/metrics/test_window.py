from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.window import Window

Events = list[tuple[float, int]]
times = st.floats(min_value=0, max_value=500, allow_nan=False)
events = st.lists(st.tuples(times, st.integers(0, 10_000)), max_size=60)


@given(events, times, st.floats(-1e5, 1e5))
def test_the_rate_times_the_window_is_the_records_in_it(happened: Events, now: float, start: float) -> None:
    window = Window(start)
    for at, count in happened:
        window.add(start + at, count)
    measured = window.measure(start + now)
    end = max([start + now, *(start + at for at, _ in happened)])
    assert 0 <= measured.window_s <= 60.0 + 1e-6
    assert measured.records_per_s >= 0
    if measured.window_s > 0:
        assert round(measured.records_per_s * measured.window_s) == measured.records
    # A tick's width around the edge, nothing else, is left to rounding.
    edge = end - measured.window_s
    surely = sum(count for at, count in happened if start + at >= edge + 1e-6)
    perhaps = sum(count for at, count in happened if start + at >= edge - 1e-6)
    assert surely <= measured.records <= perhaps


@given(events, st.lists(times, max_size=10))
def test_looking_late_or_often_changes_nothing(happened: Events, looks: list[float]) -> None:
    happened.sort()
    watched, unwatched = Window(0.0), Window(0.0)
    looks.sort()
    for at, count in happened:
        while looks and looks[0] <= at:
            watched.measure(looks.pop(0))
        watched.add(at, count)
    for at, count in sorted(happened, key=lambda event: (event[0], -event[1])):
        unwatched.add(at, count)
    assert watched.measure(500.0) == unwatched.measure(500.0)
    assert watched.history(500.0) == unwatched.history(500.0)


def test_a_run_shorter_than_the_window_is_the_window() -> None:
    window = Window(10.0)
    window.add(10.5, 30)
    window.add(12.0, 70)
    measured = window.measure(12.5)
    assert (measured.records, measured.window_s, measured.records_per_s) == (100, 2.5, 40.0)


def test_what_is_older_than_the_window_is_not_in_it() -> None:
    window = Window(0.0)
    window.add(1.0, 999)
    window.add(80.0, 5)
    measured = window.measure(100.0)
    assert measured.records == 5
    assert measured.window_s == pytest.approx(60.0, abs=0.25)


def test_no_time_gives_no_rate() -> None:
    window = Window(5.0)
    window.add(5.0, 8)
    assert window.measure(5.0).records == 8
    assert window.measure(5.0).records_per_s == 0.0


def test_the_history_has_a_reading_for_each_whole_second() -> None:
    window = Window(0.0, seconds=300.0, tick=1.0)
    for at, count in ((0.5, 1), (0.9, 2), (2.1, 7), (3.2, 100)):
        window.add(at, count)
    assert window.history(3.9) == (3.0, 0.0, 7.0)
