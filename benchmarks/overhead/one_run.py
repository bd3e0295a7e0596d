"""One run of one job, with all measuring on or with none, as a process of its own.

    python -m benchmarks.overhead.one_run flights on
    python -m benchmarks.overhead.one_run orders off --rate 20000 --seconds 10

Off is the engine with its threads and nobody who listens to its events: no collector, recorder, watched
containers, detectors or report. It prints one JSON document.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from pathlib import Path

import msgspec

from metrics.vitals.machine import Machine
from pipeline.clock import SystemClock
from pipeline.engine import Engine, Options
from pipeline.events import EventBus
from pipeline.pipeline import Pipeline
from pipeline.threads import ThreadDriver, spawn_detached
from run import loader
from run.session import Session
from run.state import open_store

ROOT = Path(__file__).resolve().parents[2]
JOBS = {
    "flights": ROOT / "examples" / "flights.py",
    "orders": ROOT / "benchmarks" / "orders" / "orders_pipeline.py",
}
POLL_S = 0.05
MONITORS = ("collector", "recorder", "memory")
"""Threads that measure; the engine's own are there in both kinds of run."""


class Measured(msgspec.Struct, frozen=True):
    """Seconds of the run without start-up: of time, of the processor in the threads that measure, and in all
    others but the one that waits."""

    records: int
    wall_s: float
    work_s: float
    threads: dict[str, float]


class Watch:
    """Looks at the threads of a run, and adds up when it is over."""

    def __init__(self) -> None:
        self._machine = Machine()
        self._used: dict[str, float] = {}
        self._began = time.perf_counter(), time.process_time(), time.thread_time()

    @property
    def elapsed_s(self) -> float:
        return time.perf_counter() - self._began[0]

    def look(self) -> None:
        """A thread that is gone cannot be asked, so that each is asked as long as it is there."""
        scheduling = self._machine.scheduling() or {}
        for thread in threading.enumerate():
            seen = scheduling.get(thread.native_id or 0)
            if seen is not None and thread.name in MONITORS:
                self._used[thread.name] = seen.cpu

    def measured(self, records: int) -> Measured:
        wall, all_threads, waiting = self._began
        work = time.process_time() - all_threads - (time.thread_time() - waiting)
        return Measured(records, time.perf_counter() - wall, work - sum(self._used.values()), self._used)


def run_on(pipeline: Pipeline, options: Options, seconds: float | None) -> Measured:
    session = Session(pipeline, options, duration=seconds, store=open_store(pipeline, None, fresh=True))
    watch = Watch()
    session.start()
    while not session.wait(POLL_S):
        watch.look()
    if session.snapshot.problem is not None:
        raise RuntimeError(session.snapshot.problem)
    return watch.measured(session.snapshot.records.read)


def run_off(pipeline: Pipeline, options: Options, seconds: float | None) -> Measured:
    clock = SystemClock()
    store = open_store(pipeline, None, fresh=True)
    engine = Engine(pipeline, options, clock, EventBus(), spawn_detached, store)
    driver = ThreadDriver(engine, clock)
    watch = Watch()
    driver.start()
    while not driver.wait(POLL_S):
        watch.look()
        if seconds is not None and watch.elapsed_s >= seconds:
            engine.drain()
            seconds = None
    if engine.control.failure is not None:
        raise RuntimeError(engine.control.failure.message)
    return watch.measured(engine.ledger.counts().read)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("job", choices=JOBS)
    parser.add_argument("measuring", choices=["on", "off"])
    parser.add_argument("--rate", type=float, help="records a second; as fast as it goes without")
    parser.add_argument("--seconds", type=float, help="end after so long")
    given = parser.parse_args()
    pipeline = loader.load(str(JOBS[given.job]))
    run = run_on if given.measuring == "on" else run_off
    measured = run(pipeline, Options(rate=given.rate), given.seconds)
    sys.stdout.write(msgspec.json.encode(measured).decode() + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
