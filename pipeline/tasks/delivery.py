"""Gives a batch to the sink, and finds out what became of each record."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pipeline.batch import Batch, Rejection
from pipeline.errors import PipelineError, SinkError
from pipeline.failpoints import passing
from pipeline.ids import Id, Ids
from pipeline.operators.base import FATAL, Bad, describe, rejections
from pipeline.sinks.base import RefusedRecords, Sink
from pipeline.tasks.encoder import Encoder


@dataclass(frozen=True, slots=True)
class Delivered:
    """A batch that the sink has: the ids it was given, those it says it wrote, and what it refused."""

    batch: Batch
    given: Ids
    written: Iterable[Id]
    refused: list[Rejection]

    @property
    def rows(self) -> int:
        """How many of the ids given the sink says it wrote."""
        return self.given.size if self.written is self.given else len({*self.given} & {*self.written})

    @property
    def letters(self) -> list[Rejection]:
        """Every record of the batch that goes to the dead letters, from whatever stage."""
        return [*self.batch.rejected, *self.refused]


class Delivery:
    """Writes batches; a record that the sink refuses is rejected alone."""

    def __init__(self, stage: str, sink: Sink, encoder: Encoder | None) -> None:
        self._stage = stage
        self.sink = sink
        self._encoder = encoder

    def to(self, sink: Sink) -> Delivery:
        """The same to another sink, which takes the same payloads."""
        return Delivery(self._stage, sink, self._encoder)

    def deliver(self, batch: Batch) -> Delivered:
        """Raises SinkError where the sink fails."""
        refused = dict(batch.refused)
        # A batch that was split when it was encoded already has only its values.
        payloads = batch.payloads if batch.payloads is not None else self._payloads(batch, refused)
        ids = batch.ids.without(sorted(refused))
        while ids:
            try:
                passing("before_write")
                written = self.sink.write(ids, payloads)
            except RefusedRecords as refusal:
                self._check_refusal(ids, refusal)
                refused.update(self._refused(batch, refused, refusal))
                ids = batch.ids.without(sorted(refused))
                payloads = self._payloads(batch, refused)
                continue
            except FATAL:
                raise
            except PipelineError:
                raise
            except Exception as error:
                raise SinkError(f"sink {self.sink.name!r} failed: {describe(error)[0]}") from error
            return Delivered(batch, ids, self._receipt(ids, written), list(refused.values()))
        return Delivered(batch, ids, ids, list(refused.values()))

    def _refused(
        self, batch: Batch, before: dict[int, Rejection], refusal: RefusedRecords
    ) -> dict[int, Rejection]:
        """The sink counts positions among what it was given this time."""
        positions = [at for at in range(batch.ids.size) if at not in before]
        bad = [Bad(positions[at], reason) for at, reason in sorted(refusal.positions.items())]
        letters = rejections(self._stage, batch.ids, self._values(batch), bad, batch.originals)
        return dict(zip((item.position for item in bad), letters, strict=True))

    def _check_refusal(self, ids: Ids, refusal: RefusedRecords) -> None:
        """A refusal of nothing would be repeated for ever."""
        positions = refusal.positions
        if not positions or not all(0 <= position < ids.size for position in positions):
            raise SinkError(
                f"sink {self.sink.name!r}: write() refused the positions {sorted(positions)} of a batch of "
                f"{ids.size}; name at least one, from 0 to {ids.size - 1}"
            ) from refusal

    def _receipt(self, ids: Ids, written: object) -> Iterable[Id]:
        if written is ids:
            return ids
        if isinstance(written, Iterable):
            receipt = list(written)
            if all(isinstance(id, Id) for id in receipt):
                return receipt
        raise SinkError(
            f"sink {self.sink.name!r}: write() returned {written!r:.80}; return the ids that were written "
            "(`return ids` where each was written once)"
        )

    def _values(self, batch: Batch) -> list[Any]:
        return batch.values if isinstance(batch.values, list) else batch.values.split(b"\n")

    def _payloads(self, batch: Batch, refused: dict[int, Rejection]) -> list[Any]:
        values = self._values(batch)
        rest = [value for at, value in enumerate(values) if at not in refused] if refused else values
        if self._encoder is None:
            return rest
        return self._encoder.payload(rest)[0]
