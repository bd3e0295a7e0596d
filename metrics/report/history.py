"""How a run went, for its report: the whole of it, in a bounded number of points."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from metrics.definitions import readings
from metrics.snapshot import Snapshot

POINTS = 600
"""Of a line at most; then each two become one. A chart is no wider."""
LINES = 64


@dataclass(frozen=True, slots=True)
class Line:
    """A metric over the run: seconds of the run, and the value up to the next."""

    metric: str
    stage: str | None
    points: tuple[tuple[float, float], ...]


# A chart must not lose a peak of latency or a full queue, and must not make a rate look higher than it was.
CHARTED: Mapping[str, Callable[[float, float], float]] = {
    "pipeline.records.rate": lambda one, other: (one + other) / 2,
    "pipeline.record.latency": max,
    "pipeline.stage.latency": max,
    "pipeline.stage.queue.fill": max,
    "process.memory.rss": max,
}


class History:
    """Takes a reading a second of each charted metric, from one thread."""

    def __init__(self) -> None:
        self._second = -1
        self._lines: dict[tuple[str, str | None], _Thinned] = {}

    def look(self, snapshot: Snapshot) -> None:
        """Take a snapshot in; one of a second that was seen already is left out."""
        at = snapshot.elapsed_s
        if snapshot.phase == "starting" or int(at) == self._second:
            return
        self._second = int(at)
        for reading in readings(snapshot):
            if reading.metric not in CHARTED:
                continue
            key = (reading.metric, reading.stage)
            line = self._lines.get(key)
            if line is None:
                if len(self._lines) >= LINES:
                    continue
                line = self._lines[key] = _Thinned(CHARTED[reading.metric])
            line.add(at, reading.value)

    @property
    def lines(self) -> tuple[Line, ...]:
        """What is known by now."""
        return tuple(Line(metric, stage, tuple(line.points)) for (metric, stage), line in self._lines.items())


class _Thinned:
    def __init__(self, join: Callable[[float, float], float]) -> None:
        self.points: list[tuple[float, float]] = []
        self._join = join
        self._apart = 0.0

    def add(self, at: float, value: float) -> None:
        if self.points and at < self.points[-1][0] + self._apart:
            began, before = self.points[-1]
            self.points[-1] = (began, self._join(before, value))
            return
        self.points.append((at, value))
        if len(self.points) >= POINTS:
            pairs = zip(self.points[::2], self.points[1::2], strict=True)
            self.points = [(one[0], self._join(one[1], other[1])) for one, other in pairs]
            self._apart = max(2 * self._apart, 1.9)
