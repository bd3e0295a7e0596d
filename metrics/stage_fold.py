"""What the events tell about one stage."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from metrics.sketch import Sketch
from metrics.window import Window
from pipeline.events import QueueSampled, StageInfo, StageWorked

RECENT_S = 10


class Spent(NamedTuple):
    """Seconds of the workers' time."""

    busy: float = 0.0
    idle: float = 0.0
    blocked: float = 0.0

    def plus(self, other: Spent) -> Spent:
        """Both together."""
        return Spent(self.busy + other.busy, self.idle + other.idle, self.blocked + other.blocked)

    def minus(self, other: Spent) -> Spent:
        """What was spent since ``other``."""
        return Spent(self.busy - other.busy, self.idle - other.idle, self.blocked - other.blocked)

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


class StageFold:
    """Counts, times and the latency of one stage, folded from its events."""

    def __init__(self, info: StageInfo, started_at: float) -> None:
        self.info = info
        self.taken = self.given = self.filtered = self.rejected = self.created = self.held = 0
        self.times = Times()
        self.latency = Sketch()
        self.rate = Window(started_at)
        self.queue_peak = 0
        self._marks: deque[Times] = deque([self.times], maxlen=RECENT_S + 1)
        self._marked_at = started_at

    def worked(self, event: StageWorked) -> None:
        """A batch more, or time without one.

        Each record of a batch has waited for the whole batch, so that the batch's busy time is the
        latency of every record in it.
        """
        self.taken += event.taken
        self.given += event.given
        self.filtered += event.filtered
        self.rejected += event.rejected
        self.created += event.created
        self.held += event.held
        spent = Spent(event.busy_s, event.idle_s, event.blocked_s)
        workers, ends = self.times
        self.times = (
            Times(workers, ends.plus(spent)) if event.worker < 0 else Times(workers.plus(spent), ends)
        )
        self.latency.add(event.busy_s, event.taken)
        self.rate.add(event.at, event.taken)

    def sampled(self, event: QueueSampled) -> None:
        """How full its queue was."""
        self.queue_peak = max(self.queue_peak, event.records)

    def mark(self, now: float) -> None:
        """Remember, once a second, how the time was spent up to now."""
        if now - self._marked_at >= 1.0:
            self._marks.append(self.times)
            self._marked_at = now

    @property
    def recently(self) -> Times:
        """How the time was spent in the last ten seconds or so."""
        then = self._marks[0]
        return Times(self.times.workers.minus(then.workers), self.times.ends.minus(then.ends))

    @property
    def unaccounted(self) -> int:
        """Records taken, or made here, that the stage's own events put in no place; 0 in a sound run."""
        out = self.given + self.filtered + self.rejected + self.held
        return self.taken + self.created - out
