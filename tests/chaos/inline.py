"""A run in this process and in one thread, with its verdict."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from metrics.collector import Collector
from metrics.memory import MemorySampler
from metrics.snapshot import Snapshot
from metrics.verdict import exit_code
from pipeline.batch import Partition
from pipeline.checkpoint import Checkpoint, CheckpointStore
from pipeline.clock import ManualClock
from pipeline.deterministic import DeterministicDriver
from pipeline.engine import Engine, Options
from pipeline.errors import ConfigurationError
from pipeline.events import EventBus
from pipeline.ids import Ids
from pipeline.pipeline import Pipeline
from run.books import EngineBooks
from tests.chaos.disk import Disk


@dataclass(frozen=True)
class Verdict:
    """How a run ended. Without a snapshot it was refused before it began."""

    exit_code: int
    snapshot: Snapshot | None
    message: str | None


def run(
    pipeline: Pipeline, store: CheckpointStore | None, seed: int = 0, options: Options | None = None
) -> Verdict:
    """A whole run, its tasks moved in an order that the seed chooses."""
    clock, bus = ManualClock(), EventBus()
    try:
        engine = Engine(pipeline, options or Options(), clock, bus, store=store)
    except ConfigurationError as error:
        return Verdict(2, None, str(error))
    collector = Collector(clock, bus.subscribe(1_000_000), EngineBooks(engine), MemorySampler())
    DeterministicDriver(engine, clock, seed).run()
    snapshot = collector.finish()
    return Verdict(exit_code(snapshot), snapshot, snapshot.problem)


class Acknowledging:
    """A store that tells a disk what has been acknowledged."""

    def __init__(self, store: CheckpointStore, disk: Disk) -> None:
        self._store = store
        self._disk = disk
        self._settled: dict[object, int] = {}
        self.name = store.name

    def load(self) -> Checkpoint | None:
        return self._store.load()

    def clear(self) -> None:
        self._store.clear()

    def open(self) -> None:
        self._store.open()

    def save(self, checkpoint: Checkpoint) -> None:
        self._store.save(checkpoint)
        self._settled.update(
            (partition, progress.settled) for partition, progress in checkpoint.partitions.items()
        )
        self._disk.acknowledge(sum(self._settled.values()))

    def intend(self, partition: Partition, ids: Ids) -> None:
        self._store.intend(partition, ids)

    def close(self) -> None:
        self._store.close()


def copy_input(source: Path, folder: Path) -> None:
    """Link the input of one job into the folder of another."""
    (folder / "in").mkdir(parents=True)
    for path in source.iterdir():
        (folder / "in" / path.name).hardlink_to(path)
