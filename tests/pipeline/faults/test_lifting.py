"""A fault that was lifted, or whose run is over, leaves nothing behind."""

from __future__ import annotations

import gc
import linecache
import logging
import random
import sys
import threading
import weakref
from pathlib import Path
from types import ModuleType

import psutil
import pytest

from pipeline.engine import Engine
from pipeline.faults.catalogue import VARIANTS
from pipeline.faults.injector import Injector
from pipeline.faults.spec import Variant
from pipeline.tasks.worker import Worker
from pipeline.tasks.writer import Writer
from tests.pipeline.faults.broken import RECORDS, STAGE, make, run, start
from tests.pipeline.faults.test_every_fault import at
from tests.pipeline.running import eventually

QUIET = [each for each in VARIANTS if each.evidence not in {"stalls", "uneven", "fails", "processor"}]

STRENGTH = {"slow": "low", "backlog": "low", "collections": "low"}
"""What takes long is put in where it does not: it is not its symptom that is looked at here."""


class Parts:
    """What an engine is made of."""

    def __init__(self, engine: Engine) -> None:
        self.works = [task.work for task in engine.tasks if isinstance(task, Worker)]
        self.functions = [part for parts in engine.at_work().values() for part in parts]
        self.deliveries = [task.delivery for task in engine.tasks if isinstance(task, Writer)]
        self.readers = [(reader.pace, reader.sift) for reader in engine.readers]
        self.bounds = [(hop.queue.capacity_records, hop.queue.capacity_bytes) for hop in engine.hops]
        self.clock = dict(vars(engine.clock)).get("wall")

    def same(self, other: Parts) -> bool:
        """Whether it is all one and the same, object by object."""
        return (
            all(a is b for a, b in zip(self.works, other.works, strict=True))
            and all(a is b for a, b in zip(self.functions, other.functions, strict=True))
            and all(a is b for a, b in zip(self.deliveries, other.deliveries, strict=True))
            and self.readers == other.readers
            and self.bounds == other.bounds
            and self.clock is other.clock
        )


class Surroundings:
    """What of the process a fault may have changed."""

    def __init__(self) -> None:
        gc.collect()
        self.threads = set(threading.enumerate())
        self.modules = set(sys.modules)
        self.lines = set(linecache.cache)
        self.files = psutil.Process().num_fds()
        self.loggers = set(logging.Logger.manager.loggerDict)
        self.collecting = gc.isenabled()

    def check(self, letters: int = 0) -> None:
        """``letters`` is how many files of dead letters are open now, and were not."""
        now = Surroundings()
        assert now.threads <= self.threads
        assert now.files == self.files + letters
        assert {name for name in now.modules - self.modules if name.startswith("_steps")} == set()
        gone = {path for path in now.lines - self.lines if path[:1] == "/" and not Path(path).exists()}
        assert gone == set()
        assert now.loggers == self.loggers
        assert now.collecting is self.collecting is True


@pytest.mark.parametrize("variant", QUIET, ids=lambda each: each.name)
def test_what_is_lifted_in_the_middle_of_a_run_is_gone(variant: Variant, tmp_path: Path) -> None:
    run(tmp_path, None)
    surroundings = Surroundings()
    before: list[Parts] = []
    modules: list[weakref.ref[ModuleType]] = []
    checked: list[bool] = []

    def between(engine: Engine, injector: Injector, _: random.Random) -> None:
        if not before:
            before.append(Parts(engine))
        counts = engine.ledger.counts()
        settled = counts.delivered + counts.rejected
        if settled > 200 and not injector.injections:
            injector.add(injector.parse(f"{at(variant)},intensity={STRENGTH.get(variant.evidence, 'high')}"))
            part = injector.injections[0].part
            assert part is not None
            modules.append(weakref.ref(part.module))
        if settled > 300 and injector.injections and not injector.injections[0].leaving:
            assert not before[0].same(Parts(engine)) or variant.site == "timer"
            injector.lift()
        if injector.injections and injector.injections[0].lifted_at is not None and not checked:
            surroundings.check(letters=int(counts.rejected > 0))
            assert before[0].same(Parts(engine))
            assert modules[0]() is None
            checked.append(True)

    ran = run(tmp_path, None, between=between)
    assert checked, "it was lifted while the run went on"
    assert ran.counts.balanced
    assert ran.counts.in_flight == 0
    surroundings.check()


@pytest.mark.parametrize("variant", QUIET, ids=lambda each: each.name)
def test_what_is_still_at_work_at_the_end_is_gone_behind_it(variant: Variant, tmp_path: Path) -> None:
    surroundings = Surroundings()
    before: list[Parts] = []
    ran = run(
        tmp_path,
        f"{at(variant)},intensity={STRENGTH.get(variant.evidence, 'high')}",
        at_end=lambda engine, _: before.append(Parts(engine)),
    )
    surroundings.check()
    assert not before[0].same(Parts(ran.engine)) or variant.site == "timer"
    assert ran.engine.at_work()[STAGE][0].__name__ == "price"  # type: ignore[attr-defined]


def test_lifting_one_of_two_leaves_what_the_other_keeps(tmp_path: Path) -> None:
    kept: list[int] = []

    def between(engine: Engine, injector: Injector, _: random.Random) -> None:
        delivered = engine.ledger.counts().delivered
        if delivered > 400 and len(injector.injections) == 1:
            injector.add(injector.parse("handles.file@price"))
        if delivered > 600 and not injector.injections[1].leaving:
            injector.lift([injector.injections[1]])

    def at_end(_: Engine, injector: Injector) -> None:
        part = injector.injections[0].part
        assert part is not None
        kept.append(len(part.get("seen")))

    run(tmp_path, "leak.dict@price", between=between, at_end=at_end)
    assert kept == [RECORDS]


def test_a_waiting_fault_does_not_hold_up_the_end(tmp_path: Path) -> None:
    running = start(tmp_path, "lookalike.deadlock@price")
    worker = next(task for task in running.engine.tasks if task.name.startswith("ingestion"))
    eventually(lambda: worker.in_hand > 0 and running.engine.ledger.counts().delivered >= 100)
    running.engine.abort()
    running.finish()
    assert running.driver.abandoned == ()
    assert running.engine.ledger.counts().balanced


def test_a_fault_may_come_later_and_go_by_itself(tmp_path: Path) -> None:
    running = start(tmp_path, "lookalike.slow_sink,after=0.05s,for=0.1s,delay_ms=2", records=3_000)
    eventually(lambda: running.injection.put_in_at is not None)
    eventually(lambda: running.injection.lifted_at is not None or running.driver.finished.is_set())
    running.finish()
    assert running.engine.ledger.counts().delivered == 3_000


def test_what_was_lifted_before_its_time_never_comes(tmp_path: Path) -> None:
    running = start(tmp_path, "batching.page@price,after=0.3s", records=2_000)
    running.injector.lift()
    running.finish()
    assert running.injection.put_in_at is None
    assert running.engine.ledger.counts().lost == 0


@pytest.mark.parametrize("kind", ["function", "batch", "stateful"])
@pytest.mark.parametrize("workers", [1, 3])
def test_what_a_lifted_fault_still_held_goes_on(kind: str, workers: int, tmp_path: Path) -> None:
    """A look-ahead holds records; its bug loses them at the end, and not when it is lifted before."""

    def between(engine: Engine, injector: Injector, _: random.Random) -> None:
        if engine.ledger.counts().delivered > 500 and not injector.injections[0].leaving:
            injector.lift()

    text = "batching.flush_twice@price,size=1"
    workers = 1 if kind == "stateful" else workers
    ran = run(tmp_path, text, between=between, kind=kind, workers=workers)
    assert ran.counts.lost == 0
    assert ran.counts.delivered == RECORDS
    assert ran.counts.duplicated <= 1


def test_the_pipeline_itself_is_not_changed(tmp_path: Path) -> None:
    pipeline, _ = make(tmp_path)
    specs = list(pipeline.stages)
    running = start(tmp_path, "leak.dict@price")
    running.finish()
    assert pipeline.stages == specs
