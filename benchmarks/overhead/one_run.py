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
    """Adds up what the threads of a run took, each at its own end: to look at them meanwhile would cost the
    more, the more there are."""

    def __init__(self) -> None:
        self._used: dict[str, float] = {}
        self._run = threading.Thread.run
        used, run = self._used, self._run

        def timed(thread: threading.Thread) -> None:
            try:
                run(thread)
            finally:
                if thread.name in MONITORS:
                    used[thread.name] = time.thread_time()

        threading.Thread.run = timed  # type: ignore[method-assign, assignment]
        self._began = time.perf_counter(), time.process_time(), time.thread_time()

    def measured(self, records: int) -> Measured:
        """Of a run that is over."""
        wall, all_threads, waiting = self._began
        took = time.perf_counter() - wall
        work = time.process_time() - all_threads - (time.thread_time() - waiting)
        threading.Thread.run = self._run  # type: ignore[method-assign]
        return Measured(records, took, work - sum(self._used.values()), self._used)


def run_on(pipeline: Pipeline, options: Options, seconds: float | None) -> Measured:
    session = Session(pipeline, options, duration=seconds, store=open_store(pipeline, None, fresh=True))
    watch = Watch()
    session.start()
    session.wait()
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
    if not driver.wait(seconds):
        engine.drain()
        driver.wait()
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
