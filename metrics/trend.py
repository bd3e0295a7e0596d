"""Whether memory grows with the records: a verdict and a slope from noisy readings.

The resident set jumps about: the collector, the allocator's arenas and the page cache all
move it. What a leak moves is its floor. So the readings are cut into stretches of equal
numbers of records, of each stretch only the lowest reading counts (the envelope), and slopes
are medians of the slopes between all pairs of those (Theil 1950, Sen 1968), which a single
jump cannot move. Which curve the envelope follows is told by :mod:`metrics.trend_models`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, pairwise
from statistics import median
from typing import NamedTuple

from metrics.memory_state import MemoryVerdict
from metrics.trend_models import Fit, confidence, fits

WARM_UP = 0.2
"""The share of the records, at the start, that does not count: imports, pools, first caches."""
STRETCHES = 24
MIN_STRETCHES = 12
MIN_READINGS = 30
LEAK_READINGS = 200
SMALL_BYTES = 2 * 1024 * 1024
SMALL_SHARE = 0.02
BOUNDS = 0.1
"""The share of the slopes between pairs that is left out at either end: the rest bounds the slope."""
SLOWING = 0.6
"""Growth per record below this share of what it was before is a curve that levels off."""


class Reading(NamedTuple):
    """The resident set in bytes when so many records had been read."""

    records: int
    rss: int


class Trend(NamedTuple):
    """Bytes per record (None while the verdict is ``unknown``) with bounds, what to call it, and how sure
    that is (0 to 1)."""

    slope: float | None
    verdict: MemoryVerdict
    low: float | None = None
    high: float | None = None
    confidence: float | None = None


UNKNOWN = Trend(None, "unknown")


def trend(readings: Sequence[Reading]) -> Trend:
    """What the readings, oldest first, say.

    ``unknown``: fewer than 30 readings (three seconds), or the records came in fewer than twelve
    steps. Over so short a time warm-up and leak look alike, and a verdict would be a guess.
    Otherwise the second half after the warm-up is judged. ``stable``: it grew by less than 2 MiB or
    2 %, or only by one jump. ``shrinking``: it fell. ``warming``: it grew, but clearly more
    slowly than the half before it, or a curve that levels off fits better than a line. ``growing``:
    it grew steadily, over 200 readings (twenty seconds) at least.
    """
    envelope = _envelope(readings)
    if len(readings) < MIN_READINGS or len(envelope) < MIN_STRETCHES:
        return UNKNOWN
    middle = len(envelope) // 2
    early, late = _slope(envelope[:middle]), _slope(envelope[middle:])
    models = fits([reading.records for reading in envelope], [float(reading.rss) for reading in envelope])
    verdict = _verdict(envelope[middle:], early, late, models)
    slopes = sorted(_slopes(envelope))
    out = round(BOUNDS * (len(slopes) - 1))
    sure = _sure(envelope[middle:], late, models, verdict)
    if verdict == "growing" and len(readings) < LEAK_READINGS:
        # Pools and page caches still fill in the first seconds, as steadily as a leak would.
        verdict, sure = "warming", min(sure, 0.5)
    return Trend(median(slopes), verdict, slopes[out], slopes[-1 - out], sure)


def _sure(half: Sequence[Reading], late: float, models: Sequence[Fit], verdict: MemoryVerdict) -> float:
    """How sure a verdict is: by the curves, and for a small growth by how small it is."""
    by_curve = confidence(models, verdict)
    if verdict == "stable":
        growth = abs(late) * (half[-1].records - half[0].records)
        by_curve = max(by_curve, 1 - growth / _small(half) / 2)
    return min(0.99, max(0.5, by_curve))


def _small(half: Sequence[Reading]) -> float:
    """Bytes of growth that are none."""
    return max(SMALL_BYTES, SMALL_SHARE * median(reading.rss for reading in half))


def _verdict(half: Sequence[Reading], early: float, late: float, models: Sequence[Fit]) -> MemoryVerdict:
    small = _small(half)
    growth = late * (half[-1].records - half[0].records)
    direction = 1 if growth > 0 else -1
    changes = [direction * (after.rss - before.rss) for before, after in pairwise(half)]
    if abs(growth) < small or sum(changes) - max(changes) < small:
        return "stable"
    if growth < 0:
        return "shrinking"
    if models[0].kind == "step":
        return "stable"
    levels_off = models[0].kind == "saturating" and late < early
    return "warming" if late < SLOWING * early or levels_off else "growing"


def _envelope(readings: Sequence[Reading]) -> list[Reading]:
    """The lowest reading of each stretch after the warm-up that has one."""
    if not readings:
        return []
    first, last = readings[0].records, readings[-1].records
    begin = first + WARM_UP * (last - first)
    width = (last - begin) / STRETCHES
    if width <= 0:
        return []
    lowest: dict[int, Reading] = {}
    for reading in readings:
        if reading.records >= begin:
            stretch = min(int((reading.records - begin) / width), STRETCHES - 1)
            known = lowest.get(stretch)
            if known is None or reading.rss < known.rss:
                lowest[stretch] = reading
    return [lowest[stretch] for stretch in sorted(lowest)]


def _slope(points: Sequence[Reading]) -> float:
    return median(_slopes(points))


def _slopes(points: Sequence[Reading]) -> list[float]:
    return [(b.rss - a.rss) / (b.records - a.records) for a, b in combinations(points, 2)]
