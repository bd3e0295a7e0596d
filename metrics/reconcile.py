"""Holds the two books against each other: the engine's own counts, and those from events.

A difference is evidence of a fault in the pipeline or in the monitor, and is told in words,
with the numbers. While records are on their way the books differ as a matter of course (a
record is in a queue before its event is out), so they are compared only when nothing is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from metrics.books import PartitionCount, QueueCount
from metrics.progress import PartitionFold
from metrics.snapshot import Records
from metrics.stage_fold import StageFold
from pipeline.batch import Partition


def balance(records: Records) -> list[str]:
    """Whether the ledger gives each record read exactly one place; this holds at any time."""
    placed = records.delivered + records.filtered + records.rejected + records.in_flight + records.lost
    if records.read == placed:
        return []
    return [
        f"the ledger does not balance: {records.read:,} read, but {records.delivered:,} delivered"
        f" + {records.filtered:,} filtered + {records.rejected:,} rejected"
        f" + {records.in_flight:,} in flight + {records.lost:,} lost = {placed:,}"
    ]


def queues(
    counts: Iterable[QueueCount],
    stages: Mapping[str, StageFold],
    partitions: Mapping[Partition, PartitionFold],
) -> list[str]:
    """Each queue against the stage before it (or the sources) and the stage after it, and against itself."""
    found = []
    read = sum(partition.read for partition in partitions.values())
    for queue in counts:
        producer = queue.producer or "reading"
        given = stages[queue.producer].given if queue.producer else read
        taken = stages[queue.stage].taken
        place = f"the queue before {queue.stage}"
        if given != queue.put_records:
            found.append(f"{producer} gave {given:,} records, {place} was given {queue.put_records:,}")
        if taken != queue.taken_records:
            found.append(f"{place} gave {queue.taken_records:,} records, {queue.stage} took {taken:,}")
        if queue.put_records != queue.taken_records + queue.size_records:
            found.append(
                f"{place} was given {queue.put_records:,} records, gave {queue.taken_records:,}"
                f" and holds {queue.size_records:,}"
            )
    return found


def partitions(counts: Iterable[PartitionCount], folds: Mapping[Partition, PartitionFold]) -> list[str]:
    """The ledger's line for each partition against its events."""
    found = []
    ledger = {line.partition: line for line in counts}
    for name in sorted({*ledger, *folds}):
        line, fold = ledger.get(name), folds.get(name)
        pairs = [
            (what, _booked(line, what), getattr(fold, what) if fold is not None else 0)
            for what in ("read", "delivered", "filtered", "rejected")
        ]
        found += [
            f"{name}: the ledger has {booked:,} records {what}, the events have {told:,}"
            for what, booked, told in pairs
            if booked != told
        ]
    return found


def _booked(line: PartitionCount | None, what: str) -> int:
    """What this run has booked; earlier runs' part has no events here."""
    return getattr(line, what) - getattr(line.resumed, what) if line is not None else 0


def within(stages: Sequence[StageFold], lost: Mapping[str, int], duplicated: int) -> list[str]:
    """Each stage against itself: what it took must have gone somewhere.

    Records that the ledger names as lost in a stage, or as written twice by the last one,
    explain a difference there.
    """
    found = []
    for stage in stages:
        missing = stage.unaccounted
        written_twice = duplicated if stage is stages[-1] else 0
        if 0 <= missing <= lost[stage.info.name] or 0 < -missing <= written_twice:
            continue
        out = stage.given + stage.filtered + stage.rejected + stage.held
        found.append(
            f"{stage.info.name} took {stage.taken:,} records and made {stage.created:,} more,"
            f" but accounts for {out:,}"
        )
    return found
