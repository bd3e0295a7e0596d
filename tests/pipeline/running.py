"""Runs a pipeline under real threads, with a deadline on every wait."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from pipeline.checkpoint import CheckpointStore
from pipeline.clock import SystemClock
from pipeline.control import Failure
from pipeline.engine import Engine, Options
from pipeline.events import Event, EventBus, Subscription
from pipeline.ledger_books import Counts
from pipeline.pipeline import Pipeline
from pipeline.threads import ThreadDriver, spawn_detached

DEADLINE_S = 30.0
"""Far beyond what anything takes here, also on a machine that is busy with something else."""


@dataclass
class Running:
    """A run that was started."""

    engine: Engine
    driver: ThreadDriver
    subscription: Subscription

    def finish(self, timeout: float = DEADLINE_S) -> list[Event]:
        """Wait for its end; the events that nobody has taken so far."""
        assert self.driver.wait(timeout), "the run did not end in time"
        return self.subscription.drain()

    @property
    def counts(self) -> Counts:
        return self.engine.ledger.counts()

    @property
    def failure(self) -> Failure:
        assert self.engine.control.failure is not None, "the run did not fail"
        return self.engine.control.failure

    def quiet(self) -> None:
        """Wait until nothing has moved for a while."""
        seen = self.position()
        still = 0
        deadline = time.monotonic() + DEADLINE_S
        while still < 4:
            assert time.monotonic() < deadline, "it never came to rest"
            time.sleep(0.03)
            now = self.position()
            still = still + 1 if now == seen else 0
            seen = now

    def position(self) -> tuple[object, ...]:
        """Where all records are."""
        queues = tuple((hop.queue.put_records, hop.queue.taken_records) for hop in self.engine.hops)
        return (*queues, self.counts)


def start(
    pipeline: Pipeline,
    options: Options | None = None,
    prepare: Callable[[Engine], object] = lambda _: None,
    store: CheckpointStore | None = None,
) -> Running:
    """Start a run in threads, as the product does; ``prepare`` is shown the engine before."""
    clock, bus = SystemClock(), EventBus()
    subscription = bus.subscribe(1_000_000)
    engine = Engine(pipeline, options or Options(), clock, bus, spawn_detached, store)
    prepare(engine)
    driver = ThreadDriver(engine, clock)
    driver.start()
    return Running(engine, driver, subscription)


def eventually(condition: Callable[[], object]) -> None:
    """Wait until it holds."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.005)
