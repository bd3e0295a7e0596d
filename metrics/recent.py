"""The last ten seconds of a stage or of the run: counts, times and latencies, a book for each second."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from metrics.sketch import Sketch
from metrics.snapshot import Recent
from metrics.window import RESOLUTION_S

RECENT_S = 10


class Spent(NamedTuple):
    """Seconds of the workers' time."""

    busy: float = 0.0
    idle: float = 0.0
    blocked: float = 0.0

    @property
    def total(self) -> float:
        """All of it."""
        return self.busy + self.idle + self.blocked

    @property
    def busy_share(self) -> float:
        """The busy part of it; 0 where nothing was spent."""
        return self.busy / self.total if self.total > 0 else 0.0


class Times(NamedTuple):
    """How two kinds of threads spent their time for a stage.

    ``workers`` run stages; ``ends`` (worker numbers below 0) are those that read a source or write to the
    sink. Reading and decoding are both ingestion, encoding and writing both output, but each is done by
    threads of its own: one may be at its limit while the other waits.
    """

    workers: Spent = Spent()
    ends: Spent = Spent()

    @property
    def busiest(self) -> Spent:
        """The kind that has the larger share of work."""
        return max(self, key=lambda spent: (spent.busy_share, spent.total))

    @property
    def shares(self) -> tuple[float, float, float] | tuple[None, None, None]:
        """The busy, idle and blocked share of the busier kind, which add up to 1; None before any time was
        told."""
        spent = self.busiest
        if spent.total <= 0:
            return None, None, None
        busy, blocked = spent.busy / spent.total, spent.blocked / spent.total
        return busy, max(0.0, 1.0 - busy - blocked), blocked


class TimeBook:
    """Adds up the time of both kinds of threads."""

    __slots__ = ("_ends", "_workers")

    def __init__(self) -> None:
        self._workers = [0.0, 0.0, 0.0]
        self._ends = [0.0, 0.0, 0.0]

    def add(self, busy: float, idle: float, blocked: float, *, ends: bool) -> None:
        """So many seconds more, of workers or of those at the ends."""
        book = self._ends if ends else self._workers
        book[0] += busy
        book[1] += idle
        book[2] += blocked

    @property
    def times(self) -> Times:
        """What was added."""
        return Times(Spent(*self._workers), Spent(*self._ends))


class _Second:
    __slots__ = ("number", "records", "rejected", "sketch", "time")

    def __init__(self, number: int) -> None:
        self.number = number
        self.records = self.rejected = 0
        self.time = TimeBook()
        self.sketch = Sketch()


class RecentFold:
    """Books by the time at which things happened, and tells of the last ten whole seconds; of the first
    second of a run as far as it has come. What is older when it comes in is in no book.

    What is told changes once a second, and is worked out no more often.
    """

    def __init__(self, start: float) -> None:
        self._start = start
        # One more than is told of: the second under way.
        self._seconds: list[_Second | None] = [None] * (RECENT_S + 1)
        self._current = 0
        self._newest: _Second | None = None
        """The one that was booked to last."""
        self._known: tuple[float, Recent | None, Times] | None = None

    def add(
        self, at: float, records: int, rejected: int, latency_s: float, weight: int, bin: int | None = None
    ) -> None:
        """``records`` more, ``rejected`` of them; ``latency_s`` is the time of ``weight`` of them. ``bin`` is
        the time's in a sketch, where it is known."""
        second = self._at(at)
        if second is not None:
            second.records += records
            second.rejected += rejected
            second.sketch.add(latency_s, weight, bin)

    def spend(self, at: float, busy: float, idle: float, blocked: float, *, ends: bool) -> None:
        """Time of workers, or of those at the ends."""
        second = self._at(at)
        if second is not None:
            second.time.add(busy, idle, blocked, ends=ends)

    def times(self, now: float) -> Times:
        """How the time was spent."""
        return self._told(now)[1]

    def measure(self, now: float) -> Recent | None:
        """All of it together; None while there is no time to speak of."""
        return self._told(now)[0]

    def _told(self, now: float) -> tuple[Recent | None, Times]:
        self._current = max(self._current, int(now - self._start))
        end = float(self._current) if self._current else now - self._start
        if self._known is None or self._known[0] != end:
            first = max(0, self._current - RECENT_S)
            last = max(0, self._current - 1)
            held = [second for second in self._seconds if second and first <= second.number <= last]
            times = _sum(second.time.times for second in held)
            self._known = end, _recent(end - first, held, times), times
        return self._known[1:]

    def _at(self, at: float) -> _Second | None:
        number = int(at - self._start)
        newest = self._newest
        if newest is not None and number == newest.number == self._current and number:
            return newest
        if number >= self._current:
            self._current = number
            if not number:
                self._known = None
        else:
            number = max(0, number)
            if number < self._current - RECENT_S:
                return None
            self._known = None
        place = number % (RECENT_S + 1)
        second = self._seconds[place]
        if second is None or second.number != number:
            second = self._seconds[place] = _Second(number)
        self._newest = second
        return second


def _sum(parts: Iterable[Times]) -> Times:
    book = TimeBook()
    for workers, ends in parts:
        book.add(*workers, ends=False)
        book.add(*ends, ends=True)
    return book.times


def _recent(window: float, held: list[_Second], times: Times) -> Recent | None:
    if window < RESOLUTION_S:
        return None
    sketch = Sketch()
    for second in held:
        sketch.merge(second.sketch)
    busy, idle, blocked = times.shares
    return Recent(
        window_s=window,
        records=sum(second.records for second in held),
        rejected=sum(second.rejected for second in held),
        latency=sketch.latency(),
        busy=busy,
        idle=idle,
        blocked=blocked,
    )
