"""What happened in the last minute: rings on the monotonic clock.

Everything is booked by the time at which it happened, not by the time at which it was looked at. So
a monitor that wakes up late finds the same numbers as one that was on time.
"""

from __future__ import annotations

from metrics.snapshot import Throughput

WINDOW_S = 60.0
TICK_S = 0.25
SECOND_TICKS = 4
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
        self._sum = 0
        self._current = 0
        self._latest = start
        self._known: tuple[int, int, tuple[float, ...]] | None = None
        """The last history, of which stretches and until which of them."""

    def add(self, at: float, records: int) -> None:
        """``records`` more at the time ``at``; events may come in any order."""
        tick = self._reach(at)
        if tick < self._current:
            self._known = None
            if tick <= self._current - self._size:
                return
        self._counts[tick % self._size] += records
        self._sum += records

    def measure(self, now: float) -> Throughput:
        """The records in the window that ends now (or at the newest time it knows of, if that is later).

        The rate times the window is the records, to the record. A window without length has
        the rate 0.
        """
        self._reach(now)
        span = self._latest - (self._start + self._first() * self._tick)
        if span < RESOLUTION_S:
            return Throughput(self._sum, 0.0, 0.0)
        return Throughput(self._sum, span, self._sum / span)

    def history(self, now: float, ticks: int = 1) -> tuple[float, ...]:
        """Records per second of each whole stretch of ``ticks`` in the window, oldest first.

        Stretches are counted from the start, so that a look later sees the same ones again.
        """
        self._reach(now)
        end = self._current // ticks
        if self._known is None or self._known[:2] != (ticks, end):
            counts, size, length = self._counts, self._size, ticks * self._tick
            first = -(-self._first() // ticks)
            rates = tuple(
                sum(counts[tick % size] for tick in range(stretch * ticks, (stretch + 1) * ticks)) / length
                for stretch in range(first, end)
            )
            self._known = ticks, end, rates
        return self._known[2]

    def _first(self) -> int:
        return max(0, self._current - self._size + 1)

    def _reach(self, at: float) -> int:
        """Move the ring on to the time ``at``, emptying the ticks that it comes to; the tick of that time."""
        self._latest = max(self._latest, at)
        tick = int((at - self._start) / self._tick)
        if tick <= self._current:
            return max(0, tick)
        for new in range(max(self._current + 1, tick - self._size + 1), tick + 1):
            self._sum -= self._counts[new % self._size]
            self._counts[new % self._size] = 0
        self._current = tick
        return tick


class Levels:
    """A level, such as how full a queue is, at the end of each of the last ``seconds`` seconds.

    It stays at what it was last seen to be until it is seen again, and is 0 at the start. Of one second the
    latest reading counts, whenever it comes in.
    """

    def __init__(self, start: float, seconds: int = round(WINDOW_S)) -> None:
        self._start = start
        self._size = seconds
        self._readings: list[tuple[float, float] | None] = [None] * seconds
        self._current = 0
        self._before = 0.0
        """The last level before the ring."""
        self._known: tuple[int, tuple[float, ...]] | None = None

    def set(self, at: float, level: float) -> None:
        """It was at ``level`` at the time ``at``; readings may come in any order."""
        second = self._reach(at)
        if second < self._current:
            self._known = None
        if second > self._current - self._size:
            known = self._readings[second % self._size]
            if known is None or known[0] <= at:
                self._readings[second % self._size] = (at, level)

    def history(self, now: float) -> tuple[float, ...]:
        """The level at the end of each whole second in the ring, oldest first."""
        self._reach(now)
        if self._known is not None and self._known[0] == self._current:
            return self._known[1]
        levels = []
        level = self._before
        for second in range(max(0, self._current - self._size + 1), self._current):
            reading = self._readings[second % self._size]
            level = reading[1] if reading is not None else level
            levels.append(level)
        self._known = self._current, tuple(levels)
        return self._known[1]

    def _reach(self, at: float) -> int:
        second = max(0, int(at - self._start))
        for new in range(self._current + 1, second + 1):
            leaving = self._readings[new % self._size]
            if leaving is not None:
                self._before = leaving[1]
                self._readings[new % self._size] = None
            elif new - self._current > self._size:
                break
        self._current = max(self._current, second)
        return second
