"""Splits the time of a worker into busy, idle (nothing to take) and blocked (nowhere to put)."""

from __future__ import annotations

from typing import Literal

from pipeline.clock import Clock

Kind = Literal["busy", "idle", "blocked"]


class Stopwatch:
    """Every second between two laps goes to exactly one kind, so that the kinds add up to the time."""

    def __init__(self, clock: Clock, between: Kind = "idle") -> None:
        """``between`` is what the time between two steps is, unless :meth:`waits` says otherwise."""
        self._clock = clock
        self._last = clock.monotonic()
        self._between: Kind = between
        self._waiting: Kind = between
        self.idle = 0.0
        self.blocked = 0.0

    def waits(self, kind: Kind) -> None:
        """From now on, until :meth:`start`, the time is of this kind."""
        self._count_wait()
        self._waiting = kind

    def start(self) -> float:
        """Work begins now; returns the time."""
        self._count_wait()
        return self._last

    def skip(self) -> None:
        """The time since the last look is counted elsewhere."""
        self._last = self._clock.monotonic()

    def follow(self, clock: Clock) -> Clock:
        """Go by another clock from now on; returns the one that it went by."""
        self._count_wait()
        before, self._clock = self._clock, clock
        self._last = clock.monotonic()
        return before

    def lap(self) -> tuple[float, float]:
        """The time now, and the busy seconds since the start or the last lap."""
        self._waiting = self._between
        now = self._clock.monotonic()
        busy = now - self._last
        self._last = now
        return now, busy

    def take_waits(self) -> tuple[float, float]:
        """The idle and blocked seconds since they were last taken."""
        waits = self.idle, self.blocked
        self.idle = self.blocked = 0.0
        return waits

    def _count_wait(self) -> None:
        now = self._clock.monotonic()
        if self._waiting == "blocked":
            self.blocked += now - self._last
        else:
            self.idle += now - self._last
        self._last = now
