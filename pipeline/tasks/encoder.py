"""Turns values into what the sink writes, in the thread that made them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pipeline.batch import Batch, Originals, Rejection
from pipeline.ids import Ids
from pipeline.operators.base import FATAL, Bad, describe, rejections


class Encoder:
    """Applies a sink's ``encode``; a value that it cannot take is refused alone."""

    def __init__(self, stage: str, encode: Callable[[list[Any]], Any], *, keep_values: bool) -> None:
        self.stage = stage
        self.keep_values = keep_values
        self._encode = encode

    def begin(self) -> Packed:
        """Collects the slices of one batch."""
        return Packed(self)

    def encode(self, batch: Batch) -> None:
        """Encode a whole batch at once."""
        packed = self.begin()
        if batch.ids:
            values = batch.values if isinstance(batch.values, list) else batch.values.split(b"\n")
            packed.add(batch.ids, values, batch.originals)
        packed.seal(batch)

    def payload(self, values: list[Any]) -> tuple[list[Any], list[Bad]]:
        """The payload (none or one) of the values that can be encoded, and the others."""
        try:
            return [self._encode(values)], []
        except FATAL:
            raise
        except Exception:  # noqa: BLE001 - the values at fault are searched for
            good: list[Any] = []
            bad: list[Bad] = []
            for position, value in enumerate(values):
                try:
                    self._encode([value])
                    good.append(value)
                except FATAL:
                    raise
                except Exception as error:  # noqa: BLE001 - the value is at fault
                    bad.append(Bad(position, describe(error)[0]))
            return ([self._encode(good)] if good else []), bad


class Packed:
    """The payloads of one batch, slice by slice."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._payloads: list[Any] = []
        self._refused: dict[int, Rejection] = {}
        self._seen = 0

    def add(self, ids: Ids, values: list[Any], originals: Originals | None) -> None:
        """The next values of the batch."""
        payload, bad = self._encoder.payload(values)
        self._payloads.extend(payload)
        if bad:
            letters = rejections(self._encoder.stage, ids, values, bad, originals)
            for item, letter in zip(bad, letters, strict=True):
                self._refused[self._seen + item.position] = letter
        self._seen += ids.size

    def seal(self, batch: Batch) -> None:
        """Hand the payloads over to the batch; the values themselves are let go of."""
        batch.payloads = self._payloads
        batch.refused = self._refused
        if not self._encoder.keep_values:
            batch.values = []
