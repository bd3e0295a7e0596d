from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.heap.lengths import CAPACITY, LEAST_GROWTH, MIN_READINGS, Length, LengthSeries, judge
from metrics.memory_state import MemoryVerdict

seeds = st.integers(0, 2**32)


def read(length: Callable[[int], float], records: int, readings: int = 40) -> list[Length]:
    return [
        Length(at, int(length(at))) for at in (records * each // readings for each in range(1, readings + 1))
    ]


def test_an_entry_a_record_is_growing_and_its_rate_is_exact() -> None:
    found = judge(read(lambda at: at, 1_000))
    assert found.verdict == "growing"
    assert found.per_record == 1.0


@settings(max_examples=60)
@given(seeds, st.floats(0.05, 1.0), st.integers(5_000, 50_000))
def test_a_leak_of_a_share_of_the_records_is_growing(seed: int, share: float, records: int) -> None:
    chance = random.Random(seed)
    count = 0
    readings = []
    for at in range(1, records + 1):
        count += chance.random() < share
        if at % (records // 40) == 0:
            readings.append(Length(at, count))
    found = judge(readings)
    assert found.verdict in ("growing", "warming")
    assert found.per_record == pytest.approx(share, rel=0.35)


@settings(max_examples=60)
@given(seeds, st.integers(20, 400), st.integers(2, 30))
def test_a_cache_that_fills_from_a_bounded_set_of_keys_is_no_leak(seed: int, keys: int, times: int) -> None:
    chance = random.Random(seed)
    cache: set[int] = set()
    readings = []
    for at in range(1, keys * times + 1):
        cache.add(chance.randrange(keys))
        if at % max(1, keys * times // 40) == 0:
            readings.append(Length(at, len(cache)))
    assert judge(readings).verdict in ("stable", "warming")


@pytest.mark.parametrize("share", [0.3, 0.6, 0.8])
def test_a_cache_that_fills_evenly_up_to_its_bound_is_no_leak(share: float) -> None:
    assert judge(read(lambda at: min(at, share * 1_000), 1_000)).verdict in ("stable", "warming")


@settings(max_examples=60)
@given(st.integers(50, 2_000), st.integers(3, 20), st.integers(1, 64))
def test_a_cache_that_is_flushed_again_and_again_is_stable(tooth: int, teeth: int, readings: int) -> None:
    found = judge(read(lambda at: at % tooth, tooth * teeth, readings + MIN_READINGS))
    assert found.verdict in ("stable", "warming", "shrinking", "unknown")


@pytest.mark.parametrize("records", [3_000, 4_000, 4_680, 20_000])
def test_an_unfinished_tooth_of_a_saw_is_not_growth(records: int) -> None:
    assert judge(read(lambda at: at % 700, records)).verdict == "stable"


def test_a_flush_that_never_comes_again_is_growing() -> None:
    assert judge(read(lambda at: at % 700 if at < 2_000 else at - 1_400, 10_000)).verdict == "growing"


def test_one_step_is_no_leak() -> None:
    assert judge(read(lambda at: 5_000 * (at > 700), 1_000)).verdict == "warming"


def test_a_bound_that_is_not_reached_is_told_from_a_leak() -> None:
    assert judge(read(lambda at: at, 1_000), bound=5_000).verdict == "warming"


def test_a_container_that_empties_is_shrinking() -> None:
    assert judge(read(lambda at: 2_000 - at * 1.5, 1_000)).verdict == "shrinking"


@pytest.mark.parametrize(
    ("readings", "verdict"),
    [
        ([], "unknown"),
        (read(lambda at: at, 1_000, MIN_READINGS - 1), "unknown"),
        (read(lambda _: 7, 1_000), "stable"),
        (read(lambda at: min(at, LEAST_GROWTH), 1_000), "stable"),
        (read(lambda at: 900 * (1 - math.exp(-at / 300)), 1_000), "warming"),
    ],
)
def test_what_is_too_little_is_not_called_a_leak(readings: list[Length], verdict: MemoryVerdict) -> None:
    assert judge(readings).verdict == verdict


def test_the_series_stays_small_and_keeps_its_floor() -> None:
    series = LengthSeries()
    for at in range(20_000):
        series.add(at, at if at % 7 else 0)
    assert len(series.readings) <= CAPACITY
    assert max(reading.entries for reading in series.readings[:-1]) < 1_000


def test_a_reading_amid_a_batch_does_not_bend_the_line() -> None:
    series = LengthSeries()
    for at in range(50, 1_001, 50):
        series.add(at, at)
        if at == 750:
            series.add(at, 789)
    assert judge(series.all).verdict == "growing"
