"""The last ten seconds of a stage or of the run: counts, times and latencies, a book for each second."""

from __future__ import annotations

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

    def plus(self, other: Spent) -> Spent:
        """Both together."""
        return Spent(self.busy + other.busy, self.idle + other.idle, self.blocked + other.blocked)

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


class _Second:
    __slots__ = ("ends", "number", "records", "rejected", "sketch", "workers")

    def __init__(self, number: int) -> None:
        self.number = number
        self.records = self.rejected = 0
        self.workers = self.ends = Spent()
        self.sketch = Sketch()


class RecentFold:
    """Books by the time at which things happened. It holds the current second and the nine before it; what
    is older when it comes in is in no book."""

    def __init__(self, start: float) -> None:
        self._start = start
        self._seconds: list[_Second | None] = [None] * RECENT_S
        self._latest = start

    def add(self, at: float, records: int, rejected: int, latency_s: float, weight: int) -> None:
        """``records`` more, ``rejected`` of them; ``latency_s`` is the time of ``weight`` of them."""
        second = self._at(at)
        if second is not None:
            second.records += records
            second.rejected += rejected
            second.sketch.add(latency_s, weight)

    def spend(self, at: float, spent: Spent, *, ends: bool) -> None:
        """Time of workers, or of those at the ends."""
        second = self._at(at)
        if second is None:
            return
        if ends:
            second.ends = second.ends.plus(spent)
        else:
            second.workers = second.workers.plus(spent)

    def times(self, now: float) -> Times:
        """How the time was spent."""
        workers = ends = Spent()
        for second in self._held(now):
            workers, ends = workers.plus(second.workers), ends.plus(second.ends)
        return Times(workers, ends)

    def measure(self, now: float) -> Recent | None:
        """All of it together, up to now; None while there is no time to speak of."""
        held = self._held(now)
        first = max(0, int(self._latest - self._start) - RECENT_S + 1)
        window = self._latest - self._start - first
        if window < RESOLUTION_S:
            return None
        sketch = Sketch()
        for second in held:
            sketch.merge(second.sketch)
        busy, idle, blocked = self.times(now).shares
        return Recent(
            window_s=window,
            records=sum(second.records for second in held),
            rejected=sum(second.rejected for second in held),
            latency=sketch.latency(),
            busy=busy,
            idle=idle,
            blocked=blocked,
        )

    def _held(self, now: float) -> list[_Second]:
        self._latest = max(self._latest, now)
        first = int(self._latest - self._start) - RECENT_S + 1
        return [second for second in self._seconds if second is not None and second.number >= first]

    def _at(self, at: float) -> _Second | None:
        self._latest = max(self._latest, at)
        number = max(0, int(at - self._start))
        if number <= int(self._latest - self._start) - RECENT_S:
            return None
        second = self._seconds[number % RECENT_S]
        if second is None or second.number != number:
            second = self._seconds[number % RECENT_S] = _Second(number)
        return second
