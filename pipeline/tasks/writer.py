"""The output stage: takes batches, gives them to the sink, and commits them in groups."""

from __future__ import annotations

from pipeline.batch import Batch
from pipeline.clock import Clock
from pipeline.control import Control, Unit
from pipeline.events import EventBus, QueueSampled, StageWorked
from pipeline.ids import NO_IDS, Ids
from pipeline.ledger import Ledger
from pipeline.queue import BatchQueue
from pipeline.stopwatch import Stopwatch
from pipeline.tap import Tap
from pipeline.tasks.base import REPORT_S, Step, Task
from pipeline.tasks.committer import Committer
from pipeline.tasks.delivery import Delivery
from pipeline.tasks.rejections import tell_rejected


class Writer(Task):
    """The one task that touches the sink."""

    def __init__(
        self,
        stage: str,
        delivery: Delivery,
        committer: Committer,
        *,
        encoded: bool,
        inlet: BatchQueue,
        ledger: Ledger,
        bus: EventBus,
        clock: Clock,
        control: Control,
        tap: Tap,
    ) -> None:
        """``encoded`` tells that batches come encoded."""
        self.name = stage
        self.stage = stage
        self.delivery = delivery
        """How it writes; another may be put in its place between two steps."""
        self._committer = committer
        self._encoded = encoded
        self._inlet = inlet
        self._ledger = ledger
        self._bus = bus
        self._clock = clock
        self._control = control
        self._tap = tap
        self._watch = Stopwatch(clock)
        self._reported_at = clock.monotonic()

    def begin(self) -> None:
        self._committer.open()

    def finish(self) -> None:
        self._committer.close()

    def step(self, unit: Unit) -> Step:
        if self._changes:
            self.make_changes()
        now = self._watch.start()
        taken = self._inlet.take(1 if unit == "record" else None, self.delivery.sink.cut)
        if taken is None:
            return self._commit_or_idle()
        _, batch = taken
        self._sample(batch)
        self._ledger.take(self.stage, batch.partition, batch.number, batch.ids)
        self.in_hand = len(batch)
        if not self._encoded:
            self._tap.at_output(self.stage, batch)
        try:
            self._committer.intend(batch)
            delivered = self.delivery.deliver(batch)
        except BaseException:
            self._committer.abandon()
            raise
        tell_rejected(self._bus, now, batch.partition, delivered.refused)
        if batch.glances:
            self._tap.delivered(delivered, self.delivery.sink.name)
        self._committer.add(delivered)
        # While it is stepped by hand, each step is to be seen through to its end.
        if self._committer.due(at_once=self._control.paused):
            self._committer.commit()
        self.in_hand = 0
        self._tell(batch.ids, delivered.rows, len(delivered.refused))
        return Step.WORKED

    def wait(self, step: Step, timeout: float) -> None:  # noqa: ARG002 - it only ever waits for a batch
        self._inlet.wait_for_batch(min(timeout, self._committer.due_in(timeout)))

    def ready(self) -> bool:
        return not self.done and (self._inlet.batches > 0 or self._inlet.finished)

    def wake(self) -> None:
        self._inlet.wake()

    def _commit_or_idle(self) -> Step:
        finished = self._inlet.finished
        if self._committer.may_commit and (finished or self._committer.due()):
            self._committer.commit()
            self._tell(NO_IDS, 0, 0)
            return Step.WORKED
        if finished:
            self.done = True
            self._tell(NO_IDS, 0, 0)
            return Step.DONE
        self._watch.waits("idle")
        return Step.IDLE

    def report(self) -> None:
        now = self._watch.start()
        if now - self._reported_at >= REPORT_S:
            self._tell(NO_IDS, 0, 0)

    def _tell(self, taken: Ids, given: int, rejected: int) -> None:
        now, busy = self._watch.lap()
        idle, blocked = self._watch.take_waits()
        self._reported_at = now
        self._bus.emit(
            StageWorked(
                at=now,
                stage=self.stage,
                worker=-1,  # the encoding, in other threads, counts from 0
                partition=None,
                number=-1,
                taken=taken.size,
                given=given,
                filtered=0,
                rejected=rejected,
                created=0,
                held=0,
                busy_s=busy,
                idle_s=idle,
                blocked_s=blocked,
            )
        )

    def _sample(self, batch: Batch) -> None:
        self._bus.emit(
            QueueSampled(
                at=self._clock.monotonic(),
                stage=self.stage,
                records=self._inlet.records + len(batch),
                batches=self._inlet.batches + 1,
                size=self._inlet.size + batch.size,
                capacity=self._inlet.capacity_records,
            )
        )
