"""Detectors of anomalies: one file each, one list.

:data:`STATISTICAL` holds those that learn what a series is like. What must hold exactly is checked by
:class:`metrics.detectors.bounds.Bounds`, with bounds of its own for each series.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from metrics.detectors.base import Alarm, Detector, Kind, Range, Tolerance
from metrics.detectors.bounds import Bounds
from metrics.detectors.novelty import Novelty
from metrics.detectors.step import Step
from metrics.detectors.trend import Trend

__all__ = ["STATISTICAL", "Alarm", "Bounds", "Detector", "Kind", "Method", "Range", "Tolerance"]


@dataclass(frozen=True, slots=True)
class Method:
    """A kind of detector and how one is made."""

    kind: Kind
    make: Callable[[Tolerance], Detector]


STATISTICAL: tuple[Method, ...] = (
    Method("step", Step),
    Method("trend", Trend),
    Method("novelty", Novelty),
)
