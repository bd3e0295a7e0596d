"""How many records in the last minute: a ring of counts on the monotonic clock.

Counts are booked by the time at which an event happened, not by the time at which it was looked at. So
a monitor that wakes up late finds the same numbers as one that was on time.
"""

from __future__ import annotations

from metrics.snapshot import Throughput

WINDOW_S = 60.0
TICK_S = 0.25
RESOLUTION_S = 1e-9
"""A clock tells no less; a shorter window has no length."""


class Window:
    """Counts of the last ``seconds``, in ticks of ``tick`` seconds, from ``start`` on.

    The window begins at a tick's edge, so that it is up to one tick shorter than ``seconds``; while the run
    is shorter than the window, the window is the run so far. What lies before the
    window when it is added is in no count.
    """

    def __init__(self, start: float, seconds: float = WINDOW_S, tick: float = TICK_S) -> None:
        self._start = start
        self._tick = tick
        self._size = max(1, round(seconds / tick))
        self._counts = [0] * self._size
        self._current = 0
        self._latest = start

    def add(self, at: float, records: int) -> None:
        """``records`` more at the time ``at``; events may come in any order."""
        tick = self._reach(at)
        if tick > self._current - self._size:
            self._counts[tick % self._size] += records

    def measure(self, now: float) -> Throughput:
        """The records in the window that ends now (or at the newest time it knows of, if that is later).

        The rate times the window is the records, to the record. A window without length has
        the rate 0.
        """
        self._reach(now)
        records = sum(self._counts)
        span = self._latest - (self._start + self._first() * self._tick)
        if span < RESOLUTION_S:
            return Throughput(records, 0.0, 0.0)
        return Throughput(records, span, records / span)

    def history(self, now: float) -> tuple[float, ...]:
        """Records per second of each whole tick in the window, oldest first."""
        self._reach(now)
        return tuple(
            self._counts[tick % self._size] / self._tick for tick in range(self._first(), self._current)
        )

    def _first(self) -> int:
        return max(0, self._current - self._size + 1)

    def _reach(self, at: float) -> int:
        """Move the ring on to the time ``at``, emptying the ticks that it comes to; the tick of that time."""
        self._latest = max(self._latest, at)
        tick = max(0, int((at - self._start) / self._tick))
        for new in range(max(self._current + 1, tick - self._size + 1), tick + 1):
            self._counts[new % self._size] = 0
        self._current = max(self._current, tick)
        return tick
