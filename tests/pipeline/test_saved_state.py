"""What a stage remembers is saved with the records that it has given up: never more, never less."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline import (
    ConfigurationError,
    Pipeline,
    Record,
    Sink,
    Stage,
    files,
    jsonl,
    sqlite,
    values,
)
from pipeline.checkpoint import CheckpointStore, FileStore
from pipeline.clock import ManualClock
from pipeline.deterministic import DeterministicDriver
from pipeline.engine import Engine, Options
from pipeline.events import EventBus
from pipeline.stages import Dropped
from tests.chaos.world import Durable, Memory
from tests.pipeline.running import start

RECORDS = 60


class Numbering(Stage):
    """Lets each key pass once, numbers what it lets pass, and holds some back for a while."""

    def open(self) -> None:
        self.seen: set[int] = set()
        self.passed = 0
        self.held: list[Record] = []

    def process(self, records: list[Record]) -> Iterator[Record | Dropped]:
        for record in records:
            if record.value % 5 == 0 and len(self.held) < 4:
                self.held.append(record)
            else:
                yield self.let_pass(record)
        if len(self.held) == 4:
            yield self.let_pass(self.held.pop(0))

    def flush(self) -> Iterator[Record | Dropped]:
        while self.held:
            yield self.let_pass(self.held.pop(0))

    def let_pass(self, record: Record) -> Record | Dropped:
        if record.value in self.seen:
            return record.filtered()
        self.seen.add(record.value)
        self.passed += 1
        return record.replace(("all", (record.value, self.passed)))

    def snapshot(self) -> bytes:
        return json.dumps([sorted(self.seen), self.passed]).encode()

    def restore(self, saved: bytes) -> None:
        seen, self.passed = json.loads(saved)
        self.seen = set(seen)


def keys(seed: int, name: str) -> list[tuple[int, int]]:
    chance = random.Random(f"{seed} {name}")
    return [(offset, chance.randrange(50)) for offset in range(RECORDS)]


def build(seed: int, folder: Path, sink: Sink) -> Pipeline:
    chance = random.Random(seed)
    pipeline = Pipeline("numbered", batch_size=chance.randint(1, 9), dead_letters=folder / "letters.jsonl")
    for name in ("a", "b"):
        pipeline.read(values(lambda start=0, name=name: iter(keys(seed, name)[start:]), name=name))
    pipeline.stage(lambda key: key if key != 13 else None, name="front", workers=2, ordered=False)
    pipeline.stage(Numbering, name="number")
    if chance.random() < 0.7:
        pipeline.stage(lambda pair: pair, name="behind", workers=chance.randint(1, 3), ordered=False)
    return pipeline.write(sink)


@pytest.mark.parametrize("seed", range(150))
def test_after_any_kills_it_knows_exactly_what_was_committed(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    sink, store = Durable(encoded=False, receipts=False, refuse=0), Memory()
    kills = 0
    while True:
        clock = ManualClock()
        engine = Engine(build(seed, tmp_path, sink), Options(), clock, EventBus(), store=store)
        driver = DeterministicDriver(engine, clock, chance.randrange(1 << 30))
        for task in engine.tasks:
            driver._guard(task, task.begin)
        steps = chance.randint(10, 200) if kills < 12 else 10_000_000
        while steps and not engine.control.stop.is_set():
            steps -= 1
            waiting = [task for task in engine.tasks if not task.done]
            if not waiting:
                break
            driver._step(chance.choice(waiting))
        assert engine.control.failure is None, engine.control.failure
        if all(task.done for task in engine.tasks):
            break
        kills += 1
    for task in engine.tasks:
        driver._guard(task, task.finish)
    engine.ended()
    pairs: list[Any] = [pair for _, (_, pair) in sink.rows["all"]]
    wanted = {key for name in ("a", "b") for _, key in keys(seed, name)} - {13}
    assert Counter(key for key, _ in pairs) == Counter(wanted)
    assert sorted(number for _, number in pairs) == list(range(1, len(wanted) + 1))
    counts = engine.ledger.counts()
    assert counts.lost == counts.duplicated == counts.in_flight == 0
    assert counts.delivered == len(wanted)


@pytest.mark.parametrize("kind", ["jsonl", "sqlite"])
def test_a_later_run_goes_on_with_it(kind: str, tmp_path: Path) -> None:
    source = tmp_path / "in.txt"
    source.write_text("".join(f"{n}\n" for n in range(100)))

    def run() -> Engine:
        sink: Sink = jsonl(tmp_path / "out.jsonl") if kind == "jsonl" else sqlite(tmp_path / "out.db")
        pipeline = Pipeline("numbered", dead_letters=tmp_path / "letters.jsonl")
        pipeline.read(files(str(source)))
        pipeline.stage(lambda line: int(line), name="int")  # noqa: PLW0108 - int is a class
        pipeline.stage(Numbering)
        pipeline.stage(lambda row: {"key": row[1][0], "number": row[1][1]}, name="row")
        pipeline.write(sink)
        store: CheckpointStore = sink.store("numbered") or FileStore(tmp_path / "state.db", "numbered")
        running = start(pipeline, store=store)
        running.finish()
        return running.engine

    assert run().ledger.counts().delivered == 100
    with source.open("a") as more:
        more.write("7\n8\n100\n")
    counts = run().ledger.counts()
    assert (counts.delivered, counts.filtered) == (101, 2)
    if kind == "jsonl":
        rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
        assert rows[-1] == {"key": 100, "number": 101}


def engine_of(stage: Any, folder: Path, store: CheckpointStore | None, behind: Any = None) -> Engine:
    pipeline = Pipeline("p", dead_letters=folder / "letters.jsonl").read([(0, 1)])
    pipeline.stage(stage, name="saving")
    if behind is not None:
        pipeline.stage(behind, name="behind")
    pipeline.write(Durable(encoded=False, receipts=False, refuse=0))
    return Engine(pipeline, Options(), ManualClock(), EventBus(), store=store)


class Plain(Stage):
    def process(self, records: list[Record]) -> list[Record]:
        return [record.replace(("all", record.value)) for record in records]


def test_what_cannot_be_kept_exact_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="'behind' behind it has a memory too"):
        engine_of(Numbering, tmp_path, Memory(), Plain)
    engine_of(Numbering, tmp_path, None, Plain)


def test_a_state_that_earlier_runs_did_not_save_is_asked_for(tmp_path: Path) -> None:
    store = Memory()
    engine = engine_of(Plain, tmp_path, store)
    DeterministicDriver(engine, ManualClock(), 1).run()
    with pytest.raises(ConfigurationError, match=r"earlier runs saved no state of it.*--fresh"):
        engine_of(Numbering, tmp_path, store)


class WrongType(Numbering):
    def snapshot(self) -> Any:
        return {"a": 1}


class Unreadable(Numbering):
    def restore(self, saved: bytes) -> None:
        raise ValueError(f"what is {saved[:1]!r}?")


def failure(engine: Engine) -> str:
    DeterministicDriver(engine, ManualClock(), 1).run()
    assert engine.control.failure is not None
    return engine.control.failure.message


def test_a_state_that_is_none_or_cannot_be_read_ends_the_run(tmp_path: Path) -> None:
    assert "snapshot() returned dict; return bytes" in failure(engine_of(WrongType, tmp_path, Memory()))
    store = Memory()
    DeterministicDriver(engine_of(Numbering, tmp_path, store), ManualClock(), 1).run()
    message = failure(engine_of(Unreadable, tmp_path, store))
    assert "failed in restore(): ValueError: what is b'['?" in message
    assert "--fresh" in message


class Half(Plain):
    def snapshot(self) -> bytes:
        return b""


class Asks(Plain):
    def snapshot(self, what: str) -> bytes:  # type: ignore[override]
        return what.encode()

    def restore(self) -> None:  # type: ignore[override]
        return


def test_both_methods_are_needed_and_their_arguments_are_checked() -> None:
    pipeline = Pipeline("p")
    with pytest.raises(ConfigurationError, match="both snapshot"):
        pipeline.stage(Half)
    with pytest.raises(ConfigurationError, match=r"snapshot is defined as .*it must take \(self\)"):
        pipeline.stage(Asks)
