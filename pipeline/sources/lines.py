"""Bytes into lines: the reader's hot path does nothing but find the last line end of each block."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from typing import NamedTuple

from pipeline.batch import Chunk, Decode, Rejection
from pipeline.errors import InputError
from pipeline.ids import NO_IDS, Id, Ids
from pipeline.sources.compression import Blocks, BrokenStreamError

KEPT = 64 << 10
"""Bytes kept of a record that is too long to be held."""


class Body(NamedTuple):
    """Whole lines, joined by line ends, none at the end. ``data`` is empty for one empty line."""

    data: bytes
    position: int


class Unfit(NamedTuple):
    """What is left of a record that could not be cut out, and why; ``torn``: the input ends in it."""

    original: bytes
    reason: str
    position: int
    torn: bool = False


class Pause(NamedTuple):
    """There is nothing more yet: the input grows."""

    position: int


def cut(blocks: Blocks, limit: int, where: str) -> Iterator[Body | Unfit | Pause]:
    """The blocks as whole lines. A line longer than ``limit`` bytes is passed over, not held.

    An empty block comes out as a :class:`Pause`; a line that has begun by then is held until it ends.

    Where the stream breaks, the record that it tears apart comes out as the last :class:`Unfit`, then
    the :class:`BrokenStreamError` goes on.
    """
    parts: list[bytes] = []  # the line that has begun and not ended yet; only its head once it is too long
    held = position = 0
    too_long = False
    try:
        for data, position in blocks:
            if not data:
                yield Pause(position)
                continue
            end = data.rfind(b"\n")
            if end < 0:
                held += len(data)
                parts.append(data)
                if held > limit:
                    too_long = True
                    parts = [b"".join(parts)[:KEPT]]
                continue
            begin = 0
            if too_long:
                begin = data.find(b"\n") + 1
                head = (parts[0] + data[: begin - 1])[:KEPT]
                yield Unfit(head, too_long_reason(held + begin - 1, limit, where), position)
                too_long = False
                parts = []
            if begin <= end:
                yield Body(b"".join((*parts, memoryview(data)[begin:end])), position)
            rest = data[end + 1 :]
            parts = [rest] if rest else []
            held = len(rest)
    except BrokenStreamError as exc:
        if held:
            yield Unfit(b"".join(parts), f"the input ends inside this record: {exc}", position, torn=True)
        raise
    if too_long:
        yield Unfit(parts[0], too_long_reason(held, limit, where), position)
    elif held:
        yield Body(b"".join(parts), position)


# Twice as fast as looking for both kinds with `in`.
_BLANK = re.compile(rb"\n\r?\n").search


def too_long_reason(size: int, limit: int, where: str) -> str:
    return (
        f"the record has {size:,} bytes, more than max_record_bytes={limit:,} ({where}); the first "
        f"{min(size, KEPT):,} are kept"
    )


def has_blank(body: bytes) -> bool:
    """Whether a line of a body is empty (of either kind of line end)."""
    return (
        _BLANK(body) is not None
        or body[:1] in (b"", b"\n")
        or body[-1:] == b"\n"
        or body.startswith(b"\r\n")
        or body.endswith(b"\n\r")
        or body == b"\r"
    )


def chunk_of(
    offsets: list[int], raws: list[bytes], rejected: list[Rejection], decode: Decode, position: int
) -> Chunk:
    """A chunk out of single records and the ones that could not be cut out."""
    size = sum(map(len, raws)) + sum(len(rejection.original) for rejection in rejected)
    return Chunk(Ids.of(offsets) if offsets else NO_IDS, raws, size, decode, position, rejected)


def nothing_yet(position: int) -> Chunk:
    """What a source that grows gives while there is nothing to give."""
    return Chunk(NO_IDS, [], 0, iter, position)


def rejection(offset: int, reason: str, original: bytes) -> Rejection:
    """The dead letter of a record that could not be cut out; only a part of it may be known."""
    return Rejection(Id(offset), "ingestion", reason, original, whole=False)


def line_chunks(blocks: Blocks, start: int, limit: int, decode: Decode, where: str) -> Iterator[Chunk]:
    """A record a line from line ``start`` on (0 is the first); empty lines are counted, but are no records.

    Raises :class:`InputError` where the stream breaks, after all that came before.
    """
    number = 0  # of the next line
    records = 0
    try:
        with closing(blocks):
            for piece in cut(blocks, limit, where):
                if isinstance(piece, Pause):
                    yield nothing_yet(piece.position)
                    continue
                if isinstance(piece, Unfit):
                    if number >= start:
                        bad = rejection(number, piece.reason, piece.original)
                        yield chunk_of([], [], [bad], decode, piece.position)
                    number += 1
                    continue
                # One split serves to count, to look for empty lines, and to hand over.
                lines = piece.data.split(b"\n")
                first, number = number, number + len(lines)
                if number <= start:
                    continue
                if first < start:
                    del lines[: start - first]
                    first = start
                size = len(piece.data)
                if size > limit or has_blank_line(lines, piece.data):
                    chunk = _single_lines(lines, piece.position, first, limit, decode, where)
                else:
                    chunk = Chunk(Ids.span(first, number), lines, size, decode, piece.position)
                records += len(chunk.ids) + len(chunk.rejected)
                if chunk.ids or chunk.rejected:
                    yield chunk
    except BrokenStreamError as exc:
        raise broken(where, records, start, exc) from exc


def broken(where: str, records: int, start: int, exc: BrokenStreamError) -> InputError:
    since = f" from offset {start:,} on" if start else ""
    return InputError(
        f"{where}: {exc}. {records:,} whole records were read{since} before it and are kept. Get a whole "
        f"copy of the file and run again"
    )


def has_blank_line(lines: list[bytes], body: bytes) -> bool:
    """Whether one of the lines of a body is empty (of either kind of line end)."""
    return not all(lines) or (b"\r" in body and b"\r" in lines)


def _single_lines(
    lines: list[bytes], position: int, first: int, limit: int, decode: Decode, where: str
) -> Chunk:
    offsets: list[int] = []
    raws: list[bytes] = []
    rejected: list[Rejection] = []
    for offset, line in enumerate(lines, first):
        if len(line) > limit:
            rejected.append(rejection(offset, too_long_reason(len(line), limit, where), line[:KEPT]))
        elif line and line != b"\r":
            offsets.append(offset)
            raws.append(line)
    return chunk_of(offsets, raws, rejected, decode, position)
