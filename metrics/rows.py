"""The rows of a snapshot: of what was folded from events, and of the engine's own books."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from metrics import reconcile
from metrics.books import Books, PartitionCount, QueueCount
from metrics.fold import RunFold
from metrics.progress import PartitionFold, stage_progress
from metrics.snapshot import QueueState, Records, SourceState, StageState
from metrics.stage_fold import StageFold
from metrics.window import SECOND_TICKS
from pipeline.batch import Partition

QUIET_S = 1.0
"""After so long without an event, and nothing in flight, the books must agree."""


def stages(
    fold: RunFold,
    books: Books,
    queues: Sequence[QueueCount],
    now: float,
    read_share: float | None,
    still_since: Mapping[str, float],
) -> tuple[StageState, ...]:
    """The stage board; ``read_share`` is how much of the input was read, ``still_since`` when stages that
    stand still came to do so."""
    before = {queue.stage: queue for queue in queues}
    read = sum(partition.read for partition in fold.partitions.values())
    progress = stage_progress(fold.stages.values(), read_share, read)
    return tuple(
        replace(
            _stage(stage, books.lost_at(name), before.get(name), share, now, last=fold.ended_at is not None),
            standstill_s=max(0.0, now - still_since.get(name, now)),
        )
        for (name, stage), share in zip(fold.stages.items(), progress, strict=True)
    )


def _stage(
    stage: StageFold, lost: int, queue: QueueCount | None, progress: float | None, now: float, *, last: bool
) -> StageState:
    latency, histogram = stage.latency.shape(now, fresh=last)
    busy, idle, blocked = stage.times.shares
    # What a stage held back and never gave up is lost now, and no longer held.
    never_given = min(stage.held, max(0, lost - max(0, stage.unaccounted)))
    return StageState(
        name=stage.info.name,
        kind=stage.info.kind,
        workers=stage.info.workers,
        chained=stage.info.chained,
        taken=stage.taken,
        given=stage.given,
        filtered=stage.filtered,
        rejected=stage.rejected,
        created=stage.created,
        shared=stage.shared,
        held=stage.held - never_given,
        lost=lost,
        rate=stage.rate.measure(now).records_per_s,
        latency=latency,
        busy=busy,
        idle=idle,
        blocked=blocked,
        progress=progress,
        queue=None if queue is None else _queue(queue, stage.queue_peak),
        rates=stage.rate.history(now, SECOND_TICKS),
        queue_fill=() if queue is None else stage.queue_fill.history(now),
        histogram=histogram,
        recent=stage.recent.measure(now),
    )


def _queue(queue: QueueCount, sampled_peak: int) -> QueueState:
    return QueueState(
        size=queue.size_records,
        capacity=queue.capacity_records,
        peak=max(queue.peak_records, sampled_peak),
        size_bytes=queue.size_bytes,
        capacity_bytes=queue.capacity_bytes,
        fill=queue.fill,
    )


def sources(
    folds: Mapping[Partition, PartitionFold], lines: Sequence[PartitionCount], now: float
) -> tuple[SourceState, ...]:
    """The ledger's lines, with what the events tell of each partition; ``now`` in monotonic seconds."""
    booked = {line.partition: line for line in lines}
    found = []
    for partition in {**folds, **booked}:
        line, fold = booked.get(partition), folds.get(partition)
        total = fold.info.total if fold else None
        read = line.read if line else 0
        found.append(
            SourceState(
                name=partition.source,
                partition=partition.name,
                read=read,
                delivered=line.delivered if line else 0,
                filtered=line.filtered if line else 0,
                rejected=line.rejected if line else 0,
                in_flight=line.in_flight if line else 0,
                lost=line.lost if line else 0,
                total=total,
                ended=fold.ended if fold else False,
                error=fold.error if fold else None,
                lag=None if total is None else max(0, total - read),
                watermark_age_s=max(0.0, now - line.since) if line and line.since is not None else 0.0,
            )
        )
    return tuple(found)


def disagreements(
    fold: RunFold,
    books: Books,
    records: Records,
    queues: Sequence[QueueCount],
    lines: Sequence[PartitionCount],
    *,
    quiet_s: float,
) -> tuple[str, ...]:
    """Where the two books differ, in words; ``quiet_s`` is how long ago the last event came in."""
    found = reconcile.balance(records)
    # A run that failed or was aborted leaves records between two places, in one book and
    # not in the other. That is no disagreement; they are named as in flight.
    at_rest = fold.complete and fold.problem is None and not records.in_flight
    if at_rest and (fold.phase == "ended" or quiet_s >= QUIET_S) and fold.stages:
        folded = list(fold.stages.values())
        lost = {name: books.lost_at(name) for name in fold.stages}
        found += reconcile.queues(queues, fold.stages, fold.partitions)
        found += reconcile.partitions(lines, fold.partitions)
        found += reconcile.within(folded, lost, records.duplicated)
    return tuple(found)


def error_rate(records: Records) -> float:
    """The share of the settled records that was rejected."""
    settled = records.delivered + records.filtered + records.rejected
    return records.rejected / settled if settled else 0.0
