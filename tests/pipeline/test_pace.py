"""A rate is kept over every window, shared evenly, and never makes anybody wait for ever."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.clock import ManualClock
from pipeline.errors import ConfigurationError
from pipeline.pace import BURST_S, Budget, Pace

_RATES = st.one_of(st.floats(0.05, 50), st.floats(50, 1e6))


@given(rate=_RATES, readers=st.integers(1, 4), seed=st.integers(0, 1 << 20))
def test_the_rate_is_not_exceeded_over_any_window(rate: float, readers: int, seed: int) -> None:
    chance = random.Random(seed)
    clock = ManualClock()
    pace = Pace(clock, rate)
    for reader in range(readers):
        pace.join(reader)
    spent: list[tuple[float, int]] = []
    for _ in range(150):
        reader = chance.randrange(readers)
        allowed = pace.allowed(reader)
        assert allowed is not None
        take = chance.randint(0, allowed)
        pace.spend(reader, take)
        spent.append((clock.monotonic(), take))
        clock.advance(chance.choice([0, chance.random() * 3 / rate, chance.random() * 0.3]))
    share = rate / readers
    burst = readers * (1.0 + share * BURST_S)
    for first in range(0, len(spent), 7):
        total = 0
        for at, records in spent[first:]:
            total += records
            assert total <= rate * (at - spent[first][0]) + burst + 1e-6


@settings(max_examples=40)
@given(rate=_RATES, readers=st.integers(1, 4))
def test_the_rate_is_reached_and_shared_evenly(rate: float, readers: int) -> None:
    clock = ManualClock()
    pace = Pace(clock, rate)
    total = [0] * readers
    for reader in range(readers):
        pace.join(reader)
    while clock.monotonic() < 100 * max(1.0, 1 / rate):
        for reader in range(readers):
            allowed = pace.allowed(reader) or 0
            pace.spend(reader, allowed)
            total[reader] += allowed
        clock.advance(max(0.01, 0.2 / rate))
        if sum(total) > 1_000_000:
            break
    expected = rate * clock.monotonic() / readers
    for each in total:
        assert each == pytest.approx(expected, rel=0.03, abs=2 + rate * BURST_S)


@given(rate=_RATES, readers=st.integers(1, 3), seed=st.integers(0, 1 << 20))
def test_after_the_delay_there_is_something_to_read(rate: float, readers: int, seed: int) -> None:
    chance = random.Random(seed)
    clock = ManualClock()
    pace = Pace(clock, rate)
    for reader in range(readers):
        pace.join(reader)
    for _ in range(50):
        reader = chance.randrange(readers)
        allowed = pace.allowed(reader)
        assert allowed is not None
        if allowed == 0:
            delay = pace.delay(reader)
            assert delay > 0
            clock.advance(delay)
            allowed = pace.allowed(reader)
            assert allowed, "the delay was too short"
        pace.spend(reader, chance.randint(1, allowed))


def test_those_who_go_on_share_what_another_leaves() -> None:
    clock = ManualClock()
    pace = Pace(clock, 10)
    pace.join(0)
    pace.join(1)
    pace.leave(1)
    read = 0
    for _ in range(1_000):
        allowed = pace.allowed(0) or 0
        pace.spend(0, allowed)
        read += allowed
        clock.advance(0.01)
    assert read == pytest.approx(100, abs=2)


def test_without_a_rate_there_is_no_limit_and_one_may_be_set_and_lifted() -> None:
    clock = ManualClock()
    pace = Pace(clock, None)
    pace.join(0)
    assert pace.allowed(0) is None
    clock.advance(1_000)
    pace.set_rate(5)
    assert pace.allowed(0) == 1, "nothing was saved up while there was no limit"
    pace.spend(0, 1)
    assert pace.allowed(0) == 0
    pace.set_rate(None)
    assert pace.allowed(0) is None
    assert pace.delay(0) == 0


@pytest.mark.parametrize("rate", [0, -1, float("nan")])
def test_a_rate_that_is_none_is_refused(rate: float) -> None:
    with pytest.raises(ConfigurationError, match="rate="):
        Pace(ManualClock(), rate)
    pace = Pace(ManualClock(), 1)
    with pytest.raises(ConfigurationError, match="rate="):
        pace.set_rate(rate)
    assert pace.rate == 1


@given(st.one_of(st.none(), st.integers(0, 50)), st.lists(st.integers(0, 20), max_size=20))
def test_a_budget_is_spent_to_the_record(records: int | None, wanted: list[int]) -> None:
    budget = Budget(records)
    granted = sum(budget.grant(each) for each in wanted)
    assert granted == (sum(wanted) if records is None else min(records, sum(wanted)))
    assert budget.spent == (records is not None and granted >= records)
