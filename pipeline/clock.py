"""The one owner of reading the time.

Everything that measures an interval takes a :class:`Clock`, so that tests and experiments
can drive time by hand. ``wall`` is for showing a date to a person, never for an interval.
"""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """A source of time."""

    def monotonic(self) -> float:
        """Seconds since an arbitrary point; never goes back."""
        ...

    def wall(self) -> datetime:
        """The date and time in UTC, for display."""
        ...

    def sleep(self, event: threading.Event, seconds: float) -> bool:
        """Wait until ``event`` is set or ``seconds`` are over; tell whether it was set."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def monotonic(self) -> float:
        return time.perf_counter()

    def wall(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, event: threading.Event, seconds: float) -> bool:
        return event.wait(seconds)


class ManualClock:
    """A clock that stands still until it is told to move; for tests and the deterministic driver."""

    def __init__(self, start: float = 0.0, wall: datetime | None = None) -> None:
        """The wall clock shows ``wall`` at the start, and moves along."""
        self._start = self._now = start
        self._wall = wall or datetime(2000, 1, 1, tzinfo=UTC)

    def monotonic(self) -> float:
        return self._now

    def wall(self) -> datetime:
        return self._wall + timedelta(seconds=self._now - self._start)

    def sleep(self, event: threading.Event, seconds: float) -> bool:
        self.advance(seconds)
        return event.is_set()

    def advance(self, seconds: float) -> None:
        """Move the time on by ``seconds`` (not negative)."""
        if seconds < 0:
            raise ValueError(f"a clock cannot go back: advance({seconds})")
        self._now += seconds
