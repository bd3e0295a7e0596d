"""What a detector is: readings of one series in, now and then an alarm out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, Protocol

MOST = 1e150
Kind = Literal["invariant", "novelty", "step", "trend"]
Range = tuple[float | None, float | None]
"""The least and the most that is expected; None is an open end."""


@dataclass(frozen=True, slots=True)
class Tolerance:
    """The least change that a user would call one, in a number around ``level``.

    That is ``share`` of the level or ``least`` (in the unit of the number), whichever is more. Where ``up``
    or ``down`` is False, a change that way is none.
    """

    share: float
    least: float
    up: bool = True
    down: bool = True

    def at(self, level: float) -> float:
        """The change that counts."""
        return max(self.share * abs(level), self.least)

    def around(self, low: float, high: float, margin: float) -> Range:
        """From ``low`` to ``high`` and ``margin`` beyond, open where a change is none."""
        return (low - margin if self.down else None, high + margin if self.up else None)


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something is out of the ordinary since ``at_s``. ``surprise`` is in bits, infinite where exact."""

    kind: Kind
    at_s: float
    value: float
    expected: Range
    surprise: float = math.inf


class Detector(Protocol):
    """Watches one series. The same readings give the same alarms; memory and time are bounded."""

    def update(self, at_s: float, value: float | None, weight: float = 1.0) -> Alarm | None:
        """Take a reading, made at ``at_s`` seconds of the run; None, NaN and infinities are "not known".

        ``weight`` (0 to 1) is how far it can be trusted: what is not sure must be further out to count, and
        is not learned from. One of weight 0 is left out.
        """
        ...

    def reset(self) -> None:
        """Forget all: what comes is not to be held against what was."""
        ...


def known(value: float | None, weight: float = 1.0) -> float | None:
    """The value, or None where it tells nothing: what cannot be squared is no measurement either."""
    if value is None or not abs(value) <= MOST or weight <= 0:
        return None
    return float(value)
