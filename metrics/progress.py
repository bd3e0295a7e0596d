"""How far the input has been read, from 0 to 1; None where nobody can know."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from metrics.stage_fold import StageFold
from pipeline.events import PartitionInfo


@dataclass(slots=True)
class PartitionFold:
    """What the events tell about one partition; counts are in records read."""

    info: PartitionInfo
    read: int = 0
    position: int = 0
    delivered: int = 0
    filtered: int = 0
    rejected: int = 0
    ended: bool = False
    error: str | None = None

    @property
    def known(self) -> int:
        """Records read now or settled by earlier runs."""
        return self.read + self.info.resumed


def input_progress(partitions: Sequence[PartitionFold], limit: int | None) -> float | None:
    """The share of the input that was read.

    By records where all partitions know how many they have, else by bytes where all know
    those; where some know this and some that, each partition weighs the same. With a
    ``limit``, the limit may be nearer than the end.
    """
    read = sum(partition.read for partition in partitions)
    to_limit = min(1.0, read / limit) if limit else None
    to_end = _to_end(partitions)
    if to_end is None:
        return to_limit
    return to_end if to_limit is None else max(to_end, to_limit)


def stage_progress(stages: Iterable[StageFold], share: float | None, read: int) -> list[float | None]:
    """How much of the input each stage has dealt with, given the ``share`` and the records ``read``.

    What a stage is given is not known before it comes; so each takes the share of the one before
    it, times the part that it has taken of what that one gave.
    """
    shares: list[float | None] = []
    given = read
    for stage in stages:
        if share is not None and given > 0:
            share *= min(1.0, stage.taken / given)
        shares.append(share)
        given = stage.given
    return shares


def _to_end(partitions: Sequence[PartitionFold]) -> float | None:
    if not partitions:
        return None
    if all(partition.ended for partition in partitions):
        return 1.0
    if all(partition.info.total is not None for partition in partitions):
        total = sum(partition.info.total or 0 for partition in partitions)
        return min(1.0, sum(partition.known for partition in partitions) / total) if total else 0.0
    if all(partition.info.size is not None for partition in partitions):
        size = sum(partition.info.size or 0 for partition in partitions)
        done = sum(
            (partition.info.size or 0)
            if partition.ended
            else min(partition.position, partition.info.size or 0)
            for partition in partitions
        )
        return done / size if size else 0.0
    parts = [_alone(partition) for partition in partitions]
    known = [part for part in parts if part is not None]
    return sum(known) / len(parts) if len(known) == len(parts) else None


def _alone(partition: PartitionFold) -> float | None:
    if partition.ended:
        return 1.0
    if partition.info.total is not None:
        return min(1.0, partition.known / partition.info.total) if partition.info.total else 0.0
    if partition.info.size is not None:
        return min(1.0, partition.position / partition.info.size) if partition.info.size else 0.0
    return None
