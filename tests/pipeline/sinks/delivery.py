"""What the engine does with a sink, in its shortest form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.ids import NO_IDS, Id, Ids
from pipeline.sinks import RefusedRecords, Sink


@dataclass
class Delivery:
    """What became of the records."""

    written: list[Id] = field(default_factory=list)
    rejected: dict[int, str] = field(default_factory=dict)

    @property
    def offsets(self) -> list[int]:
        return [id.offset for id in self.written]


def run(sink: Sink, batches: Sequence[Sequence[Any]], slice_size: int = 3) -> Delivery:
    """A whole run: the batches' values get offsets 0, 1, 2 and so on."""
    delivery = Delivery()
    sink.check()
    sink.open()
    try:
        start = 0
        for batch in batches:
            ids = Ids.span(start, start + len(batch))
            deliver(sink, ids, list(batch), delivery, slice_size)
            start += len(batch)
    finally:
        sink.close()
    return delivery


def deliver(sink: Sink, ids: Ids, values: list[Any], delivery: Delivery, slice_size: int = 3) -> None:
    """One batch: what ``encode`` or ``write`` cannot take is rejected, the rest written."""
    bad = [] if sink.encode is None else _unencodable(sink, ids, values, delivery)
    while True:
        ids = ids.without(bad)
        values = [value for position, value in enumerate(values) if position not in set(bad)]
        if ids == NO_IDS:
            return
        payloads = values
        if sink.encode is not None:
            slices = range(0, len(values), slice_size)
            payloads = [sink.encode(values[at : at + slice_size]) for at in slices]
        try:
            delivery.written.extend(sink.write(ids, payloads))
            return
        except RefusedRecords as refusal:
            bad = sorted(refusal.positions)
            assert bad, "a refusal must name a record"
            assert 0 <= bad[0] <= bad[-1] < len(ids)
            delivery.rejected.update({ids[at].offset: refusal.positions[at] for at in bad})


def _unencodable(sink: Sink, ids: Ids, values: list[Any], delivery: Delivery) -> list[int]:
    assert sink.encode is not None
    bad = []
    for position, value in enumerate(values):
        try:
            sink.encode([value])
        except Exception as error:  # noqa: BLE001 - the engine, too, takes any
            bad.append(position)
            delivery.rejected[ids[position].offset] = str(error)
    return bad
