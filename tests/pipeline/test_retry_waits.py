"""Waiting for another try: who waits meanwhile, what ends the wait, and that no order is lost."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import ConfigurationError, Pipeline, Reject, Retry, function
from pipeline.clock import ManualClock, SystemClock
from pipeline.control import Control
from pipeline.deterministic import DeterministicDriver
from pipeline.engine import Engine, Options
from pipeline.events import EventBus
from pipeline.ids import Ids
from pipeline.operators.function import FunctionOperator
from pipeline.retry import Retrier
from pipeline.threads import ThreadDriver

DEADLINE_S = 30.0


class Moody:
    """Fails for each value as often as said; notes the calls."""

    def __init__(self, failures: dict[int, int]) -> None:
        self.left = dict(failures)
        self.calls: list[int] = []

    def __call__(self, value: int) -> int:
        self.calls.append(value)
        if self.left.get(value, 0) > 0:
            self.left[value] -= 1
            raise OSError(f"not now: {value}")
        return value


def operator(call: Any, retry: Retry, clock: ManualClock | None = None) -> FunctionOperator:
    return FunctionOperator("f", call, retrier=Retrier(retry, clock or ManualClock(), Control(), 0))


@given(
    failures=st.lists(st.integers(0, 5), min_size=1, max_size=20),
    attempts=st.integers(1, 4),
    aside=st.booleans(),
)
def test_either_way_records_come_out_in_order_and_each_is_tried_as_often_as_said(
    failures: list[int], attempts: int, aside: bool
) -> None:
    moody = Moody(dict(enumerate(failures)))
    retry = Retry(attempts, OSError, first=1, aside=aside)
    ids = Ids.span(100, 100 + len(failures))
    outcome = operator(moody, retry).apply(ids, list(range(len(failures))), None)
    good = [value for value, times in enumerate(failures) if times < attempts]
    assert outcome.values == good
    assert [id.offset - 100 for id in outcome.ids] == good
    bad = [value for value, times in enumerate(failures) if times >= attempts]
    assert [letter.id.offset - 100 for letter in outcome.rejected] == bad
    assert [letter.reason for letter in outcome.rejected] == [f"OSError: not now: {value}" for value in bad]
    assert all(letter.attempts == attempts for letter in outcome.rejected)
    for value, times in enumerate(failures):
        assert moody.calls.count(value) == min(attempts, times + 1)


def test_a_waiting_record_holds_its_batch() -> None:
    moody = Moody({1: 2})
    operator(moody, Retry(3, OSError)).apply(Ids.span(0, 4), [0, 1, 2, 3], None)
    assert moody.calls == [0, 1, 1, 1, 2, 3]


def test_a_waiting_record_steps_aside() -> None:
    moody = Moody({0: 1, 1: 2})
    operator(moody, Retry(3, OSError, first=1, jitter=0, aside=True)).apply(
        Ids.span(0, 4), [0, 1, 2, 3], None
    )
    assert moody.calls == [0, 1, 2, 3, 0, 1, 1]


def test_records_that_step_aside_wait_at_the_same_time() -> None:
    clock = ManualClock()
    moody = Moody(dict.fromkeys(range(50), 1))
    retry = Retry(2, OSError, first=1, jitter=0, aside=True)
    operator(moody, retry, clock).apply(Ids.span(0, 50), list(range(50)), None)
    assert clock.monotonic() == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("error", [Reject("no"), KeyError("other")])
def test_what_is_not_worth_another_try_does_not_step_aside(error: Exception) -> None:
    calls = []

    def call(value: int) -> int:
        calls.append(value)
        raise error

    outcome = operator(call, Retry(5, OSError, aside=True)).apply(Ids.span(0, 2), [0, 1], None)
    assert calls == [0, 1]
    assert len(outcome.rejected) == 2


def test_aside_must_be_a_truth_value() -> None:
    with pytest.raises(ConfigurationError, match="aside='yes'"):
        Retry(aside="yes")  # type: ignore[arg-type]


def test_a_whole_batch_goes_on_before_the_next_try() -> None:
    calls: list[int] = []
    failed: set[int] = set()

    def moody(value: dict[str, Any]) -> dict[str, Any]:
        calls.append(value["id"])
        if value["id"] == 0 and 0 not in failed:
            failed.add(0)
            raise OSError("not now")
        return value

    pipeline = Pipeline("p", batch_size=200)
    pipeline.read([(number, {"id": number, "text": "x" * 1_000}) for number in range(200)])
    pipeline.stage(moody, retry=Retry(2, OSError, aside=True))
    rows: list[int] = []
    pipeline.write(function(lambda value: rows.append(value["id"])))
    clock = ManualClock()
    DeterministicDriver(Engine(pipeline, Options(), clock, EventBus()), clock, 1).run()
    assert calls == [*range(200), 0]
    assert rows == list(range(200))


# What ends a wait


class Waiting:
    """A run in threads, of which one record waits for its second try."""

    def __init__(self, *, aside: bool = False, wait_s: float = 1_000) -> None:
        self.tries = threading.Semaphore(0)
        self.calls: list[int] = []
        self.rows: list[int] = []
        pipeline = Pipeline("p", batch_size=3)
        pipeline.read([(number, number) for number in range(6)])
        retry = Retry(5, OSError, first=wait_s, cap=wait_s, jitter=0, aside=aside)
        pipeline.stage(self._call, retry=retry)
        pipeline.write(function(self.rows.append))
        clock = SystemClock()
        self.engine = Engine(pipeline, Options(), clock, EventBus())
        self.driver = ThreadDriver(self.engine, clock)
        self.driver.start()

    def _call(self, value: int) -> int:
        self.calls.append(value)
        if value == 1:
            self.tries.release()
            if self.calls.count(1) == 1:
                raise OSError("not now")
        return value

    def tried(self) -> bool:
        return self.tries.acquire(timeout=DEADLINE_S)


@pytest.mark.parametrize("aside", [False, True])
def test_a_drain_ends_the_wait_and_the_next_try_is_the_last(aside: bool) -> None:
    waiting = Waiting(aside=aside)
    assert waiting.tried()
    waiting.engine.drain()
    assert waiting.driver.wait(DEADLINE_S)
    assert waiting.calls.count(1) == 2
    counts = waiting.engine.ledger.counts()
    assert counts.in_flight == counts.lost == counts.rejected == 0
    assert waiting.rows == list(range(counts.delivered))


@pytest.mark.parametrize("aside", [False, True])
def test_an_abort_ends_the_wait(aside: bool) -> None:
    waiting = Waiting(aside=aside)
    assert waiting.tried()
    waiting.engine.abort()
    assert waiting.driver.wait(DEADLINE_S)
    assert not waiting.driver.abandoned
    assert waiting.calls.count(1) == 1
    counts = waiting.engine.ledger.counts()
    assert counts.balanced
    assert counts.rejected == counts.lost == 0


def test_a_pause_stops_the_wait_and_resume_goes_on_with_it() -> None:
    waiting = Waiting(wait_s=0.2)
    assert waiting.tried()
    waiting.engine.pause()
    assert not waiting.tries.acquire(timeout=0.6), "the time of a wait does not pass while the run is paused"
    waiting.engine.resume()
    assert waiting.tried()
    assert waiting.driver.wait(DEADLINE_S)
    assert waiting.rows == list(range(6))


def test_a_step_by_hand_is_seen_through_to_its_end() -> None:
    control, clock = Control(), ManualClock()
    control.pause()
    assert control.rest(clock, 5) is None
    assert clock.monotonic() == 5


@given(st.floats(0, 1e6), st.floats(0, 1e9))
def test_a_wait_comes_to_an_end_whatever_the_time(seconds: float, now: float) -> None:
    clock = ManualClock(now)
    assert Control().rest(clock, seconds) is None
    assert clock.monotonic() >= now


# A limit on the time that one record may take


def run(pipeline: Pipeline, clock: ManualClock) -> Engine:
    engine = Engine(pipeline, Options(), clock, EventBus())
    DeterministicDriver(engine, clock, 1).run()
    return engine


@pytest.mark.parametrize("lazy", [False, True])
def test_a_record_that_took_too_long_is_rejected(lazy: bool, tmp_path: Any) -> None:
    clock = ManualClock()
    pipeline = Pipeline("p", dead_letters=tmp_path / "dead.jsonl")
    pipeline.read([(number, number) for number in range(4)])

    def slow(value: int) -> Any:
        clock.advance(value)
        return value

    def slow_bit_by_bit(value: int) -> Any:
        clock.advance(value)
        yield value

    pipeline.stage(slow_bit_by_bit if lazy else slow, name="slow", timeout=1.5, retry=Retry(3))
    rows: list[int] = []
    pipeline.write(function(rows.append))
    engine = run(pipeline, clock)
    assert rows == [0, 1]
    assert engine.ledger.counts().rejected == 2
    text = (tmp_path / "dead.jsonl").read_text()
    assert "took 2 s, timeout=1.5 s" in text
    assert "took 3 s, timeout=1.5 s" in text
    assert text.count('"attempts":1') == 2, "the same again would take as long again"


@pytest.mark.parametrize("timeout", [0, -1, "1s", True, float("nan")])
def test_a_timeout_is_a_number_of_seconds(timeout: Any) -> None:
    pipeline = Pipeline("p")
    with pytest.raises(ConfigurationError, match="timeout="):
        pipeline.stage(lambda value: value, name="s", timeout=timeout)


def test_a_timeout_is_for_one_record() -> None:
    pipeline = Pipeline("p")
    with pytest.raises(ConfigurationError, match="timeout= is for functions of one record"):
        pipeline.stage(lambda values: values, name="s", batch=True, timeout=1)
