"""The engine's own accounts, as the collector asks for them: the book that events do not write.

The ledger counts records by id and the queues count what passes either end. Both are kept
apart from the events, so that the two can be held against each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from metrics.snapshot import Records
from pipeline.batch import Partition
from pipeline.ledger_books import Counts


@dataclass(frozen=True, slots=True)
class PartitionCount:
    """The ledger's line for one partition, in records read. ``resumed`` is the part of it that
    earlier runs have settled, of which this run has no events. ``since`` is when the oldest of those in
    flight was read, in monotonic seconds; None where none is."""

    partition: Partition
    read: int
    delivered: int
    filtered: int
    rejected: int
    in_flight: int
    lost: int
    resumed: Counts = field(default_factory=Counts)
    since: float | None = None


@dataclass(frozen=True, slots=True)
class QueueCount:
    """A queue: ``producer`` is the stage that puts into it, ``stage`` the one that takes from it.

    The producer is empty where the sources themselves put into it.
    ``put_records`` and ``taken_records`` are totals, each counted at its own end.
    """

    stage: str
    producer: str
    put_records: int
    taken_records: int
    size_records: int
    size_bytes: int
    capacity_records: int
    peak_records: int
    capacity_bytes: int = 0

    @property
    def fill(self) -> float:
        """How full it is, from 0 to 1: in records or in bytes, whichever is nearer to its bound."""
        records = self.size_records / self.capacity_records if self.capacity_records else 0.0
        size = self.size_bytes / self.capacity_bytes if self.capacity_bytes else 0.0
        # A queue takes any one batch, also one that is larger than the queue.
        return min(1.0, max(records, size))


class Books(Protocol):
    """What the engine's accounts can tell at any time, from any thread."""

    def records(self) -> Records:
        """The ledger of the whole run."""
        ...

    def ledger(self) -> tuple[Records, Sequence[PartitionCount]]:
        """The ledger of the whole run, and its lines, one for each partition that was read from; of one
        moment, so that the lines add up to the whole."""
        ...

    def queues(self) -> Sequence[QueueCount]:
        """All queues, in flow order."""
        ...

    def lost_at(self, stage: str) -> int:
        """Lost records that were last seen in ``stage`` or on their way to it."""
        ...
