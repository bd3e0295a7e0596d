"""Sinks that fail at random, in every way in which a sink can: before, in the middle, and after it wrote."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable
from typing import Any

from pipeline import Id, Ids, Sink, SinkError
from pipeline.batch import Partition
from pipeline.checkpoint import Checkpoint, CheckpointStore
from tests.chaos.disk import Disk
from tests.chaos.inline import Acknowledging, run
from tests.chaos.job import build
from tests.chaos.table import Trials
from tests.chaos.writes import PARTITIONS, RECORDS, Workshop

RATES = (0.01, 0.10, 0.25)
KINDS = ("jsonl", "csv", "sqlite")
RUNS_AT_MOST = 400
WAYS = ("before", "half", "written", "flush before", "flushed", "save before", "saved")


class Chance:
    """Decides which steps fail, and in which way."""

    def __init__(self, seed: int, rate: float) -> None:
        self._random = random.Random(seed)
        self._rate = rate
        self.failed: list[str] = []

    def fails(self, *ways: str) -> str | None:
        """One of these ways, or None, as it mostly is."""
        if self._random.random() >= self._rate:
            return None
        way = self._random.choice(ways)
        self.failed.append(way)
        return way


class Faulty(Sink):
    """A sink that does what another one does, and fails."""

    resumes = True
    guarantee = "exactly once"

    def __init__(self, inner: Sink, chance: Chance) -> None:
        self._inner = inner
        self._chance = chance
        self.name = inner.name
        self.folder = inner.folder
        self.commit_every_s = inner.commit_every_s

    def check(self) -> None:
        self._inner.check()

    def open(self) -> None:
        self._inner.open()

    def resume(self, note: str) -> None:
        self._inner.resume(note)

    def write(self, ids: Ids, payloads: list[Any]) -> Iterable[Id]:
        way = self._chance.fails("before", "half", "written")
        if way == "before":
            raise SinkError("it failed before it wrote")
        count = len(ids) // 2 if way == "half" else len(ids)
        if count:
            encoded = [self._inner.encode(payloads[:count])] if self._inner.encode else payloads[:count]
            self._inner.write(ids.cut(0, count), encoded)
        if way is not None:
            raise SinkError(f"it failed with {count} of {len(ids)} written")
        return ids

    def flush(self) -> str | None:
        way = self._chance.fails("flush before", "flushed")
        if way == "flush before":
            raise SinkError("it failed before it flushed")
        note = self._inner.flush()
        if way is not None:
            raise SinkError("it failed after it flushed")
        return note

    def close(self) -> None:
        self._inner.close()


class FaultyStore:
    """A store that fails before or after it has stored."""

    def __init__(self, inner: CheckpointStore, chance: Chance) -> None:
        self._inner = inner
        self._chance = chance
        self.name = inner.name

    def load(self) -> Checkpoint | None:
        return self._inner.load()

    def clear(self) -> None:
        self._inner.clear()

    def open(self) -> None:
        self._inner.open()

    def save(self, checkpoint: Checkpoint) -> None:
        way = self._chance.fails("save before", "saved")
        if way == "save before":
            raise SinkError("it failed before it stored")
        self._inner.save(checkpoint)
        if way is not None:
            raise SinkError("it failed after it stored")

    def intend(self, partition: Partition, ids: Ids) -> None:
        self._inner.intend(partition, ids)

    def close(self) -> None:
        self._inner.close()


def sink_faults(shop: Workshop, seeds: int) -> Trials:
    """For each rate and seed: the same command again and again until it completes, with the sink failing."""
    trials = Trials(
        "sink errors 1, 10 and 25 %: before, half, committed but raised",
        "conservation, exit 1 each time, no twice",
    )
    for (rate, seed), kind in zip(
        itertools.product(RATES, range(seeds)), itertools.cycle(KINDS), strict=False
    ):
        trials.count += 1
        with shop.fresh() as folder:
            chance, disk = Chance(seed, rate), Disk()
            where = f"{kind}, {rate:.0%}, seed {seed}"
            for number in range(RUNS_AT_MOST):
                pipeline, store = build(folder, kind, batch_size=8)
                assert pipeline.sink is not None
                pipeline.sink = Faulty(pipeline.sink, chance)
                before = len(chance.failed)
                verdict = run(pipeline, Acknowledging(FaultyStore(store, chance), disk), seed + number)
                if len(chance.failed) == before:
                    break
                if verdict.exit_code != 1:
                    trials.wrong.append(f"{where}: exit {verdict.exit_code} after {chance.failed[-1]}")
            else:
                trials.wrong.append(f"{where}: it did not complete in {RUNS_AT_MOST} runs")
            if verdict.exit_code != 0:
                trials.wrong.append(f"{where}: exit {verdict.exit_code}: {verdict.message}")
            if disk.acknowledged_before(len(disk.ops)) > PARTITIONS * RECORDS:
                trials.wrong.append(f"{where}: more was acknowledged than there is")
            trials.wrong += [
                f"{where}: {what} {names[:5]}" for what, names in shop.judge(folder, kind).items()
            ]
            for way in chance.failed:
                trials.note(way)
    trials.remark = f"; {sum(trials.notes.values()):,} failures"
    return trials
