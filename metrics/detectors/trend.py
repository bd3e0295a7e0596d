"""Slow growth: the floor of a series rises, and goes on rising."""

from __future__ import annotations

from itertools import combinations, pairwise
from statistics import median

from metrics.detectors.base import Alarm, Tolerance, known

STRETCH_S = 15.0
STRETCHES = 40
LEAST = 10
WARM_UP = 0.25
RISING = 0.75
SLOWING = 0.6
"""A slope below this share of what it was before is a curve that levels off."""


class Trend:
    """The lower envelope over time, judged like memory is over records (:mod:`metrics.trend`).

    Of each stretch of 15 s the lowest reading counts; there are 40 stretches at most, and then they are
    made twice as long. After the first quarter, the slopes between all pairs (Theil 1950, Sen 1968) must
    add up to the change that counts; three of four stretches must rise, no single one may make
    half of it, and the second half must not be clearly slower than the first.

    >>> trend = Trend(Tolerance(0.2, 4.0))
    >>> alarms = [found for at in range(600) if (found := trend.update(at, 20 + at * 0.05 + at % 7))]
    >>> [(alarm.kind, alarm.at_s, alarm.expected[0]) for alarm in alarms][:1]
    [('trend', 49, None)]
    """

    def __init__(self, tolerance: Tolerance) -> None:
        self._tolerance = tolerance
        self._floor: list[tuple[float, float]] = []
        self._stretch = STRETCH_S
        self._until = 0.0
        self._lowest: tuple[float, float] | None = None

    def reset(self) -> None:
        """Forget all."""
        self._floor.clear()
        self._stretch = STRETCH_S
        self._lowest = None

    def update(self, at_s: float, value: float | None, weight: float = 1.0) -> Alarm | None:
        """See :class:`metrics.detectors.base.Detector`."""
        reading = known(value, weight)
        if reading is None or weight < 1.0:
            return None
        lowest = self._lowest
        if lowest is None:
            self._lowest, self._until = (at_s, reading), at_s + self._stretch
            return None
        if at_s < self._until:
            if reading < lowest[1]:
                self._lowest = (at_s, reading)
            return None
        self._floor.append(lowest)
        self._lowest, self._until = (at_s, reading), at_s + self._stretch
        if len(self._floor) >= STRETCHES:
            pairs = zip(self._floor[::2], self._floor[1::2], strict=True)
            self._floor = [min(pair, key=lambda point: point[1]) for pair in pairs]
            self._stretch *= 2
        return self._judge(reading)

    def _judge(self, reading: float) -> Alarm | None:
        points = self._floor[int(len(self._floor) * WARM_UP) :]
        if len(points) < LEAST or not self._tolerance.up:
            return None
        level = points[0][1]
        counts = self._tolerance.at(level)
        growth = points[-1][1] - level
        if growth < counts:
            return None
        changes = [after[1] - before[1] for before, after in pairwise(points)]
        rising = sum(change > 0 for change in changes) / len(changes)
        if rising < RISING or max(changes) > growth / 2:
            return None
        middle = len(points) // 2
        early, late = _slope(points[: middle + 1]), _slope(points[middle:])
        if late <= 0 or late < SLOWING * early:
            return None
        return Alarm("trend", points[0][0], reading, (None, level + counts), surprise=growth / counts)


def _slope(points: list[tuple[float, float]]) -> float:
    return median((b[1] - a[1]) / (b[0] - a[0]) for a, b in combinations(points, 2) if b[0] > a[0])
