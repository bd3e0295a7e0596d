"""The last seconds are the same whenever, and however often, somebody looks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.recent import RECENT_S, RecentFold
from metrics.window import Levels, Window

Happened = list[tuple[float, int]]
happened = st.lists(st.tuples(st.floats(0, 60), st.integers(1, 500)), max_size=40)
looks = st.lists(st.floats(0, 60), max_size=20)


def replayed(events: Happened, times: list[float]) -> RecentFold:
    """Booked in order of time, looked at now and then."""
    recent = RecentFold(100.0)
    waiting = sorted(times)
    for at, count in sorted(events):
        while waiting and waiting[0] <= at:
            recent.measure(100.0 + waiting.pop(0))
        recent.add(100.0 + at, count, count // 2, count / 1000, count)
        recent.spend(100.0 + at, 0.5, 0.25, 0.25, ends=False)
    return recent


@given(happened, looks, st.floats(0, 30))
def test_looking_late_or_often_changes_nothing(events: Happened, times: list[float], later: float) -> None:
    now = 160.0 + later
    assert replayed(events, times).measure(now) == replayed(events, []).measure(now)


@given(happened, st.randoms(use_true_random=False), st.floats(60, 90))
def test_what_comes_in_late_is_booked_when_it_happened(events: Happened, chance: object, now: float) -> None:
    in_order = replayed(events, [])
    shuffled = sorted(events)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    recent = RecentFold(100.0)
    for at, count in shuffled:
        recent.measure(100.0 + at)
        recent.add(100.0 + at, count, count // 2, count / 1000, count)
        recent.spend(100.0 + at, 0.5, 0.25, 0.25, ends=False)
    one, other = in_order.measure(100.0 + now), recent.measure(100.0 + now)
    assert one is not None
    assert other is not None
    assert (one.records, one.rejected, one.window_s) == (other.records, other.rejected, other.window_s)
    assert (one.latency is None) == (other.latency is None)


@given(happened, st.floats(1, 90))
def test_each_record_of_the_last_seconds_counts_once(events: Happened, now: float) -> None:
    events = [(at, count) for at, count in events if at <= now]
    recent = replayed(events, []).measure(100.0 + now)
    assert recent is not None
    last = int(100.0 + now - 100.0)
    first = max(0, last - RECENT_S)
    assert recent.window_s == last - first
    assert recent.records == sum(count for at, count in events if first <= int(100.0 + at - 100.0) < last)


def test_the_first_second_is_told_as_far_as_it_has_come() -> None:
    recent = RecentFold(100.0)
    assert recent.measure(100.0) is None
    recent.add(100.25, 50, 5, 0.1, 50)
    told = recent.measure(100.5)
    assert told is not None
    assert (told.window_s, told.records, told.rejected) == (0.5, 50, 5)
    recent.add(100.5, 50, 5, 0.1, 50)
    told = recent.measure(100.5)
    assert told is not None
    assert told.records == 100


@given(happened, looks, st.integers(1, 8))
def test_rates_by_the_second_add_up_to_the_records(events: Happened, times: list[float], ticks: int) -> None:
    window = Window(100.0, 300.0)
    waiting = sorted(times)
    for at, count in sorted(events):
        while waiting and waiting[0] <= at:
            window.history(100.0 + waiting.pop(0), ticks)
        window.add(100.0 + at, count)
    rates = window.history(100.0 + 61.0 + ticks, ticks)
    length = ticks * 0.25
    assert sum(rate * length for rate in rates) == pytest.approx(sum(count for _, count in events))


@given(st.lists(st.tuples(st.floats(0, 200), st.floats(0, 1)), max_size=40), looks)
def test_a_level_stays_until_it_is_seen_again(
    readings: list[tuple[float, float]], times: list[float]
) -> None:
    levels = Levels(0.0, 60)
    waiting = sorted(times)
    readings.sort(key=lambda reading: reading[0])
    for at, level in readings:
        while waiting and waiting[0] <= at:
            levels.history(waiting.pop(0))
        levels.set(at, level)
    told = levels.history(210.0)
    assert len(told) == 59
    for second, level in zip(range(151, 210), told, strict=True):
        seen = [value for at, value in readings if int(at) <= second]
        assert level == (seen[-1] if seen else 0.0)


def test_a_level_that_is_told_late_is_put_where_it_belongs() -> None:
    levels = Levels(0.0, 60)
    levels.set(5.5, 0.5)
    assert levels.history(8.0)[4:] == (0.0, 0.5, 0.5, 0.5)
    levels.set(6.5, 0.75)
    levels.set(6.25, 0.1)
    assert levels.history(8.0)[4:] == (0.0, 0.5, 0.75, 0.75)
