"""The process's memory, read from the operating system."""

from __future__ import annotations

from collections.abc import Callable

from metrics.heap.verdict import combined
from metrics.heap.watch import HeapWatch
from metrics.memory_state import MemoryState
from metrics.trend import UNKNOWN, Reading, Trend, trend
from metrics.vitals.machine import Machine

SERIES_CAPACITY = 512
JUDGE_EVERY = 20
"""Readings between two verdicts: they change slowly, and cost more than a reading."""
PERSISTENT = 2
"""Verdicts in a row that say so before memory is called growing."""


class MemorySampler:
    """Keeps a bounded series of readings; the first is made at once, before the run opens anything.

    When the series is full, of each two neighbours the lower one is kept: the floor is what tells a
    leak (see :mod:`metrics.trend`). The reader may be replaced: ``read_rss`` gives bytes.
    """

    def __init__(self, read_rss: Callable[[], int] | None = None, heap: HeapWatch | None = None) -> None:
        """``heap`` is what else tells of the memory: its containers and counts of objects."""
        self._heap = heap
        self._read_rss = read_rss or Machine().resident
        self._rss_start = self._rss = self._rss_peak = self._read_rss()
        self._series: list[Reading] = []
        self._stride = 1
        self._pending: list[Reading] = []
        self._since_judged = 0
        self._growing = 0
        self._trend = UNKNOWN

    def sample(self, records: int) -> None:
        """Read it once; ``records`` have been read by now."""
        self._rss = self._read_rss()
        self._rss_peak = max(self._rss_peak, self._rss)
        self._pending.append(Reading(records, self._rss))
        if len(self._pending) >= self._stride:
            self._series.append(_lower(self._pending))
            self._pending.clear()
        if len(self._series) >= SERIES_CAPACITY:
            pairs = zip(self._series[::2], self._series[1::2], strict=True)
            self._series = [_lower(list(pair)) for pair in pairs]
            self._stride *= 2
        self._since_judged += 1
        if self._since_judged >= JUDGE_EVERY:
            self.judge()

    def judge(self) -> None:
        """Bring the verdict up to date now."""
        self._since_judged = 0
        found = trend([*self._series, *self._pending])
        self._growing = self._growing + 1 if found.verdict == "growing" else 0
        if 0 < self._growing < PERSISTENT:
            found = found._replace(verdict="warming", confidence=None)
        self._trend = found

    @property
    def trend(self) -> Trend:
        """What the resident set alone says."""
        return self._trend

    @property
    def memory(self) -> MemoryState:
        """What is known by now."""
        series = tuple(reading.rss for reading in self._series)
        state = MemoryState(
            rss_start=self._rss_start,
            rss=self._rss,
            rss_peak=self._rss_peak,
            slope_bytes_per_record=self._trend.slope,
            verdict=self._trend.verdict,
            confidence=self._trend.confidence,
            slope_low=self._trend.low,
            slope_high=self._trend.high,
            series=(*series, self._rss) if self._pending else series,
        )
        return state if self._heap is None else combined(state, self._heap)


def _lower(readings: list[Reading]) -> Reading:
    return min(readings, key=lambda reading: reading.rss)
