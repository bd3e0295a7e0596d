"""Tells about the rejected records of a batch: one event a reason, not one a record."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.batch import Partition, Rejection
from pipeline.events import OTHER_REASONS, EventBus, RecordsRejected

REASONS_A_BATCH = 20
"""A reason may quote the record, so that no two are the same: more of them are told together."""


def tell_rejected(bus: EventBus, now: float, partition: Partition, letters: Iterable[Rejection]) -> None:
    """Emit what there is to tell about these rejections."""
    counts: dict[tuple[str, str], int] = {}
    first: dict[tuple[str, str], str] = {}
    for letter in letters:
        key = (letter.stage, letter.reason)
        if key not in counts:
            if len(counts) >= REASONS_A_BATCH:
                key = (letter.stage, OTHER_REASONS)
            first.setdefault(key, partition.record(letter.id))
        counts[key] = counts.get(key, 0) + 1
    for (stage, reason), count in counts.items():
        bus.emit(RecordsRejected(now, stage, reason, first[stage, reason], count))
