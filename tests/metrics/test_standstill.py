"""A stage whose thread waits for a lock is found to stand still; one that waits for anything else is not."""

from __future__ import annotations

import multiprocessing
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace

import pytest

from metrics.anomalies import Watch
from metrics.anomalies.invariants import STILL_S, STUCK_S
from metrics.collector import Collector
from metrics.snapshot import Anomaly, Snapshot, ThreadState
from metrics.verdict import judge
from metrics.vitals import Vitals
from metrics.vitals.lock_wait import waits_for_lock
from metrics.vitals.standstill import GAP_S, Standstill
from pipeline.clock import ManualClock
from pipeline.events import EventBus, RunStarted, StageInfo, StageWorked
from pipeline.thread_facts import ThreadFact
from tests.metrics.made import FakeBooks, FakeMachine, needs_gil, records, sampler, snapshot
from tests.pipeline.running import eventually

TAKEN = threading.Lock()
TAKEN.acquire()
HELD = SimpleNamespace(lock=TAKEN)
CONDITION = threading.Condition(TAKEN)
NO_PLACE = threading.Semaphore(0)
BETWEEN_PROCESSES = multiprocessing.Lock()
BETWEEN_PROCESSES.acquire()
OVER = threading.Event()
NOTHING: queue.Queue[None] = queue.Queue()
NO_ITEM: queue.SimpleQueue[None] = queue.SimpleQueue()


def with_a_lock() -> None:
    with TAKEN:
        pass


def with_an_attribute() -> None:
    with HELD.lock:
        pass


def acquire_again_and_again() -> None:
    while not HELD.lock.acquire(blocking=bool(HELD.lock.locked()), timeout=0.5):
        pass


def with_a_semaphore() -> None:
    with NO_PLACE:
        pass


def acquire_a_semaphore() -> None:
    NO_PLACE.acquire()


def with_a_condition() -> None:
    with CONDITION:
        pass


def with_a_lock_between_processes() -> None:
    with BETWEEN_PROCESSES:
        pass


def an_event() -> None:
    OVER.wait()


def an_item_of_a_queue() -> None:
    NOTHING.get()


def an_item_of_a_simple_queue() -> None:
    NO_ITEM.get()


def a_signal() -> None:
    condition = threading.Condition()
    with condition:
        condition.wait()


def a_time() -> None:
    time.sleep(600)


def started(what: Callable[[], None]) -> threading.Thread:
    """A thread that has come to its wait; it ends with the process."""
    thread = threading.Thread(target=what, name=what.__name__, daemon=True)
    thread.start()

    def is_there() -> bool:
        frame = sys._current_frames().get(thread.ident or 0)
        before = None if frame is None else (frame.f_code, frame.f_lasti)
        time.sleep(0.02)
        frame = sys._current_frames().get(thread.ident or 0)
        inside = frame is not None and (frame.f_code, frame.f_lasti) == before
        while frame is not None and frame.f_code is not what.__code__:
            frame = frame.f_back
        return inside and frame is not None

    eventually(is_there)
    return thread


@pytest.mark.parametrize(
    "what",
    [
        with_a_lock,
        with_an_attribute,
        acquire_again_and_again,
        with_a_semaphore,
        acquire_a_semaphore,
        with_a_condition,
        with_a_lock_between_processes,
    ],
)
def test_who_takes_a_lock_is_seen_to_wait_for_it(what: Callable[[], None]) -> None:
    thread = started(what)
    eventually(lambda: waits_for_lock(sys._current_frames()[thread.ident or 0]))


@pytest.mark.parametrize("what", [an_event, an_item_of_a_queue, an_item_of_a_simple_queue, a_signal, a_time])
def test_who_waits_for_something_else_does_not(what: Callable[[], None]) -> None:
    thread = started(what)
    assert not waits_for_lock(sys._current_frames()[thread.ident or 0])


def state(*, waits: bool = True, cpu: float | None = 0.0, stage: str | None = "transform") -> ThreadState:
    return ThreadState(f"{stage} 0", stage, "busy", cpu, "orders.py:41 enrich", waits)


def test_a_stage_stands_still_while_nothing_comes_through_and_its_thread_waits() -> None:
    standstill = Standstill()
    for second in range(8):
        standstill.look(second, {"transform": 7, "output": 7}, [state()], paused=False)
    assert standstill.since == {"transform": 1.0}, "only once nothing was seen to come through"
    standstill.look(8.0, {"transform": 7, "output": 7}, [state(waits=False)], paused=False)
    assert standstill.since, "who retries is not seen at the lock each time"
    standstill.look(7.0 + GAP_S, {"transform": 7, "output": 7}, [state(waits=False)], paused=False)
    assert not standstill.since
    for second in range(10, 14):
        standstill.look(second, {"transform": second, "output": 7}, [state()], paused=False)
    assert not standstill.since, "one that goes on has to wait now and then"
    for second in range(14, 20):
        standstill.look(second, {"transform": 14, "output": 7}, [state(cpu=0.5)], paused=False)
    assert not standstill.since, "who works is at work"
    for second in range(20, 26):
        standstill.look(second, {"transform": 14, "output": 7}, [state()], paused=True)
    assert not standstill.since
    for second in range(26, 32):
        others = [state(), state(waits=False)]
        standstill.look(second, {"transform": 14, "output": 7}, others, paused=False)
    assert not standstill.since, "what they wait for may be at work"


def still(seconds: float, threads: tuple[ThreadState, ...] = ()) -> Snapshot:
    made = snapshot(run=records(read=10, delivered=5, in_flight=5), elapsed_s=60.0 + seconds)
    stages = tuple(
        replace(each, standstill_s=seconds if each.name == "transform" else 0.0) for each in made.stages
    )
    return replace(made, phase="running", stages=stages, threads=threads)


def test_a_standstill_is_an_anomaly_that_becomes_grave_and_ends() -> None:
    watch = Watch()
    threads = (state(), replace(state(stage=None), name="rebuild", state=None, place="orders.py:60 rebuild"))
    found: list[tuple[Anomaly, ...]] = []
    for seconds in (0.0, STILL_S - 1, STILL_S + 1, STUCK_S + 1, 0.0):
        shown = still(seconds, threads)
        found.append(watch.look(shown))
        status = judge(replace(shown, anomalies=found[-1])).status
        assert status == ("degraded" if seconds > STUCK_S else "healthy")
    assert found[:2] == [(), ()]
    (early,), (late,), (over,) = found[2:]
    assert (early.stage, early.severity, early.ended_s) == ("transform", "warning", None)
    assert early.text == (
        "transform has stood still since 1:00: its thread waits for a lock at orders.py:41 enrich, "
        "and so does rebuild at orders.py:60 rebuild"
    )
    assert (late.severity, late.text) == ("critical", early.text)
    assert over.ended_s is not None


@contextmanager
def deadlocked() -> Iterator[list[ThreadFact]]:
    thread = started(with_a_lock)
    yield [ThreadFact("t", ("transform",), "transform", "busy", thread.ident, thread.native_id)]


@needs_gil
def test_the_collector_tells_which_stage_waits_for_a_lock_and_where() -> None:
    clock, bus = ManualClock(100.0), EventBus()
    with deadlocked() as facts:
        collector = Collector(
            clock,
            bus.subscribe(),
            FakeBooks(records(read=10, in_flight=10)),
            sampler(),
            vitals=Vitals(clock, machine=FakeMachine(), cpu_time=lambda: 1.5),
            threads=lambda: facts,
        )
        stages = tuple(StageInfo(name, "function", 1, False) for name in ("transform", "output"))
        bus.emit(RunStarted(100.0, "orders", stages, (), None))
        for _ in range(40):
            clock.advance(0.5)
            collector.step(clock.monotonic())
        shown = collector.snapshot
        assert shown.status == "degraded"
        (reason,) = [each for each in shown.reasons if "stood still" in each]
        assert "transform" in reason
        assert "test_standstill.py" in reason
        assert "with_a_lock" in reason
        bus.emit(StageWorked(clock.monotonic(), "transform", 0, None, 0, 5, 5, 0, 0, 0, 0, 20.0, 0.0, 0.0))
        clock.advance(0.5)
        collector.step(clock.monotonic())
        assert [each.ended_s is None for each in collector.snapshot.anomalies if each.stage] == [False]
