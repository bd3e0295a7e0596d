"""Cuts a batch into slices."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.batch import Batch
from pipeline.ids import Ids

SLICE_BYTES = 256 << 10
"""A batch is worked through in slices of about this much input, so that few values are alive at one time.
Much smaller ones cost more, each by its own, than the processor's cache gains."""


def slices(batch: Batch, *, whole: bool = False) -> Iterator[tuple[Ids, list[Any]]]:
    """The records of a batch, a few at a time, or as a ``whole``."""
    raw = batch.values
    total = batch.ids.size
    if total == 0:
        return
    if whole:
        yield batch.ids, raw.split(b"\n") if isinstance(raw, bytes) else raw
        return
    if isinstance(raw, bytes):
        yield from _byte_slices(batch.ids, raw)
        return
    step = max(16, total * SLICE_BYTES // max(1, batch.size)) if batch.size else total
    for start in range(0, total, step):
        yield batch.ids.cut(start, start + step), raw[start : start + step]


def _byte_slices(ids: Ids, raw: bytes) -> Iterator[tuple[Ids, list[Any]]]:
    begin = passed = 0
    while passed < ids.size:
        end = raw.rfind(b"\n", begin, begin + SLICE_BYTES)
        if len(raw) - begin <= SLICE_BYTES:
            end = len(raw)
        elif end < 0:
            end = raw.find(b"\n", begin)
            end = len(raw) if end < 0 else end
        lines = raw[begin:end].split(b"\n")
        yield ids.cut(passed, passed + len(lines)), lines
        passed += len(lines)
        begin = end + 1
