"""Readings that have hardly been there before: the rarity of the quantised value, with a rest."""

from __future__ import annotations

import math
from collections import deque

from metrics.detectors.base import Alarm, Range, Tolerance, known

BINS = 16
PRIOR = 0.5
"""Of Krichevsky and Trofimov (IEEE Trans. Inf. Theory 27, 1981): what an empty bin counts."""
LOG_WEIGHT = 0.25
REST = 400
BITS = 11.56
"""Of surprise, from which on a reading is one of a kind; see docs/anomalies.md."""
COMMON = 0.01
"""A bin that holds this share of the readings is where the series is at home."""


class Bins:
    """Counts of readings in equal bins over the range seen so far; the range grows, the number does not.

    >>> bins = Bins()
    >>> for value in [1.0, 2.0, 1.0, 2.0]:
    ...     _ = bins.add(value)
    >>> round(bins.add(9.0), 2)
    4.58
    """

    def __init__(self, bins: int = BINS) -> None:
        self._counts = [0] * bins
        self._total = 0
        self._low = self._high = 0.0

    def add(self, value: float) -> float:
        """How surprising the reading is, in bits, given those before it; then it is counted."""
        if not self._total:
            self._low = self._high = value
        elif not self._low <= value <= self._high:
            self._widen(min(self._low, value), max(self._high, value))
        place = self._place(value)
        bits = -math.log2((self._counts[place] + PRIOR) / (self._total + PRIOR * len(self._counts)))
        self._counts[place] += 1
        self._total += 1
        return bits

    @property
    def home(self) -> tuple[float, float]:
        """From the first bin to the last that is common."""
        least = max(1.0, COMMON * self._total)
        common = [place for place, count in enumerate(self._counts) if count >= least]
        width = (self._high - self._low) / len(self._counts)
        return self._low + common[0] * width, self._low + (common[-1] + 1) * width

    def _place(self, value: float) -> int:
        width = (self._high - self._low) / len(self._counts)
        return min(len(self._counts) - 1, int((value - self._low) / width)) if width > 0 else 0

    def _widen(self, low: float, high: float) -> None:
        size = len(self._counts)
        before, width = self._low, (self._high - self._low) / size
        self._low, self._high = low, high
        counts = [0] * size
        for place, count in enumerate(self._counts):
            if count:
                counts[self._place(before + (place + 0.5) * width)] += count
        self._counts = counts


class Novelty:
    """Adds up how rare a reading is among 16 bins and, at a quarter, among 16 bins of its logarithm (with its
    sign kept), which tells small numbers apart where a few are large.

    It alarms for :data:`BITS` and more, and only when no reading of the last 400 was as rare: that is
    the rest after an alarm. With a ``tolerance`` it also must lie so far from where the series is at home;
    twice that, since it is one reading. With no more than 300 readings none is rare enough.

    >>> novelty = Novelty(Tolerance(0.5, 1.0))
    >>> alarms = [novelty.update(at, 10.0 + at % 5) for at in range(600)]
    >>> any(alarms), novelty.update(600, 12.5), novelty.update(601, 90.0).value
    (False, None, 90.0)
    """

    def __init__(
        self,
        tolerance: Tolerance | None = None,
        bits: float = BITS,
        rest: int = REST,
        bins: int = BINS,
        log_weight: float = LOG_WEIGHT,
    ) -> None:
        self._tolerance = tolerance
        self._bits = bits
        self._rest = rest
        self._bins = bins
        self._log_weight = log_weight
        self.surprise = 0.0
        """Of the last reading, in bits."""
        self._start()

    def _start(self) -> None:
        self._plain, self._logarithmic = Bins(self._bins), Bins(self._bins)
        self._number = 0
        self._records: deque[tuple[int, float]] = deque()
        """Of the last readings those that none after them exceeded, the most surprising first."""

    def reset(self) -> None:
        """Forget all."""
        self._start()

    def update(self, at_s: float, value: float | None, weight: float = 1.0) -> Alarm | None:
        """See :class:`metrics.detectors.base.Detector`."""
        reading = known(value, weight)
        if reading is None or weight < 1.0:
            return None
        home = self._plain.home if self._number else (reading, reading)
        fresh = self.score(reading) > 0
        if not fresh or self.surprise < self._bits or self._is_near(reading, home):
            return None
        return Alarm("novelty", at_s, reading, self._expected(home), self.surprise)

    def score(self, value: float) -> float:
        """Take a reading in; how surprising it is, 0 where one of the last readings was as surprising."""
        self.surprise = self._plain.add(value)
        if self._log_weight:
            logarithm = math.copysign(math.log1p(abs(value)), value)
            self.surprise += self._log_weight * self._logarithmic.add(logarithm)
        self._number += 1
        records = self._records
        while records and records[0][0] < self._number - self._rest:
            records.popleft()
        is_record = not records or self.surprise > records[0][1]
        while records and records[-1][1] <= self.surprise:
            records.pop()
        records.append((self._number, self.surprise))
        return self.surprise if is_record else 0.0

    def _expected(self, home: tuple[float, float]) -> Range:
        low, high = home
        tolerance = self._tolerance
        return home if tolerance is None else tolerance.around(low, high, tolerance.at((low + high) / 2))

    def _is_near(self, value: float, home: tuple[float, float]) -> bool:
        if self._tolerance is None:
            return False
        low, high = home
        counts = 2 * self._tolerance.at((low + high) / 2)
        far_up = self._tolerance.up and value >= high + counts
        far_down = self._tolerance.down and value <= low - counts
        return not (far_up or far_down)
