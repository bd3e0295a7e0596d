from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.memory import SERIES_CAPACITY, MemorySampler
from metrics.trend import LEAK_READINGS, Reading, Trend, trend
from tests.metrics.made import MEBI

Curve = Callable[[float], float]
seeds = st.integers(0, 2**32)
lengths = st.integers(80, 1500)


def readings(curve: Curve, length: int, seed: int, noise: float, records: int = 100_000) -> list[Reading]:
    """``curve`` maps the share of the run to bytes above 50 MiB; the noise sits on top, as garbage does."""
    chance = random.Random(seed)
    return [
        Reading(
            round(records * at / (length - 1)),
            round(50 * MEBI + curve(at / (length - 1)) + chance.random() * noise),
        )
        for at in range(length)
    ]


def judged(curve: Curve, length: int, seed: int, noise: float) -> Trend:
    return trend(readings(curve, length, seed, noise))


@settings(max_examples=40)
@given(lengths, seeds, st.floats(0, 6 * MEBI))
def test_flat_and_noisy_is_stable(length: int, seed: int, noise: float) -> None:
    assert judged(lambda _: 0.0, length, seed, noise).verdict == "stable"


@settings(max_examples=40)
@given(lengths, seeds, st.floats(20 * MEBI, 400 * MEBI))
def test_a_steady_leak_is_growing_and_its_slope_is_found(length: int, seed: int, leak: float) -> None:
    found = judged(lambda at: leak * at, length, seed, leak / 100)
    # In the first seconds a leak cannot be told from pools and caches that fill.
    assert found.verdict == ("growing" if length >= LEAK_READINGS else "warming")
    assert found.slope == pytest.approx(leak / 100_000, rel=0.05)


@settings(max_examples=40)
@given(lengths, seeds, st.floats(60 * MEBI, 400 * MEBI), st.floats(0.25, 0.45))
def test_growth_that_levels_off_is_warming_up(length: int, seed: int, most: float, pace: float) -> None:
    found = judged(lambda at: most * (1 - math.exp(-at / pace)), length, seed, most / 200)
    assert found.verdict == "warming"


@settings(max_examples=40)
@given(lengths, seeds, st.floats(20 * MEBI, 400 * MEBI), st.floats(0.05, 0.95))
def test_one_jump_is_no_leak(length: int, seed: int, jump: float, when: float) -> None:
    assert judged(lambda at: jump * (at >= when), length, seed, MEBI / 2).verdict in ("stable", "warming")


@settings(max_examples=40)
@given(lengths, seeds, st.floats(15 * MEBI, 40 * MEBI))
def test_falling_is_shrinking(length: int, seed: int, fall: float) -> None:
    assert judged(lambda at: -fall * at, length, seed, fall / 100).verdict == "shrinking"


@pytest.mark.parametrize(
    "curve", [lambda _: 0.0, lambda at: 80 * MEBI * at, lambda at: 30 * MEBI * (at > 0.7)]
)
def test_it_says_how_sure_it_is_and_bounds_the_slope(curve: Curve) -> None:
    found = judged(curve, 400, 1, MEBI / 4)
    assert found.confidence is not None
    assert 0.5 <= found.confidence <= 0.99
    assert found.slope is not None
    assert found.low is not None
    assert found.high is not None
    assert found.low <= found.slope <= found.high


def test_growth_that_was_seen_once_is_not_called_so_yet() -> None:
    rss = 0
    memory = MemorySampler(lambda: rss)
    for at in range(LEAK_READINGS):
        rss = 60 * MEBI + at * 40_000
        memory.sample(at)
    once = memory.memory.verdict
    memory.judge()
    assert (once, memory.memory.verdict) == ("warming", "growing")


def test_growth_during_the_warm_up_alone_is_stable() -> None:
    assert judged(lambda at: min(at, 0.15) * 400 * MEBI, 300, 1, MEBI).verdict == "stable"


def test_little_growth_is_stable() -> None:
    assert judged(lambda at: 1.5 * MEBI * at, 300, 1, 0.0).verdict == "stable"


def test_too_little_to_go_by_is_unknown() -> None:
    assert judged(lambda at: 99 * MEBI * at, 29, 1, 0.0) == Trend(None, "unknown")
    assert trend([]) == Trend(None, "unknown")
    assert trend([Reading(5, MEBI * at) for at in range(100)]).verdict == "unknown"
    four_steps = [Reading(at // 50, MEBI * at) for at in range(200)]
    assert trend(four_steps).verdict == "unknown"


def test_the_series_stays_small_and_keeps_its_floor() -> None:
    rss = 0
    memory = MemorySampler(lambda: rss)
    for at in range(20_000):
        rss = (100 if at % 7 else 60) * MEBI + at * 4096
        memory.sample(at)
    memory.judge()
    state = memory.memory
    assert len(state.series) <= SERIES_CAPACITY + 1
    assert max(state.series[:-1]) < 60 * MEBI + 20_000 * 4096 + MEBI
    assert state.rss_peak == 100 * MEBI + max(at for at in range(20_000) if at % 7) * 4096
    assert state.verdict == "growing"
    assert state.slope_bytes_per_record == pytest.approx(4096, rel=0.02)


def test_it_reads_this_process() -> None:
    memory = MemorySampler()
    memory.sample(1)
    assert memory.memory.rss > MEBI
    assert memory.memory.rss_peak >= memory.memory.rss_start > MEBI
