"""Distributions of times that take constant memory and can be merged.

The algorithm is DDSketch (Masson, Rim and Lee, "DDSketch: a fast and fully-mergeable quantile sketch with
relative-error guarantees", VLDB 2019): counts in bins whose bounds grow by a constant factor. Quantiles are
within 1 % of the true value; count, mean and maximum are exact. A bin is kept only where something fell into
it, so that the sketch of a second has a handful, and the widest possible one some two thousand.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from functools import cache
from typing import NamedTuple

from metrics.snapshot import Bucket, Latency

RELATIVE_ACCURACY = 0.01
_FACTOR = (1 + RELATIVE_ACCURACY) / (1 - RELATIVE_ACCURACY)
_BINS = 1 / math.log(_FACTOR)
"""Bins to a factor of e."""
SHORTEST_S = 1e-9
"""No clock tells less."""
LONGEST_S = 1e8

BOUNDS_MS = tuple(
    float(f"{step}e{decade}") for decade in range(-3, 10) for step in ("1", "1.5", "2", "3", "5", "7")
)
"""The upper bounds of the bars of every histogram, from a microsecond to eighty days."""


REFRESH_S = 1.0
REFRESH_SHARE = 0.1


class Shape(NamedTuple):
    """What there is to tell of a distribution."""

    latency: Latency | None = None
    histogram: tuple[Bucket, ...] = ()


def bin_of(seconds: float) -> int:
    """The bin of a time, for those who add it to several sketches."""
    within = seconds if SHORTEST_S < seconds < LONGEST_S else min(max(seconds, SHORTEST_S), LONGEST_S)
    return math.ceil(math.log(within) * _BINS)


class Sketch:
    """A distribution of times in seconds, each weighted by the number of records it stands for."""

    __slots__ = ("_at", "_bins", "_count", "_latency", "_max", "_shape", "_shape_of", "_sum")

    def __init__(self) -> None:
        self._bins: dict[int, int] = {}
        self._count = 0
        self._sum = 0.0
        self._max = 0.0
        self._latency: Latency | None = None
        self._shape = Shape()
        self._shape_of = 0
        self._at = 0.0

    def add(self, seconds: float, records: int, bin: int | None = None) -> None:
        """``records`` (none is allowed) took ``seconds`` each; a negative time counts as none. ``bin`` is the
        time's, where it is known."""
        if records <= 0:
            return
        if seconds > self._max:
            self._max = seconds
        elif seconds < 0:
            seconds = 0.0
        if bin is None:
            bin = bin_of(seconds)
        self._bins[bin] = self._bins.get(bin, 0) + records
        self._count += records
        self._sum += seconds * records
        self._latency = None

    def merge(self, other: Sketch) -> None:
        """Add everything that ``other`` has seen."""
        bins = self._bins
        for bin, records in other._bins.items():
            bins[bin] = bins.get(bin, 0) + records
        self._count += other._count
        self._sum += other._sum
        self._max = max(self._max, other._max)
        self._latency = None

    @property
    def count(self) -> int:
        """The records it has seen."""
        return self._count

    def latency(self) -> Latency | None:
        """The distribution in milliseconds, None while it is empty."""
        if self._latency is None and self._count:
            mean = min(self._sum / self._count, self._max)
            p50, p95, p99 = self._quantiles((0.5, 0.95, 0.99))
            self._latency = Latency(
                self._count, mean * 1000, p50 * 1000, p95 * 1000, p99 * 1000, self._max * 1000
            )
        return self._latency

    def shape(self, now: float, *, fresh: bool = False) -> Shape:
        """Latency and histogram, for those who look often: as of the last second, unless a tenth of the
        records came since; ``fresh`` asks for those of now."""
        if self._count != self._shape_of and (
            fresh or now - self._at >= REFRESH_S or self._count > self._shape_of * (1 + REFRESH_SHARE)
        ):
            self._shape = Shape(self.latency(), self.histogram())
            self._shape_of, self._at = self._count, now
        return self._shape

    def histogram(self) -> tuple[Bucket, ...]:
        """The bars from the lowest to the highest that is not empty; empty while nothing was seen.

        A time within 1 % of a bound may be on the other side of it.
        """
        bars: dict[int, int] = {}
        for bin, records in self._bins.items():
            bar = _bar(bin)
            bars[bar] = bars.get(bar, 0) + records
        if not bars:
            return ()
        return tuple(Bucket(BOUNDS_MS[bar], bars.get(bar, 0)) for bar in range(min(bars), max(bars) + 1))

    def _quantiles(self, shares: tuple[float, ...]) -> list[float]:
        found = []
        seen = 0
        bins = iter(sorted(self._bins.items()))
        value = 0.0
        for share in shares:
            rank = share * (self._count - 1)
            while seen <= rank:
                bin, records = next(bins)
                seen += records
                value = _middle(bin)
            # A quantile within 1 % may lie above the exact maximum, which no reader would believe.
            found.append(min(value, self._max))
        return found


@cache
def _middle(bin: int) -> float:
    """The time that is within 1 % of all in the bin."""
    return 2 * math.exp(bin / _BINS) / (_FACTOR + 1)


@cache
def _bar(bin: int) -> int:
    return min(bisect_left(BOUNDS_MS, _middle(bin) * 1000), len(BOUNDS_MS) - 1)
