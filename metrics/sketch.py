"""Distributions of times that take constant memory and can be merged.

The quantiles come from DDSketch (Masson, Rim and Lee, "DDSketch: a fast and fully-mergeable
quantile sketch with relative-error guarantees", VLDB 2019) and are within 1 % of the true
value; count, mean and maximum are exact.
"""

from __future__ import annotations

from ddsketch import LogCollapsingLowestDenseDDSketch

from metrics.snapshot import Latency

RELATIVE_ACCURACY = 0.01


class Sketch:
    """A distribution of times in seconds, each weighted by the number of records it stands for."""

    def __init__(self) -> None:
        self._sketch = LogCollapsingLowestDenseDDSketch(relative_accuracy=RELATIVE_ACCURACY)
        self._count = 0
        self._sum = 0.0
        self._max = 0.0
        self._latency: Latency | None = None

    def add(self, seconds: float, records: int) -> None:
        """``records`` (none is allowed) took ``seconds`` each; a negative time counts as none."""
        if records <= 0:
            return
        seconds = max(0.0, seconds)
        self._sketch.add(seconds, records)
        self._count += records
        self._sum += seconds * records
        self._max = max(self._max, seconds)
        self._latency = None

    def merge(self, other: Sketch) -> None:
        """Add everything that ``other`` has seen."""
        self._sketch.merge(other._sketch)
        self._count += other._count
        self._sum += other._sum
        self._max = max(self._max, other._max)
        self._latency = None

    def latency(self) -> Latency | None:
        """The distribution in milliseconds, None while it is empty."""
        if self._latency is None and self._count:
            mean = min(self._sum / self._count, self._max)
            p50, p95, p99 = (self._quantile(quantile) for quantile in (0.5, 0.95, 0.99))
            self._latency = Latency(
                self._count, mean * 1000, p50 * 1000, p95 * 1000, p99 * 1000, self._max * 1000
            )
        return self._latency

    def _quantile(self, quantile: float) -> float:
        # A quantile within 1 % may lie above the exact maximum, which no reader would believe.
        return min(self._sketch.get_quantile_value(quantile) or 0.0, self._max)
