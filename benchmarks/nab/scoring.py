"""The scoring of the Numenta Anomaly Benchmark.

Lavin and Ahmad, "Evaluating Real-time Anomaly Detection Algorithms: the Numenta Anomaly Benchmark",
ICMLA 2015 (arXiv:1510.03336). An alarm in a window earns up to 1, the more the earlier it comes; only the
best of a window counts. A window without an alarm costs 1. An alarm outside costs up to 0.11, less where it
comes shortly after a window. 0 is a detector that never alarms, 100 one that is at the start of every window.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter

from benchmarks.nab.corpus import Series


@dataclass(frozen=True, slots=True)
class Profile:
    """What alarms are worth and what they cost."""

    name: str
    false_positive: float
    false_negative: float


STANDARD = Profile("standard", 0.11, 1.0)
PROFILES = (STANDARD, Profile("few false alarms", 0.22, 1.0), Profile("few missed", 0.11, 2.0))


@dataclass(slots=True)
class Sweep:
    """What a score earns at every threshold. Add files, then ask; the sums are exact at each score that
    occurs."""

    profile: Profile = STANDARD
    windows: int = 0
    _gains: list[tuple[float, float]] = field(default_factory=list)

    def add(self, series: Series, scores: Sequence[float]) -> None:
        """One file, with a score of 0 or more for each of its rows."""
        best = [0.0] * len(series.windows)
        self.windows += len(series.windows)
        # A score of 0 is never an alarm.
        alarms = (row for row in range(series.probation, len(scores)) if scores[row] > 0)
        rows = sorted(alarms, key=lambda row: -scores[row])
        weights = _weights(series)
        for row in rows:
            window, weight = weights[row]
            if window is None:
                self._gains.append((scores[row], weight * self.profile.false_positive))
            elif weight > best[window]:
                # The first alarm also does away with the cost of missing the window.
                missed = self.profile.false_negative if best[window] == 0.0 else 0.0
                self._gains.append((scores[row], weight - best[window] + missed))
                best[window] = weight

    def merge(self, other: Sweep) -> None:
        """Add the files of another one of the same profile."""
        self.windows += other.windows
        self._gains += other._gains

    def curve(self) -> list[tuple[float, float]]:
        """``(threshold, points)``, highest threshold first; a score of at least the threshold is an alarm."""
        points = -self.profile.false_negative * self.windows
        found = [(math.inf, points)]
        for threshold, gains in groupby(sorted(self._gains, key=itemgetter(0), reverse=True), itemgetter(0)):
            points += sum(gain for _, gain in gains)
            found.append((threshold, points))
        return found

    def best_threshold(self) -> float:
        """That with the most points."""
        return max(self.curve(), key=itemgetter(1))[0]

    def points(self, threshold: float) -> float:
        """The points with this threshold, before they are normalised."""
        return -self.profile.false_negative * self.windows + sum(
            gain for score, gain in self._gains if score >= threshold
        )


def normalised(points: float, windows: int, profile: Profile = STANDARD) -> float:
    """0 for a detector that never alarms, 100 for a perfect one."""
    worst = -profile.false_negative * windows
    return 100.0 * (points - worst) / (windows - worst)


def _weights(series: Series) -> list[tuple[int | None, float]]:
    """For each row the window it lies in, if any, and what an alarm there is worth."""
    rows: list[tuple[int | None, float]] = []
    width = last_right = 0
    has_passed = False
    inside = dict(_inside(series.windows))
    for row in range(len(series.values)):
        window = inside.get(row)
        if window is not None:
            left, right = series.windows[window]
            width, last_right, has_passed = right - left + 1, right, True
            position = -(right - row + 1) / width
            rows.append((window, _sigmoid(position) / _sigmoid(-1.0)))
        elif has_passed:
            rows.append((None, _sigmoid((row - last_right) / (width - 1)) if width > 1 else -1.0))
        else:
            rows.append((None, -1.0))
    return rows


def _inside(windows: Iterable[tuple[int, int]]) -> Iterable[tuple[int, int]]:
    for number, (left, right) in enumerate(windows):
        for row in range(left, right + 1):
            yield row, number


def _sigmoid(position: float) -> float:
    return -1.0 if position > 3.0 else 2.0 / (1.0 + math.exp(5.0 * position)) - 1.0
