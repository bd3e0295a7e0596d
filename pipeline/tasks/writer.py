"""The output stage: gives batches to the sink, rejected records to the dead letters, and settles both."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pipeline.batch import Batch, Rejection
from pipeline.clock import Clock
from pipeline.control import Unit
from pipeline.dead_letters import DeadLetters
from pipeline.errors import PipelineError, SinkError
from pipeline.events import BatchCommitted, EventBus, QueueSampled, StageWorked
from pipeline.ids import NO_IDS, Id, Ids
from pipeline.ledger import Ledger
from pipeline.operators.base import FATAL, Bad, describe, rejections
from pipeline.queue import BatchQueue
from pipeline.sinks.base import RefusedRecords, Sink
from pipeline.stopwatch import Stopwatch
from pipeline.tasks.base import REPORT_S, Step, Task
from pipeline.tasks.encoder import Encoder
from pipeline.tasks.rejections import tell_rejected


class Writer(Task):
    """The one task that touches the sink."""

    def __init__(
        self,
        stage: str,
        sink: Sink,
        encoder: Encoder | None,
        dead_letters: DeadLetters,
        *,
        inlet: BatchQueue,
        ledger: Ledger,
        bus: EventBus,
        clock: Clock,
    ) -> None:
        self.name = stage
        self.stage = stage
        self._sink = sink
        self._encoder = encoder
        self._dead_letters = dead_letters
        self._inlet = inlet
        self._ledger = ledger
        self._bus = bus
        self._clock = clock
        self._watch = Stopwatch(clock)
        self._reported_at = clock.monotonic()

    def begin(self) -> None:
        self._dead_letters.open()
        self._sink.open()

    def finish(self) -> None:
        try:
            self._sink.close()
        finally:
            self._dead_letters.close()

    def step(self, unit: Unit) -> Step:
        self._watch.start()
        encoded = self._encoder is not None
        taken = self._inlet.take(1 if unit == "record" and not encoded else None)
        if taken is None:
            if self._inlet.finished:
                self.done = True
                self._tell(NO_IDS, 0, 0)
                return Step.DONE
            self._watch.waits("idle")
            return Step.IDLE
        _, batch = taken
        self._sample(batch)
        self._ledger.take(self.stage, batch.partition, batch.number, batch.ids)
        self._commit(batch)
        return Step.WORKED

    def wait(self, step: Step, timeout: float) -> None:  # noqa: ARG002 - it only ever waits for a batch
        self._inlet.wait_for_batch(timeout)

    def ready(self) -> bool:
        return not self.done and (self._inlet.batches > 0 or self._inlet.finished)

    def wake(self) -> None:
        self._inlet.wake()

    def report(self) -> None:
        now = self._watch.start()
        if now - self._reported_at >= REPORT_S:
            self._tell(NO_IDS, 0, 0)

    def _commit(self, batch: Batch) -> None:
        ids, written, refused = self._write(batch)
        letters = [*batch.rejected, *refused]
        if letters:
            self._dead_letters.write(batch.partition, letters)
        settled = self._ledger.commit(
            batch.partition, ids, written, batch.filtered, [letter.id for letter in letters]
        )
        now = self._clock.monotonic()
        given = ids.size - settled.unwritten
        tell_rejected(self._bus, now, batch.partition, refused)
        self._bus.emit(
            BatchCommitted(
                at=now,
                partition=batch.partition,
                number=batch.number,
                delivered=settled.delivered,
                filtered=settled.filtered,
                rejected=settled.rejected,
                rows=given,
                latency_s=max(0.0, now - batch.read_at),
            )
        )
        self._tell(batch.ids, given, len(refused))

    def _write(self, batch: Batch) -> tuple[Ids, Iterable[Id], list[Rejection]]:
        """The ids given to the sink, those it says it wrote, and the records that it refused."""
        refused = dict(batch.refused)
        payloads = batch.payloads if batch.payloads is not None else batch.values
        ids = batch.ids.without(sorted(refused))
        while ids:
            try:
                written = self._sink.write(ids, payloads)  # type: ignore[arg-type]
            except RefusedRecords as refusal:
                positions = [at for at in range(batch.ids.size) if at not in refused]
                bad = [Bad(positions[at], reason) for at, reason in sorted(refusal.positions.items())]
                letters = rejections(self.stage, batch.ids, self._values(batch), bad, batch.originals)
                refused.update(zip((item.position for item in bad), letters, strict=True))
                ids = batch.ids.without(sorted(refused))
                payloads = self._payloads(batch, refused)
                continue
            except FATAL:
                raise
            except PipelineError:
                raise
            except Exception as error:
                raise SinkError(f"sink {self._sink.name!r} failed: {describe(error)[0]}") from error
            return ids, self._receipt(ids, written), list(refused.values())
        return ids, ids, list(refused.values())

    def _receipt(self, ids: Ids, written: object) -> Iterable[Id]:
        if written is ids:
            return ids
        if isinstance(written, Iterable):
            receipt = list(written)
            if all(isinstance(id, Id) for id in receipt):
                return receipt
        raise SinkError(
            f"sink {self._sink.name!r}: write() returned {written!r:.80}; return the ids that were written "
            "(`return ids` where each was written once)"
        )

    def _values(self, batch: Batch) -> list[Any]:
        return batch.values if isinstance(batch.values, list) else batch.values.split(b"\n")

    def _payloads(self, batch: Batch, refused: dict[int, Rejection]) -> list[Any]:
        rest = [value for at, value in enumerate(self._values(batch)) if at not in refused]
        if self._encoder is None:
            return rest
        return self._encoder.payload(rest)[0]

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
