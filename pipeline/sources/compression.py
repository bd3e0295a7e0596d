"""The stored bytes of a file as blocks of plain bytes, whatever it is compressed with.

Everything is read with the codecs' own incremental decompressors, never through their file
objects: those throw away what they hold when the data breaks off, and some do not even notice.
"""

from __future__ import annotations

import bz2
import importlib
import lzma
import zipfile
import zlib
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from typing import IO, NamedTuple, Protocol, TypeAlias, cast

from pipeline.errors import ConfigurationError

BLOCK = 256 << 10
"""Bytes of one read: larger ones are no faster, and only take memory."""

_LEAST_STEP = 256
_FIRST_STEP = 16 << 10
_MOST_STEP = 256 << 10

Open = Callable[[], IO[bytes]]


class Block(NamedTuple):
    """Plain bytes, and how many bytes of the stored file have been consumed for them so far."""

    data: bytes
    position: int


Blocks: TypeAlias = Generator[Block, None, None]


class BrokenStreamError(Exception):
    """The bytes end or go wrong before the end of the file; the text says how."""


class _DamagedError(BrokenStreamError):
    """A decompressor refused what was read between the stored bytes ``before`` and ``position``."""

    def __init__(self, name: str, before: int, position: int, cause: Exception) -> None:
        super().__init__(f"the {name} data is damaged near byte {position:,}: {cause}")
        self.before = before


class Decompressor(Protocol):
    def decompress(self, data: bytes, /) -> bytes: ...

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Codec:
    """A way to compress one stream: its name in messages, how its files begin, how to undo it."""

    name: str
    magic: tuple[bytes, ...]
    new: Callable[[], Decompressor] | None


def _zstd() -> Decompressor:
    try:
        zstandard = importlib.import_module("zstandard")
    except ImportError as exc:
        raise ConfigurationError(
            "reading .zst files needs the package zstandard: pip install zstandard"
        ) from exc
    decompressor: Decompressor = zstandard.ZstdDecompressor().decompressobj()
    return decompressor


CODECS = {
    ".gz": Codec("gzip", (b"\x1f\x8b",), lambda: zlib.decompressobj(wbits=31)),
    ".zst": Codec("zstd", (b"\x28\xb5\x2f\xfd", b"\x50\x2a\x4d\x18"), _zstd),
    ".bz2": Codec("bzip2", (b"BZh",), bz2.BZ2Decompressor),
    ".xz": Codec("xz", (b"\xfd7zXZ\x00",), lzma.LZMADecompressor),
    ".zip": Codec("zip", (b"PK\x03\x04", b"PK\x05\x06"), None),
}
"""By the ending of the file's name."""


def blocks(open: Open, codec: Codec | None, size: int = BLOCK) -> Blocks:
    """The plain bytes of a file in order, in blocks of about ``size``.

    Raises :class:`BrokenStreamError` after everything that could still be read.
    """
    if codec is None:
        return _plain(open, size)
    if codec.new is None:
        return _unzipped(open)
    return _decompressed(open, codec, codec.new)


def zip_member(stream: IO[bytes], where: str) -> zipfile.ZipInfo:
    """The one file in a zip archive; a :class:`ConfigurationError` where it cannot be read."""
    try:
        members = [info for info in zipfile.ZipFile(stream).infolist() if not info.is_dir()]
    except zipfile.BadZipFile as exc:
        raise ConfigurationError(f"{where} is not a whole zip archive ({exc}); fetch it again") from exc
    if len(members) != 1:
        names = ", ".join(info.filename for info in members[:3])
        raise ConfigurationError(
            f"{where} holds {len(members)} files{f' ({names}...)' if names else ''}, not one; unpack it first"
        )
    if members[0].flag_bits & 0x1:
        raise ConfigurationError(f"{where} is encrypted; unpack it first")
    return members[0]


def _plain(open: Open, size: int) -> Blocks:
    position = 0
    with _opened(open) as stream:
        while data := _read(stream, size):
            position += len(data)
            yield Block(data, position)


def _opened(open: Open) -> IO[bytes]:
    try:
        return open()
    except Exception as exc:  # drivers of remote files raise errors of their own
        raise BrokenStreamError(f"it cannot be opened any more: {exc}") from exc


def _read(stream: IO[bytes], size: int) -> bytes:
    try:
        return stream.read(size)
    except Exception as exc:  # drivers of remote files raise errors of their own
        raise BrokenStreamError(f"reading failed: {exc}") from exc


def _decompressed(open: Open, codec: Codec, new: Callable[[], Decompressor]) -> Blocks:
    produced = 0
    try:
        with closing(_inflate(open, codec.name, new)) as whole:
            for block in whole:
                produced += len(block.data)
                yield block
        return
    except _DamagedError as exc:
        damaged = exc
    # The call that failed took what it had decoded with it: come back to the same place in small steps.
    with closing(_inflate(open, codec.name, new, one_by_one_from=damaged.before)) as again:
        for block in again:
            fresh = block.data[produced:]
            produced = max(0, produced - len(block.data))
            if fresh:
                yield Block(fresh, block.position)


def _inflate(
    open: Open, name: str, new: Callable[[], Decompressor], one_by_one_from: int | None = None
) -> Blocks:
    """Decompress members that follow one another, with steps that keep the blocks near :data:`BLOCK`."""
    position = 0
    step = _FIRST_STEP
    decompressor: Decompressor | None = None
    with _opened(open) as stream:
        while True:
            if one_by_one_from is not None:
                step = 1 if position >= one_by_one_from else min(step, one_by_one_from - position)
            data = _read(stream, step)
            if not data:
                break
            before, position = position, position + len(data)
            while data:
                if decompressor is None:
                    data = data.lstrip(b"\0")  # padding between members, of tapes and of xz
                    if not data:
                        break
                    decompressor = new()
                try:
                    out = decompressor.decompress(data)
                except Exception as exc:  # each codec has an exception of its own
                    raise _DamagedError(name, before, position, exc) from exc
                data = b""
                if decompressor.eof:
                    data = decompressor.unused_data
                    decompressor = None
                for begin in range(0, len(out), BLOCK):
                    yield Block(out[begin : begin + BLOCK], position)
                if len(out) > 2 * BLOCK:
                    step = max(_LEAST_STEP, step // 8)
                elif len(out) < BLOCK // 4:
                    step = min(_MOST_STEP, step * 2)
    if decompressor is not None:
        raise BrokenStreamError(f"the {name} data ends too early, at byte {position:,}")


def _unzipped(open: Open) -> Blocks:
    member: zipfile.ZipExtFile | None = None
    with _opened(open) as stream:
        info = zip_member(stream, "the archive")
        with zipfile.ZipFile(stream) as archive:
            while True:
                try:
                    member = member or cast("zipfile.ZipExtFile", archive.open(info))
                    data = member.read1(BLOCK)
                except Exception as exc:  # zlib's, zipfile's, EOFError
                    raise BrokenStreamError(f"the zip data is damaged: {exc}") from exc
                if not data:
                    return
                yield Block(data, stream.tell())
