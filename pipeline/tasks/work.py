"""What a group of stages does to a batch, and how it tells about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from pipeline.batch import Batch, Rejection
from pipeline.events import EventBus, StageWorked
from pipeline.ids import Ids
from pipeline.ledger import Ledger
from pipeline.operators.base import Outcome
from pipeline.stopwatch import Stopwatch
from pipeline.tap import Tap
from pipeline.tasks.rejections import tell_rejected


class Work(Protocol):
    """The stages of a group, run one after another in a worker's thread."""

    stages: tuple[str, ...]

    @property
    def at(self) -> str:
        """The stage that is at work, to be named where it fails."""
        ...

    def open(self) -> None:
        """Make the stages ready."""
        ...

    def close(self) -> None:
        """Let the stages let go of what they opened."""
        ...

    def run(self, batch: Batch, worker: int, watch: Stopwatch) -> list[Batch]:
        """The batches that go on to the next group; the watch has been started."""
        ...

    def flush(self, worker: int, watch: Stopwatch) -> list[Batch]:
        """What was held back until the end."""
        ...


@dataclass(slots=True)
class Tally:
    """What a stage did to one batch."""

    taken: int = 0
    given: int = 0
    filtered: int = 0
    rejected: int = 0
    created: int = 0
    held: int = 0
    shared: int = 0
    busy: float = 0.0


class Teller:
    """Sends the events, tells the ledger what stages did, and shows records to whoever looks."""

    def __init__(self, bus: EventBus, ledger: Ledger, tap: Tap) -> None:
        self.bus = bus
        self.ledger = ledger
        self.tap = tap

    def worked(
        self,
        now: float,
        stages: tuple[str, ...],
        tallies: list[Tally],
        batch: Batch | None,
        worker: int,
        watch: Stopwatch,
    ) -> None:
        """One event a stage. While one stage of a chain works, those before it are blocked by it
        and those behind it are idle, so that each stage's times add up to the thread's."""
        idle, blocked = watch.take_waits()
        behind = sum(tally.busy for tally in tallies)
        before = 0.0
        for stage, tally in zip(stages, tallies, strict=True):
            behind -= tally.busy
            self.bus.emit(
                StageWorked(
                    at=now,
                    stage=stage,
                    worker=worker,
                    partition=batch.partition if batch is not None else None,
                    number=batch.number if batch is not None else -1,
                    taken=tally.taken,
                    given=tally.given,
                    filtered=tally.filtered,
                    rejected=tally.rejected,
                    created=tally.created,
                    held=tally.held,
                    shared=tally.shared,
                    busy_s=tally.busy,
                    idle_s=idle + before,
                    # The difference of two equal sums may be a hair below nothing.
                    blocked_s=blocked + max(0.0, behind),
                )
            )
            before += tally.busy

    def rejected(self, now: float, batch: Batch, letters: list[Rejection]) -> None:
        """Tell why records of a batch were rejected."""
        if letters:
            tell_rejected(self.bus, now, batch.partition, letters)


class Stateless:
    """Functions have nothing to open, to give up at the end, or to close."""

    def open(self) -> None:
        return

    def close(self) -> None:
        return

    def flush(self, worker: int, watch: Stopwatch) -> list[Batch]:  # noqa: ARG002
        return []


def count(tally: Tally, taken: int, outcome: Outcome, filtered: list[Ids], letters: list[Rejection]) -> None:
    """Add the outcome of a stage for ``taken`` records to what it did, and to what has left the batch."""
    tally.taken += taken
    tally.given += outcome.ids.size
    tally.created += outcome.created
    if outcome.filtered:
        tally.filtered += outcome.filtered.size
        filtered.append(outcome.filtered)
    if outcome.rejected:
        tally.rejected += len(outcome.rejected)
        letters.extend(outcome.rejected)


def listed(batch: Batch) -> list[Any]:
    """The batch's values as a list."""
    return batch.values.split(b"\n") if isinstance(batch.values, bytes) else batch.values
