"""The bounded queue of batches between two groups of stages.

It is bounded in records and in bytes (an empty lane takes any one batch). Each producer has a lane
of its own, and the consumers go round the lanes, so that a fast source cannot crowd out
a slow one. Both ends count the records that pass, each for itself.
"""

from __future__ import annotations

import threading
from collections import deque

from pipeline.batch import Batch, Cut

Ticket = int
"""The place of a batch in the order in which a queue was emptied."""


class BatchQueue:
    """A bounded, fair first-in-first-out queue. No method but the two waits ever blocks."""

    def __init__(self, records: int, size: int, lanes: int = 1, producers: int = 1) -> None:
        """At most ``records`` records and ``size`` bytes; ``producers`` will each close it once."""
        self.capacity_records = records
        self.capacity_bytes = size
        self._lanes: list[deque[Batch]] = [deque() for _ in range(lanes)]
        self._lane_records = [0] * lanes
        self._lane_bytes = [0] * lanes
        self._next_lane = 0
        self._changed = threading.Condition(threading.Lock())
        self._producers = producers
        self.tickets: Ticket = 0
        self.records = 0
        self.size = 0
        self.peak_records = 0
        self.put_records = 0
        self.taken_records = 0

    def put(self, batch: Batch, lane: int = 0) -> bool:
        """Append a batch, or say False where there is no room."""
        with self._changed:
            if not self._has_room(batch, lane):
                return False
            self._lanes[lane].append(batch)
            self._lane_records[lane] += len(batch)
            self._lane_bytes[lane] += batch.size
            self.records += len(batch)
            self.size += batch.size
            self.put_records += len(batch)
            self.peak_records = max(self.peak_records, self.records)
            self._changed.notify_all()
            return True

    def take(self, limit: int | None = None, cut: Cut | None = None) -> tuple[Ticket, Batch] | None:
        """The oldest batch of the next lane, or None; with ``limit`` at most so many of its records, if it
        can be split (see :meth:`~pipeline.batch.Batch.split`)."""
        with self._changed:
            for turn in range(len(self._lanes)):
                lane = (self._next_lane + turn) % len(self._lanes)
                waiting = self._lanes[lane]
                if waiting:
                    break
            else:
                return None
            batch = waiting[0]
            parts = batch.split(limit, cut) if limit is not None and len(batch) > limit else None
            if parts is not None:
                batch, waiting[0] = parts
            else:
                waiting.popleft()
                self._next_lane = (lane + 1) % len(self._lanes)
            self._lane_records[lane] -= len(batch)
            self._lane_bytes[lane] -= batch.size
            self.records -= len(batch)
            self.size -= batch.size
            self.taken_records += len(batch)
            ticket = self.tickets
            self.tickets += 1
            self._changed.notify_all()
            return ticket, batch

    def close(self) -> None:
        """One producer will put no more."""
        with self._changed:
            self._producers -= 1
            self._changed.notify_all()

    def wake(self) -> None:
        """Let everybody who waits look again."""
        with self._changed:
            self._changed.notify_all()

    @property
    def finished(self) -> bool:
        """Whether it is empty and stays so."""
        with self._changed:
            return self._producers <= 0 and not any(self._lanes)

    @property
    def batches(self) -> int:
        """How many batches wait."""
        return sum(map(len, self._lanes))

    def has_room(self, batch: Batch, lane: int = 0) -> bool:
        """Whether a put into ``lane`` would succeed now."""
        with self._changed:
            return self._has_room(batch, lane)

    def wait_for_batch(self, timeout: float) -> None:
        """Wait until there may be something to take, or it is finished, at most ``timeout`` seconds."""
        with self._changed:
            if self._producers > 0 and not any(self._lanes):
                self._changed.wait(timeout)

    def wait_for_room(self, batch: Batch, timeout: float, lane: int = 0) -> None:
        """Wait until there may be room in ``lane``, at most ``timeout`` seconds."""
        with self._changed:
            if not self._has_room(batch, lane):
                self._changed.wait(timeout)

    def _has_room(self, batch: Batch, lane: int) -> bool:
        if not self._lanes[lane]:
            return True
        # Each lane has its own share, so that a producer who saw room still has it when it puts.
        lanes = len(self._lanes)
        return (
            self._lane_records[lane] + len(batch) <= self.capacity_records / lanes
            and self._lane_bytes[lane] + batch.size <= self.capacity_bytes / lanes
        )
