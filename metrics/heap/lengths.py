"""Whether a container grows with the records: a verdict from exact lengths.

A length has no noise of its own, so a few dozen readings are enough, where the resident set needs twenty
seconds. Three models of the floor are held against each other over the second half of the records, where
pools and lookup tables have filled:

- linear: what was added in equal numbers of records is about equal; that is a leak
- saturating: clearly less was added later than earlier, by more than the chance of Poisson counts; that is a
  cache that warms up
- step: what was added came at once, and there was nothing before or behind it

The floor is the least length that was still to come: for a cache that is flushed again and again it stays
flat, however high the teeth are.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from math import sqrt
from typing import NamedTuple

from metrics.memory_state import MemoryVerdict

CAPACITY = 256
MIN_READINGS = 6
SEGMENTS = 8
LEAST_CHANGE = 8
"""Entries; less is no growth at all."""
LEAST_GROWTH = 64
"""Fewer more entries than that are no leak yet: so many constants are looked up in any program."""
SLOWING = 0.9
SURE = 2.33
"""Standard deviations of Poisson counts beyond which a difference is no chance (one in a hundred)."""
FLAT = 0.02
"""Growth of the second half below this share of the length is none."""
FLUSH = 0.25
"""A fall by this share of the most there ever was is a flush."""
OVERDUE = 1.5
"""Times the longest time between two flushes, in records, after which one is missed."""
EVEN = 0.2
"""In each part of a steady growth at least this share of what an even one would have added."""


class Length(NamedTuple):
    """How long a container was when its stage had taken so many records."""

    records: int
    entries: int


class Judged(NamedTuple):
    """A verdict; ``per_record`` is how many entries a record added, over the second half (None: unknown)."""

    verdict: MemoryVerdict
    per_record: float | None


UNKNOWN = Judged("unknown", None)


class LengthSeries:
    """The readings of one container, thinned as they become many: of two neighbours the lower is kept."""

    def __init__(self) -> None:
        self.readings: list[Length] = []
        self._stride = 1
        self._pending: list[Length] = []

    def add(self, records: int, entries: int) -> None:
        """Take a reading."""
        reading = Length(records, entries)
        last = self._pending[-1] if self._pending else self.readings[-1] if self.readings else None
        if last is not None and last.records >= records:
            # The same records: more entries are those of a batch that is not counted yet.
            where = self._pending if self._pending else self.readings
            where[-1] = Length(last.records, min(last.entries, entries))
            return
        self._pending.append(reading)
        if len(self._pending) >= self._stride:
            self.readings.append(min(self._pending, key=lambda each: each.entries))
            self._pending.clear()
        if len(self.readings) >= CAPACITY:
            pairs = zip(self.readings[::2], self.readings[1::2], strict=True)
            self.readings = [min(pair, key=lambda each: each.entries) for pair in pairs]
            self._stride *= 2

    @property
    def kept(self) -> int:
        """How many readings there are."""
        return len(self.readings) + len(self._pending)

    @property
    def all(self) -> list[Length]:
        """Every reading that was kept, oldest first."""
        return [*self.readings, *self._pending]


def judge(readings: Sequence[Length], bound: int | None = None) -> Judged:
    """What the readings, oldest first, say; ``bound`` is the most the container will ever hold.

    ``unknown``: fewer than six readings at different numbers of records. ``stable``: the floor of the
    second half rose by less than 2 % of the length or 8 entries. ``warming``: it rose, but by less than
    64 entries, or slower than before, or by a step, or there is a bound that it has not reached.
    ``growing``: it rose as evenly as Poisson counts do. ``shrinking``: it fell by a third.
    """
    if len(readings) < MIN_READINGS or readings[-1].records <= readings[0].records:
        return UNKNOWN
    most = max(reading.entries for reading in readings)
    flushes = _flushes(readings, most)
    records = [reading.records for reading in readings]
    floor = _floor(readings)
    first, last = records[0], records[-1]
    middle = (first + last) / 2
    half = floor[-1] - _at(records, floor, middle)
    per_record = half / (last - middle)
    if flushes and _back_down(readings, flushes):
        half = per_record = 0.0
    if half < max(LEAST_CHANGE, FLAT * most):
        fell = readings[-1].entries < most * 2 / 3 and _falls(readings)
        return Judged("shrinking" if fell else "stable", per_record)
    if half < LEAST_GROWTH or bound is not None or not _steady(records, floor):
        return Judged("warming", per_record)
    return Judged("growing", per_record)


def _flushes(readings: Sequence[Length], most: int) -> list[int]:
    """The positions of the first readings after something was taken out."""
    return [
        at
        for at in range(1, len(readings))
        if readings[at - 1].entries - readings[at].entries > max(LEAST_GROWTH / 2, FLUSH * most)
    ]


def _back_down(readings: Sequence[Length], flushes: Sequence[int]) -> bool:
    """Whether it is flushed down to where it was before, and the next flush is not overdue.

    Readings seldom meet the lowest point of a tooth: what counts is the lowest of a third of them.
    """
    ends = [readings[0].records, *(readings[at].records for at in flushes)]
    longest = max(after - before for before, after in pairwise(ends))
    if readings[-1].records - ends[-1] > OVERDUE * longest:
        return False
    third = max(1, len(readings) // 3)
    lows = [
        min(each.entries for each in part) for part in (readings[third:-third], readings[-third:]) if part
    ]
    height = max(readings[at - 1].entries - readings[at].entries for at in flushes)
    return lows[-1] - lows[0] < max(LEAST_GROWTH, height / 2)


def _steady(records: Sequence[int], floor: Sequence[int]) -> bool:
    """Whether the floor rose in every part of the second half, and not clearly slower at the end."""
    first, last = records[0], records[-1]
    middle = (first + last) / 2
    parts = SEGMENTS // 2
    # Readings are few at first: parts of records without one would look like steps.
    inside = sum(1 for each in records if each >= middle)
    parts = max(2, min(parts, inside - 1))
    edges = [middle + (last - middle) * at / parts for at in range(parts + 1)]
    heights = [_at(records, floor, edge) for edge in edges]
    added = [after - before for before, after in pairwise(heights)]
    even = sum(added) / parts
    if min(added) < EVEN * even:
        return False
    return not (_slower(heights[0] - floor[0], heights[-1] - heights[0]) or _slower(*_halves(added)))


def _slower(before: float, after: float) -> bool:
    """Whether clearly less was added than in as many records before."""
    return after < SLOWING * before and before - after > SURE * sqrt(before + after)


def _halves(added: Sequence[float]) -> tuple[float, float]:
    middle = len(added) // 2
    return sum(added[:middle]), sum(added[len(added) - middle :])


def _floor(readings: Sequence[Length]) -> list[int]:
    floor = [reading.entries for reading in readings]
    for at in range(len(floor) - 2, -1, -1):
        floor[at] = min(floor[at], floor[at + 1])
    return floor


def _falls(readings: Sequence[Length]) -> bool:
    """Whether not only the last tooth of a saw fell: the top of each third is lower than the one before."""
    third = max(1, len(readings) // 3)
    tops = [max(each.entries for each in readings[at : at + third]) for at in (0, third, 2 * third)]
    return tops[0] > tops[1] > tops[2]


def _at(records: Sequence[int], floor: Sequence[int], where: float) -> float:
    """The floor at a number of records, between two readings on the line between them."""
    at = bisect_right(records, where)
    if at == 0:
        return floor[0]
    if at == len(records):
        return floor[-1]
    left, right = records[at - 1], records[at]
    share = (where - left) / (right - left) if right > left else 1.0
    return floor[at - 1] + share * (floor[at] - floor[at - 1])
