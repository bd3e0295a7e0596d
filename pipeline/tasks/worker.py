"""A worker of a group of stages: takes a batch, works it through, passes it on."""

from __future__ import annotations

import threading

from pipeline.batch import Batch
from pipeline.clock import Clock
from pipeline.control import Unit
from pipeline.events import EventBus, QueueSampled
from pipeline.ledger import Ledger
from pipeline.outlet import Outlet
from pipeline.queue import BatchQueue
from pipeline.stopwatch import Stopwatch
from pipeline.tasks.base import REPORT_S, Step, Task
from pipeline.tasks.work import Tally, Teller, Work


class Group:
    """What the workers of one group share."""

    def __init__(self, inlet: BatchQueue, outlet: Outlet, ledger: Ledger) -> None:
        self.inlet = inlet
        self.outlet = outlet
        self.ledger = ledger
        self._lock = threading.Lock()
        self._carrying = 0
        self._flushed = False
        self._closed = False

    def may_flush(self) -> bool:
        """True for the one worker that is to flush what the stages hold, once everything is through."""
        with self._lock:
            if self._flushed or not self.inlet.finished or not self.outlet.empty:
                return False
            self._flushed = True
            return True

    def over(self) -> bool:
        """Whether all is flushed and passed on; the first to ask then closes the way out."""
        with self._lock:
            if not self._flushed or self._carrying or not self.inlet.finished or not self.outlet.empty:
                return False
            if not self._closed:
                self._closed = True
                self.outlet.close()
            return True

    def carries(self, workers: int) -> None:
        """So many more (or fewer) of the workers have batches to put in beside those that they make."""
        with self._lock:
            self._carrying += workers


class Worker(Task):
    """One thread's worth of a group."""

    def __init__(
        self, group: Group, work: Work, number: int, teller: Teller, clock: Clock, bus: EventBus
    ) -> None:
        self._group = group
        self.work = work
        """What it does to a batch; another may be put in its place between two steps."""
        self._carried: list[Batch] | None = None
        self.number = number
        self.teller = teller
        self._clock = clock
        self._bus = bus
        self.watch = Stopwatch(clock)
        self._reported_at = clock.monotonic()
        self._first = work.stages[0]
        self.name = f"{self._first} {number}"

    @property
    def stage(self) -> str:  # type: ignore[override]
        """The stage that is at work."""
        return self.work.at

    def exchange(self, work: Work, leaving: Work | None) -> None:
        """Between two steps: go on with another work. What ``leaving``, a part of the one before, still holds
        goes on with what is made next."""
        if leaving is not None:
            if self._carried is None:
                # Told first, so that no other worker closes the way out meanwhile.
                self._group.carries(1)
                self._carried = []
            self.watch.start()
            self._carried += leaving.flush(self.number, self.watch)
        self.work = work

    @property
    def stages(self) -> tuple[str, ...]:
        return self.work.stages

    def begin(self) -> None:
        self.work.open()

    def finish(self) -> None:
        self.work.close()

    def step(self, unit: Unit) -> Step:
        if self._changes:
            self.make_changes()
        self.watch.start()
        outlet = self._group.outlet
        if not outlet.pump():
            self.watch.waits("blocked")
            return Step.BLOCKED
        taken = self._group.inlet.take(1 if unit == "record" else None)
        if taken is None:
            return self._end_or_idle()
        ticket, batch = taken
        self._sample(batch)
        self._group.ledger.take(self._first, batch.partition, batch.number, batch.ids)
        self.in_hand = len(batch)
        made = self.work.run(batch, self.number, self.watch)
        self._reported_at = self.watch.start()
        outlet.offer(ticket, made if self._carried is None else [*self._carried, *made])
        self._put_down()
        self.in_hand = 0
        outlet.pump()
        return Step.WORKED

    def wait(self, step: Step, timeout: float) -> None:
        if step is Step.BLOCKED:
            self._group.outlet.wait(timeout)
        elif self._group.inlet.finished:
            # Another worker has the last batches in hand.
            self._group.outlet.wait(min(timeout, 0.01))
        else:
            self._group.inlet.wait_for_batch(timeout)

    def ready(self) -> bool:
        if self.done:
            return False
        group = self._group
        return group.outlet.may_move() or group.inlet.batches > 0 or group.inlet.finished

    def wake(self) -> None:
        self._group.inlet.wake()
        self._group.outlet.wake()

    def report(self) -> None:
        now = self.watch.start()
        if now - self._reported_at >= REPORT_S:
            self._reported_at = now
            stages = self.work.stages
            self.teller.worked(now, stages, [Tally() for _ in stages], None, self.number, self.watch)

    def _end_or_idle(self) -> Step:
        if self._carried is not None and self._group.inlet.finished:
            self._group.outlet.append(self._carried)
            self._put_down()
            self._group.outlet.pump()
            return Step.WORKED
        if self._group.may_flush():
            made = self.work.flush(self.number, self.watch)
            self.watch.start()
            self._group.outlet.append(made)
            self._group.outlet.pump()
            return Step.WORKED
        if self._group.over():
            self.done = True
            self.watch.start()
            stages = self.work.stages
            now = self._clock.monotonic()
            self.teller.worked(now, stages, [Tally() for _ in stages], None, self.number, self.watch)
            return Step.DONE
        self.watch.waits("idle")
        return Step.IDLE

    def _put_down(self) -> None:
        if self._carried is not None:
            self._carried = None
            self._group.carries(-1)

    def _sample(self, batch: Batch) -> None:
        inlet = self._group.inlet
        self._bus.emit(
            QueueSampled(
                at=self._clock.monotonic(),
                stage=self._first,
                records=inlet.records + len(batch),
                batches=inlet.batches + 1,
                size=inlet.size + batch.size,
                capacity=inlet.capacity_records,
            )
        )
