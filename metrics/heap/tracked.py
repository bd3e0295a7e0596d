"""One container that is watched, over the run."""

from __future__ import annotations

import random
import threading
from dataclasses import replace

from metrics.heap.lengths import UNKNOWN, Judged, LengthSeries, judge
from metrics.heap.sizes import deep_size
from metrics.heap.spots import LRU_CACHE, Spot, bound, length
from metrics.memory_state import CacheState

SHOWN = 64
"""Readings of the series that a front end gets."""
SMALL = 16
"""Containers that never held more are not shown, unless they were declared."""
LARGE = 10_000
"""Containers that hold as many are shown also if they never change."""
QUIET = 20
"""Readings without a change after which a container is looked at less often."""
WEIGH_AGAIN = 1.1
OWN_BLOCKS = 36
"""Of the allocator's, that watching a container takes with its place, before the first reading; measured."""
SHARED_BELOW = 257
"""Numbers of which the interpreter keeps one object each."""


class Tracked:
    """Its lengths, what it weighs, and a verdict."""

    def __init__(self, spot: Spot) -> None:
        self.spot = spot
        self.series = LengthSeries()
        self.size: int | None = None
        """Bytes at the last weighing."""
        self.gone_at: float | None = None
        """When it was found to be gone, on the run's clock."""
        self._size_of = 0
        """How long it was then."""
        self._shown: list[int] = []
        self._stride = 1
        self._skipped = 0
        self._last: int | None = None
        self._kind = ""
        self._changed = False
        self._quiet = 0
        self._most = 0
        self._judged = UNKNOWN
        self._fresh = False
        self._reading = threading.Lock()

    def moved(self, spot: Spot) -> Tracked:
        """The same container, found again."""
        self.spot = spot
        self.gone_at = None
        return self

    def read(self, records: int, held: int) -> None:
        """Read its length when its stage has taken so many records, of which it has ``held`` in hand.

        What a stage with a memory holds back on purpose it will give up again: it is not counted.
        """
        if not self._reading.acquire(blocking=False):
            return  # another thread is reading it
        try:
            there = self.spot.held()
            count = length(there)
            if count is not None:
                self._kind = "lru_cache" if isinstance(there, LRU_CACHE) else type(there).__name__
                if self._last is not None and count != self._last:
                    self._changed = True
                self._quiet = 0 if count != self._last else self._quiet + 1
                self._last = count
                self._most = max(self._most, count)
                self.series.add(records, max(0, count - max(0, held)))
                self._fresh = False
                self._show(count)
        finally:
            self._reading.release()

    @property
    def own_blocks(self) -> int:
        """The allocator's blocks that watching it takes: with each reading a tuple, and its numbers."""
        each = 1 if self._most < SHARED_BELOW else 2
        return OWN_BLOCKS + each * self.series.kept

    def let_go(self, now: float) -> None:
        """It cannot be reached any more: keep what is known, and not the container."""
        self.gone_at = now
        self.spot = replace(self.spot, look=_nothing)

    @property
    def entries(self) -> int:
        """How long it was at the last reading."""
        return self._last or 0

    @property
    def lively(self) -> bool:
        """Whether it changed not long ago."""
        return self._quiet < QUIET

    @property
    def of_interest(self) -> bool:
        """Whether it is worth a line."""
        return self.spot.declared or self._most >= LARGE or (self._most > SMALL and self._changed)

    @property
    def worth_weighing(self) -> bool:
        """Whether its size is not known as it is now."""
        if not self.of_interest or not self._last:
            return False
        if self.size is None:
            return True
        low, high = sorted((self._last, self._size_of))
        return high > WEIGH_AGAIN * low

    def weigh(self, chance: random.Random) -> None:
        """Find out what it takes with all that it holds."""
        held = self.spot.held()
        count = length(held)
        if count is None:
            return
        # What cannot be weighed is not tried again until its length is another.
        self.size, self._size_of = deep_size(held, chance), count

    def weighs(self, size: int) -> None:
        """Somebody else has found out what it takes."""
        self.size, self._size_of = size, self._last or 0

    @property
    def too_far(self) -> bool:
        """Whether it could not be weighed here, since its items lead too far."""
        return self.of_interest and self.size is None and self._size_of > 0

    @property
    def judged(self) -> Judged:
        """What its readings say."""
        if not self._fresh:
            self._judged = judge(self.series.all, bound(self.spot.held()))
            self._fresh = True
        return self._judged

    def state(self) -> CacheState:
        """It, as front ends show it."""
        judged = self.judged
        each = self.size / self._size_of if self.size is not None and self._size_of else None
        count = self._last or 0
        size = self.size
        if each is not None and count != self._size_of:
            size = round(each * count)
        grows = judged.per_record is not None and judged.verdict == "growing"
        return CacheState(
            name=self.spot.name,
            stage=self.spot.stage,
            len=count,
            bytes=size,
            verdict=judged.verdict,
            bytes_per_record=judged.per_record * each if grows and judged.per_record and each else None,
            declared=self.spot.declared,
            place=self.spot.place,
            series=tuple(self._shown),
            kind=self._kind,
        )

    def _show(self, count: int) -> None:
        """Keep the lengths as they were, evenly thinned: a saw shall look like one."""
        self._skipped += 1
        if self._skipped < self._stride:
            return
        self._skipped = 0
        self._shown.append(count)
        if len(self._shown) >= 2 * SHOWN:
            self._shown = self._shown[::2]
            self._stride *= 2


def _nothing() -> None:
    return None
