"""A rejected record takes along what was merged into it, through any number of stages: each name is kept."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline import Pipeline, Record, Reject, Stage, count, values
from pipeline.batch import Partition
from pipeline.clock import ManualClock
from pipeline.dead_letters import read
from pipeline.deterministic import DeterministicDriver
from pipeline.engine import Engine, Options
from pipeline.events import EventBus
from pipeline.ids import Id, Ids
from pipeline.ledger import Ledger

P, Q = Partition("s", "p"), Partition("s", "q")


class Merging(Stage):
    """Merges so many neighbours into one."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.held: list[Record] = []

    def process(self, records: list[Record]) -> Iterator[Record]:
        for record in records:
            self.held.append(record)
            if len(self.held) == self.size:
                yield from self.flush()

    def flush(self) -> list[Record]:
        held, self.held = self.held, []
        return [Record.merge(held, held[-1].value)] if held else []


class Splitting(Stage):
    """Splits each record in two."""

    def process(self, records: list[Record]) -> Iterator[Record]:
        for record in records:
            yield from record.split([record.value * 2, record.value * 2 + 1])  # type: ignore[misc]


def test_names_are_found_through_two_merges_and_a_split_between_them() -> None:
    ledger = Ledger()
    ledger.read(P, Ids.span(0, 4), 0.0)
    ledger.read(Q, Ids.span(0, 1), 0.0)
    ledger.merge(P, Id(1), [(P, Id(0)), (Q, Id(0))])
    ledger.fan_out(P, [(Id(1), 2)])
    ledger.merge(P, Id(1, "1"), [(P, Id(1, "0")), (P, Id(3))])
    assert set(ledger.followers(P, Id(1, "1"))) == {"s/p:1.0", "s/p:3", "s/p:0", "s/q:0"}
    ledger.merge(P, Id(2), [(P, Id(1, "1"))])
    assert set(ledger.followers(P, Id(2))) == {"s/p:1.1", "s/p:1.0", "s/p:3", "s/p:0", "s/q:0"}


@pytest.mark.parametrize("seed", range(60))
def test_every_rejected_record_is_named(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    pipeline = Pipeline("merging", dead_letters=tmp_path / "letters.jsonl", batch_size=chance.randint(1, 9))
    for name in ("a", "b"):
        pipeline.read(values([(n, n) for n in range(40)], name=name))
    for position in range(chance.randint(2, 5)):
        kind = chance.choice(["merge", "merge", "split"])
        stage = Splitting() if kind == "split" else Merging(chance.randint(1, 4))
        pipeline.stage(stage, name=f"{kind} {position}")

    def unwanted(value: int) -> int:
        if value % 3 == 0:
            raise Reject("it is a multiple of three")
        return value

    pipeline.stage(unwanted)
    pipeline.write(count())
    clock = ManualClock()
    engine = Engine(pipeline, Options(), clock, EventBus())
    DeterministicDriver(engine, clock, seed).run()
    counts = engine.ledger.counts()
    assert counts.lost == counts.duplicated == counts.in_flight == 0
    path = tmp_path / "letters.jsonl"
    letters = list(read(path)) if counts.rejected else []
    named = {name for letter in letters for name in (letter.id, *letter.stands_for)}
    origins = {(name.rpartition(":")[0], name.rpartition(":")[2].partition(".")[0]) for name in named}
    assert len(origins) == counts.rejected
