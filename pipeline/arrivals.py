"""When the open records of a partition were read: what is oldest, and for how long it has waited."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from pyroaring import BitMap64

from pipeline.ids import Ids

ROOM = 64
"""So many reads are remembered before it is looked which of them are settled as a whole."""


class Arrival(NamedTuple):
    """A read: its offsets lie within ``start`` to ``stop`` (not included); ``at`` is in monotonic seconds."""

    start: int
    stop: int
    at: float


class Arrivals:
    """The reads of one partition of which something is open, the oldest first.

    Offsets rise from read to read, so that the oldest open record is that of the lowest offset: one entry a
    read is enough to know its time, whatever is settled out of order. Memory follows the reads in flight.
    """

    __slots__ = ("_reads", "_room")

    def __init__(self) -> None:
        self._reads: deque[Arrival] = deque()
        self._room = ROOM

    def __len__(self) -> int:
        return len(self._reads)

    def add(self, ids: Ids, at: float) -> bool:
        """These were read at the time ``at``; tells whether it is time to :meth:`tidy`."""
        if ids.runs:
            self._reads.append(Arrival(ids.runs[0].start, ids.runs[-1].stop, at))
        return len(self._reads) > self._room

    def tidy(self, open: BitMap64) -> None:
        """Forget the reads of which nothing is ``open``; also those behind one that is held back for long."""
        self._reads = deque(each for each in self._reads if open.range_cardinality(each.start, each.stop))
        self._room = max(ROOM, 2 * len(self._reads))

    def oldest(self, open: BitMap64) -> float | None:
        """When the lowest ``open`` offset was read; None where nothing is open."""
        if not open:
            return None
        lowest = open.min()
        return next((each.at for each in self._reads if each.stop > lowest), None)
