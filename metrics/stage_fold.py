"""What the events tell about one stage."""

from __future__ import annotations

from metrics.recent import RecentFold, TimeBook, Times
from metrics.sketch import Sketch, bin_of
from metrics.window import Levels, Window
from pipeline.events import QueueSampled, StageInfo, StageWorked


class StageFold:
    """Counts, times and the latency of one stage, folded from its events."""

    def __init__(self, info: StageInfo, started_at: float) -> None:
        self.info = info
        self.taken = self.given = self.filtered = self.rejected = self.created = self.held = self.shared = 0
        self._time = TimeBook()
        self.latency = Sketch()
        self.rate = Window(started_at)
        self.recent = RecentFold(started_at)
        self.queue_peak = 0
        self.queue_fill = Levels(started_at)

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
        self.shared += event.shared
        self.held += event.held
        at_the_end = event.worker < 0
        self._time.add(event.busy_s, event.idle_s, event.blocked_s, ends=at_the_end)
        self.recent.spend(event.at, event.busy_s, event.idle_s, event.blocked_s, ends=at_the_end)
        if event.taken or event.rejected:
            bin = bin_of(event.busy_s)
            self.latency.add(event.busy_s, event.taken, bin)
            self.rate.add(event.at, event.taken)
            self.recent.add(event.at, event.taken, event.rejected, event.busy_s, event.taken, bin)

    def sampled(self, event: QueueSampled) -> None:
        """How full its queue was."""
        self.queue_peak = max(self.queue_peak, event.records)

    @property
    def times(self) -> Times:
        """How the time was spent, over the run."""
        return self._time.times

    @property
    def unaccounted(self) -> int:
        """Records taken, or made here, that the stage's own events put in no place; 0 in a sound run."""
        out = self.given + self.filtered + self.rejected + self.held
        return self.taken + self.created - out
