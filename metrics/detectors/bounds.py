"""Exact bounds: what must hold at any time, without any statistics."""

from __future__ import annotations

from metrics.detectors.base import Alarm, known


class Bounds:
    """Alarms when a reading leaves the range from ``low`` to ``high``, and again only after it came back.

    >>> bounds = Bounds(0.0, 10.0)
    >>> [bounds.update(at, value) is not None for at, value in enumerate([10.0, 11.0, 12.0, 9.0, -1.0])]
    [False, True, False, False, True]
    """

    def __init__(self, low: float | None, high: float | None) -> None:
        self._low = low
        self._high = high
        self._outside = False

    def reset(self) -> None:
        """What must hold does not depend on what was."""
        self._outside = False

    def update(self, at_s: float, value: float | None, weight: float = 1.0) -> Alarm | None:
        """See :class:`metrics.detectors.base.Detector`."""
        reading = known(value, weight)
        if reading is None:
            return None
        was_outside = self._outside
        low, high = self._low, self._high
        self._outside = (low is not None and reading < low) or (high is not None and reading > high)
        if self._outside and not was_outside:
            return Alarm("invariant", at_s, reading, (low, high))
        return None
