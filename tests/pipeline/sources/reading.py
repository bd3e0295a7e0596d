"""Reads sources as the engine does, and keeps what came out, by offset."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import zstandard

from pipeline.batch import Chunk, Rejection
from pipeline.errors import InputError
from pipeline.schema import explain
from pipeline.sources.base import Source
from pipeline.sources.compression import Block, Blocks


@dataclass
class Seen:
    """What a partition gave: values, and reasons of rejections, by offset; the error it ended with."""

    values: dict[int, Any] = field(default_factory=dict)
    reasons: dict[int, str] = field(default_factory=dict)
    rejections: dict[int, Rejection] = field(default_factory=dict)
    positions: list[int] = field(default_factory=list)
    chunks: int = 0
    error: InputError | None = None

    @property
    def offsets(self) -> list[int]:
        return sorted([*self.values, *self.reasons])


def drain(chunks: Iterable[Chunk]) -> Seen:
    """Read to the end, and check on the way what every source promises."""
    seen = Seen()
    last = -1
    try:
        for chunk in chunks:
            seen.chunks += 1
            if chunk.position is not None:
                seen.positions.append(chunk.position)
            offsets = list(chunk.ids.offsets())
            raws = chunk.raw.split(b"\n") if isinstance(chunk.raw, bytes) else chunk.raw
            assert len(raws) == len(offsets), "as many ids as raw records"
            assert offsets or chunk.rejected, "a chunk holds something"
            _decode(chunk, offsets, raws, seen)
            for rejection in chunk.rejected:
                assert rejection.id.offset not in seen.reasons
                seen.reasons[rejection.id.offset] = rejection.reason
                seen.rejections[rejection.id.offset] = rejection
            both = sorted(offsets + [rejection.id.offset for rejection in chunk.rejected])
            assert offsets == sorted(set(offsets)), "offsets rise within a chunk"
            assert both[0] > last, "offsets rise from chunk to chunk"
            last = both[-1]
    except InputError as exc:
        seen.error = exc
    assert not seen.values.keys() & seen.reasons.keys()
    assert seen.positions == sorted(seen.positions)
    return seen


def read(source: Source, schema: type | None = None, start: int = 0, partition: str | None = None) -> Seen:
    """Check and read one partition (the only one, where none is named)."""
    source.check()
    names = [spec.name for spec in source.partitions()]
    if partition is None:
        assert len(names) == 1
        partition = names[0]
    return drain(source.read(partition, start, schema))


def in_blocks(data: bytes, size: int) -> Blocks:
    """The data in blocks of ``size`` bytes."""
    for begin in range(0, len(data), size):
        yield Block(data[begin : begin + size], min(begin + size, len(data)))


def _decode(chunk: Chunk, offsets: list[int], raws: list[Any], seen: Seen) -> None:
    values: Iterator[Any] = chunk.decode(list(raws))
    for offset, raw in zip(offsets, raws, strict=True):
        try:
            seen.values[offset] = next(values)
        except StopIteration:
            raise AssertionError("fewer values than raw records") from None
        except Exception as exc:  # noqa: BLE001 - any failure is this record's alone
            seen.reasons[offset] = explain(exc, raw)
    assert not list(values), "more values than raw records"


def _zip(data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data", data)
    return out.getvalue()


COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".zst": zstandard.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zip": _zip,
}
