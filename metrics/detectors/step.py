"""Changes that stay: a cumulative sum of what exceeds a median."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from metrics.detectors.base import Alarm, Tolerance, known
from metrics.detectors.middle import NORMAL, Middle

WINDOW = 300
LEAST = 30
"""So many readings must be there before one can be out of the ordinary."""
ALLOWED = 0.5
MOST = 1.5
"""One reading counts for no more, however far out it is: a jump must last to be a step."""
LASTING = 12.0
WAITING = 30
NOISE = 5.0
"""A change must also be so many standard deviations."""


@dataclass(slots=True)
class _Side:
    """The sum of one direction, and when it began to rise."""

    sum: float = 0.0
    since: float = 0.0
    worst: float = 0.0


class Step:
    """The test of Page (Biometrika 41, 1954), as Hinkley (1971) has it, on robust residuals.

    Each reading is held against the median of the last 300, in units of the change that counts: of
    ``tolerance``, or of five standard deviations as the MAD has them. Half a unit is allowed; a reading
    counts for one and a half at most; the sum of the rest must come to 12. So a change of one unit is found
    after 24 readings, one of two or more after 12, and what lasts for fewer is none. Readings from which
    a sum is rising are learned late, so that a step does not become its own yardstick.

    >>> step = Step(Tolerance(0.5, 1.0))
    >>> readings = [10.0 + at % 3 for at in range(100)] + [30.0] * 20
    >>> alarms = [found for at, value in enumerate(readings) if (found := step.update(at, value))]
    >>> [(alarm.at_s, alarm.value, round(alarm.expected[1], 3)) for alarm in alarms]
    [(100, 30.0, 18.413)]
    """

    def __init__(self, tolerance: Tolerance) -> None:
        self._tolerance = tolerance
        self._middle = Middle(WINDOW)
        self._waiting: deque[float] = deque()
        self._up, self._down = _Side(), _Side()

    def reset(self) -> None:
        """Forget all."""
        self._middle.clear()
        self._waiting.clear()
        self._up, self._down = _Side(), _Side()

    def update(self, at_s: float, value: float | None, weight: float = 1.0) -> Alarm | None:
        """See :class:`metrics.detectors.base.Detector`."""
        reading = known(value, weight)
        if reading is None:
            return None
        if len(self._middle) < LEAST:
            if weight >= 1.0:
                self._middle.add(reading)
            return None
        level, tolerance = self._middle.median, self._tolerance
        unit = max(tolerance.at(level), NOISE * NORMAL * self._middle.deviation)
        if unit <= 0.0:
            unit = 1.0
        off = (reading - level) / unit * min(1.0, weight)
        if weight < 1.0 and abs(off) <= ALLOWED:
            # It speaks neither for a change nor against one.
            return None
        alarm = self._rise(self._up, at_s, reading, off, level, unit) if tolerance.up else None
        if alarm is None and tolerance.down:
            alarm = self._rise(self._down, at_s, reading, -off, level, unit)
        if alarm is not None:
            self._up, self._down = _Side(), _Side()
            self._waiting.clear()
            return alarm
        if weight >= 1.0:
            self._waiting.append(reading)
        if self._up.sum == 0.0 and self._down.sum == 0.0:
            while self._waiting:
                self._middle.add(self._waiting.popleft())
        elif len(self._waiting) > WAITING:
            self._middle.add(self._waiting.popleft())
        return None

    def _rise(
        self, side: _Side, at_s: float, reading: float, off: float, level: float, unit: float
    ) -> Alarm | None:
        before = side.sum
        side.sum = max(0.0, before + min(off, MOST) - ALLOWED)
        if side.sum == 0.0:
            return None
        if before == 0.0:
            side.since, side.worst = at_s, reading
        elif abs(reading - level) > abs(side.worst - level):
            side.worst = reading
        if side.sum < LASTING:
            return None
        expected = self._tolerance.around(level, level, unit)
        return Alarm("step", side.since, side.worst, expected, surprise=side.sum)
