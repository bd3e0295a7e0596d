"""Works one behind the other in one worker: what comes out of one goes into the next."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.batch import Batch
from pipeline.clock import Clock
from pipeline.stopwatch import Stopwatch
from pipeline.tasks.work import Work


class PipedWork:
    """A work made of several, each with a watch of its own: each stage's times add up to the worker's."""

    def __init__(self, works: Sequence[Work], clock: Clock) -> None:
        self.works = tuple(works)
        self.clock = clock
        self.stages = tuple(dict.fromkeys(stage for work in works for stage in work.stages))
        self._watches = [Stopwatch(clock) for _ in works]
        self._now: Work = works[0]

    @property
    def at(self) -> str:
        """The stage that is at work."""
        return self._now.at

    def open(self) -> None:
        for work in self.works:
            work.open()

    def close(self) -> None:
        for work in self.works:
            work.close()

    def run(self, batch: Batch, worker: int, watch: Stopwatch) -> list[Batch]:
        self._begin(watch)
        made = self._through([batch], 0, worker)
        self._end(watch)
        return made

    def flush(self, worker: int, watch: Stopwatch) -> list[Batch]:
        self._begin(watch)
        made: list[Batch] = []
        for position, (work, own) in enumerate(zip(self.works, self._watches, strict=True)):
            self._now = work
            own.start()
            held = work.flush(worker, own)
            own.waits("blocked")
            made += self._through(held, position + 1, worker)
        self._end(watch)
        return made

    def _through(self, batches: list[Batch], first: int, worker: int) -> list[Batch]:
        for work, own in zip(self.works[first:], self._watches[first:], strict=True):
            self._now = work
            made: list[Batch] = []
            for batch in batches:
                own.start()
                made += work.run(batch, worker, own)
            own.waits("blocked")
            batches = made
        return batches

    def _begin(self, watch: Stopwatch) -> None:
        idle, blocked = watch.take_waits()
        for own in self._watches:
            own.skip()
            own.waits("idle")
            own.idle += idle
            own.blocked += blocked

    def _end(self, watch: Stopwatch) -> None:
        for own in self._watches:
            own.start()
        self._now = self.works[0]
        watch.lap()
        watch.take_waits()
