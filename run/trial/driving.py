"""The two ways to run an experiment: with threads as in a run, or in one thread in a seeded order."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from diagnosis.change import Change
from diagnosis.observation import Ending
from diagnosis.symptoms import NAMED
from metrics.collector import Collector
from metrics.memory import MemorySampler
from metrics.snapshot import Snapshot
from pipeline.clock import Clock, ManualClock
from pipeline.deterministic import DeterministicDriver, Stalled
from pipeline.engine import Engine, Options
from pipeline.events import EventBus
from pipeline.tasks.reader import Spawn
from pipeline.tasks.worker import Worker
from pipeline.threads import ThreadDriver, spawn, spawn_detached
from run.books import EngineBooks
from run.tampering import Tampering
from run.trial.apply import Applied
from run.trial.sink import Seen
from run.trial.watch import Watch

if TYPE_CHECKING:
    from run.trial.experiment import Trial

EVENTS = 1 << 20
"""So many events are kept until they are folded, all at the end."""
GIVE_UP_S = 2.0
_POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Ran:
    """A run that is over: how it ended, its last snapshot, what was seen of it, and its seconds."""

    ending: Ending
    snapshot: Snapshot
    watch: Watch
    delivery: Seen
    took_s: float
    lost_ids: tuple[str, ...]
    """All of them, as far as :data:`~diagnosis.symptoms.NAMED`: which ones are arithmetic to a diagnosis."""


def _options(change: Change) -> Options:
    return Options(batch_size=change.batch_size, workers=change.workers, limit=change.limit, seed=change.seed)


def threaded(trial: Trial, applied: Applied) -> Ran:
    """With threads, as in a run."""
    run = EngineRun(trial, applied, trial.clock, spawn_detached)
    driver = ThreadDriver(run.engine, trial.clock)

    def begin() -> None:
        run.tampering.begin()
        driver.start()

    return run.watched(begin, driver.finished)


def serial(trial: Trial, applied: Applied) -> Ran:
    """All tasks in one thread, in an order chosen by the seed."""
    clock = ManualClock()
    run = EngineRun(trial, applied, clock, None)
    driver = DeterministicDriver(run.engine, clock, trial.change.seed)
    finished = threading.Event()

    def work() -> None:
        try:
            run.tampering.begin()
            driver.run()
        except Stalled:
            trial.seen.stalled = True
        finally:
            finished.set()

    return run.watched(lambda: spawn_detached("serial", work), finished)


class EngineRun:
    """An engine with the least that it takes to know how it goes: a run's session does much more beside."""

    def __init__(self, trial: Trial, applied: Applied, clock: Clock, spawned: Spawn | None) -> None:
        self._trial = trial
        self._applied = applied
        self._clock = clock
        bus = EventBus()
        self.engine = Engine(applied.pipeline, _options(trial.change), clock, bus, spawned)
        self._collector = Collector(
            clock,
            bus.subscribe(EVENTS),
            EngineBooks(self.engine),
            MemorySampler(),
            pipeline=applied.pipeline.name,
        )
        # By the machine's clock in either way of driving: beside one that jumps when it is waited for,
        # what has nothing to do would never rest.
        self.tampering = Tampering(self.engine, trial.clock, ())

    def watched(self, begin: Callable[[], object], finished: threading.Event) -> Ran:
        """See it from its beginning to its end."""
        trial, engine = self._trial, self.engine
        watch, seen = trial.watch(engine, self._applied, _expected(engine, trial.change))
        _collecting(trial.change)
        if trial.change.steady:
            _kept_steady(engine, trial.clock)
        begin()

        def stop(how: str) -> None:
            (engine.abort if how == "abort" else engine.drain)()
            if how == "abort":
                self.tampering.stop_waiting()

        def progress() -> object:
            return engine.ledger.counts(), sum(task.in_hand for task in engine.tasks)

        spawn("watchdog", lambda: trial.see_to_it(watch, self._applied, progress, stop, finished))
        while not finished.wait(_POLL_S):
            if trial.seen.stalled:
                finished.wait(GIVE_UP_S)
                break
        trial.seen.over.set()
        took = trial.clock.monotonic() - watch.began
        trial.last_look(watch, seen)
        snapshot = self._collector.finish()
        with suppress(OSError):  # a repair may have closed what would be closed now
            self.tampering.finish()
        ending: Ending = "complete"
        if trial.seen.stalled:
            ending = "stalled"
        elif snapshot.problem is not None:
            ending = "failed"
        elif engine.control.draining:
            ending = "cut"
        lost = tuple(engine.ledger.lost_ids(NAMED)) if snapshot.records.lost else ()
        return Ran(ending, snapshot, watch, seen, took, lost)


def _collecting(change: Change) -> None:
    import gc

    gc.collect()
    if change.collector == "off":
        gc.disable()
        # Nor when the user's code asks for it.
        setattr(gc, "collect", lambda _generation=2: 0)  # noqa: B010


def _kept_steady(engine: Engine, clock: Clock) -> None:
    """Stage times go by the machine's clock, whatever else they are told to go by."""
    for task in engine.tasks:
        if isinstance(task, Worker):
            task.watch.follow(clock)
            task.watch.follow = lambda clock: clock  # type: ignore[method-assign]


def _expected(engine: Engine, change: Change) -> int | None:
    totals = [info.total for info in engine.partitions]
    total = (
        sum(each for each in totals if each is not None) if all(each is not None for each in totals) else None
    )
    if change.limit is None:
        return total
    return change.limit if total is None else min(change.limit, total)
