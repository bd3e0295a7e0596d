"""Pipelines at random, moved one step at a time, and what outlives the process apart."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from pipeline import Ids, SinkError
from pipeline.batch import Partition
from pipeline.checkpoint import Checkpoint
from pipeline.clock import ManualClock
from pipeline.dead_letters import read
from pipeline.deterministic import DeterministicDriver
from pipeline.engine import Engine, Options
from pipeline.events import Event, EventBus
from tests.pipeline.plans import Kept, Plan, expect, make_plan

CHILDREN = {"fan", "yield", "split", "batch", "sift"}


def resumable_plan(draw: Callable[[int, int], int], records: int = 10) -> Plan:
    """Any plan whose outcome does not depend on where it is interrupted.

    That leaves out merging, as what is merged depends on what comes together, and holding back some of the
    children of one record: progress speaks of whole records, so that a crash between two commits that
    share one has the committed children written again.
    """
    plan = make_plan(draw, records)
    stages = [stage for stage in plan.stages if stage.kind != "merge"]
    apart = next((at for at, stage in enumerate(stages) if stage.kind in CHILDREN), len(stages))
    stages = [stage for at, stage in enumerate(stages) if at < apart or stage.kind != "hold"]
    return replace(plan, stages=stages, limit=None, workers=None)


class Durable(Kept):
    """Rows that outlive the process; it fails when it is told to, half-way through a batch."""

    resumes = True
    guarantee = "exactly once"
    commit_every_s = 0.003
    fails_next = False

    def open(self) -> None:
        self.rows.clear()

    def flush(self) -> str:
        return json.dumps({name: len(rows) for name, rows in self.rows.items()})

    def resume(self, note: str) -> None:
        lengths = json.loads(note)
        for name, rows in self.rows.items():
            del rows[lengths.get(name, 0) :]

    def write(self, ids, payloads):  # type: ignore[no-untyped-def]
        written = super().write(ids, payloads)
        if self.fails_next:
            self.fails_next = False
            raise SinkError("it failed when it had written")
        return written


class Memory:
    """A store that outlives the process; it fails when it is told to, before or after it has stored."""

    name = "memory"

    def __init__(self) -> None:
        self._last: Checkpoint | None = None
        self.fails_next: str | None = None

    def load(self) -> Checkpoint | None:
        return self._last

    def clear(self) -> None:
        self._last = None

    def open(self) -> None:
        return

    def save(self, checkpoint: Checkpoint) -> None:
        way, self.fails_next = self.fails_next, None
        if way == "before":
            raise SinkError("it failed before it had stored")
        known = self._last.partitions if self._last is not None else {}
        self._last = replace(checkpoint, partitions={**known, **checkpoint.partitions})
        if way == "after":
            raise SinkError("it failed when it had stored")

    def intend(self, partition: Partition, ids: Ids) -> None:  # noqa: ARG002
        return

    def close(self) -> None:
        return


class World:
    """One pipeline through any number of processes."""

    def __init__(self, plan: Plan, letters: Path, seed: int) -> None:
        self.plan = plan
        self._letters = letters
        self._chance = random.Random(seed)
        self.sink = Durable(encoded=plan.encoded, receipts=plan.receipts, refuse=plan.refuse)
        self.store = Memory()
        self.events: list[Event] = []
        self.splits_children = any(stage.kind in CHILDREN for stage in plan.stages)
        self.start()

    def start(self, batch_size: int | None = None, workers: int | None = None) -> None:
        """A new process that goes on where the last one stood."""
        pipeline, _ = self.plan.build(self._letters)
        pipeline.sink = self.sink
        clock, bus = ManualClock(), EventBus()
        self._subscription = bus.subscribe(1_000_000)
        options = Options(batch_size=batch_size, workers=workers)
        self.engine = Engine(pipeline, options, clock, bus, store=self.store)
        self._driver = DeterministicDriver(self.engine, clock, self._chance.randrange(1 << 30))
        self.engine.started()
        for task in self.engine.tasks:
            self._driver._guard(task, task.begin)

    @property
    def over(self) -> bool:
        """Whether this process has nothing more to do."""
        return self.engine.control.stop.is_set() or all(task.done for task in self.engine.tasks)

    def advance(self, steps: int) -> None:
        """Move so many tasks, chosen at random, and look at the books after each."""
        for _ in range(steps):
            waiting = [task for task in self.engine.tasks if not task.done]
            if self.over or not waiting:
                return
            self._driver._step(self._chance.choice(waiting))
            self.check()

    def kill(self) -> None:
        """The process is gone, with nothing closed or committed."""
        self.events += self._subscription.drain()

    def end(self) -> None:
        """The process ends in order, whatever state it is in."""
        for task in self.engine.tasks:
            self._driver._guard(task, task.finish)
        self.engine.ended()
        self.events += self._subscription.drain()

    def check(self) -> None:
        """What must hold after each step."""
        counts = self.engine.ledger.counts()
        assert counts.balanced, counts
        assert counts.lost == counts.duplicated == 0, counts
        assert counts.in_flight >= 0, counts
        assert counts.read <= self.plan.total(), counts

    def complete(self) -> None:
        """Go on until all is done, and judge."""
        if self.engine.control.paused:
            self.engine.resume()
        while not self.over:
            self.advance(1_000)
        self.end()
        if self.engine.control.failure is not None or self.engine.control.aborted:
            self.start()
            self.complete()
            return
        self._judge()

    def _judge(self) -> None:
        counts = self.engine.ledger.counts()
        assert counts.in_flight == counts.lost == counts.duplicated == 0, counts
        if not self.engine.control.draining:
            assert counts.read == self.plan.total(), counts
        lines = dict(self.engine.ledger.partitions())
        rejected: Counter[str] = Counter()
        for source, partitions in self.plan.sources.items():
            for name, items in partitions.items():
                partition = Partition(source, name)
                if partition not in lines and not items:
                    continue
                expected = expect(self.plan, partition, [offset for offset, _ in items])
                assert Counter(self.sink.rows.get(str(partition), [])) == Counter(expected.rows)
                for fate in ("delivered", "filtered", "rejected"):
                    assert getattr(lines[partition], fate) == expected.count(fate), (partition, fate)
                rejected[str(partition)] = expected.count("rejected")
        named = [letter.id for letter in read(self._letters)] if self._letters.exists() else []
        assert len(set(named)) == len(named), "a record is in the dead letters twice"
        origins = {(name.rpartition(":")[0], name.rpartition(":")[2].partition(".")[0]) for name in named}
        assert Counter(partition for partition, _ in origins) == +rejected
