"""The form of a recording, in a file and on a socket: readable up to the last whole frame.

A recording is :data:`MAGIC` and then frames::

    length   4 bytes   of the payload
    crc      4 bytes   CRC-32 of kind, time and payload
    kind     1 byte    header, key, next, ending; plus 0x80 where the text in it was escaped
    at       8 bytes   seconds of the run, a float
    payload  length bytes

All numbers are little-endian. Payloads are MessagePack. A snapshot is compressed together with those
before it back to its *key* frame: they are one zstd stream, flushed at each frame, so that a snapshot
takes a few hundred bytes, and reading may begin at any key. Header and ending stand alone.
"""

from __future__ import annotations

import dataclasses
import re
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any, Generic, TypeVar, cast

import msgspec
import zstandard

from metrics.report import RunReport
from metrics.snapshot import Snapshot
from pipeline.errors import ConfigurationError

MAGIC = b"\x93DPMREC\n"
SCHEMA = 1
LEVEL = 3
KEY_EVERY = 50
"""Snapshots from one key frame to the next: to go to any moment, so many are decoded at most."""
LARGEST = 64 * 1024 * 1024
"""No payload is longer; a length beyond it is damage."""

_HEAD = struct.Struct("<IIBd")
_CHECKED = struct.Struct("<Bd")
_ESCAPED = 0x80
HEAD_BYTES = _HEAD.size


class Kind(IntEnum):
    """What a frame holds."""

    HEADER = 1
    KEY = 2
    NEXT = 3
    ENDING = 4


@dataclass(frozen=True, slots=True)
class Header:
    """The first frame: what was recorded. ``started_at`` is in UTC; ``product`` is the monitor's version."""

    schema: int
    pipeline: str
    started_at: datetime
    seed: int | None = None
    product: str = ""
    python: str = ""
    pid: int = 0


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame as it is written. ``kind`` still has the mark of escaped text."""

    kind: int
    at_s: float
    payload: bytes

    @property
    def plain_kind(self) -> int:
        """The kind without the mark."""
        return self.kind & ~_ESCAPED

    def encode(self) -> bytes:
        """The bytes of the frame."""
        return _HEAD.pack(len(self.payload), self._crc(), self.kind, self.at_s) + self.payload

    def _crc(self) -> int:
        return zlib.crc32(self.payload, zlib.crc32(_CHECKED.pack(self.kind, self.at_s)))


def frame_length(head: bytes) -> int | None:
    """How long the payload behind this head is; None where the head is damaged."""
    length = int(_HEAD.unpack(head)[0])
    return length if length <= LARGEST else None


def frame_of(head: bytes, payload: bytes) -> Frame | None:
    """The frame, or None where it is not whole."""
    length, crc, kind, at_s = _HEAD.unpack(head)
    frame = Frame(kind, at_s, payload)
    return frame if length == len(payload) and crc == frame._crc() else None


T = TypeVar("T")


class _Packer(Generic[T]):
    """Values of one type to MessagePack and back; text that is not valid Unicode included."""

    def __init__(self, type: type[T]) -> None:
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(type)

    def pack(self, value: T) -> tuple[bytes, int]:
        """The bytes, and the mark for the frame's kind."""
        try:
            return self._encoder.encode(value), 0
        except UnicodeEncodeError:
            # A file's name need not be valid UTF-8, and it is part of ids.
            return self._encoder.encode(escaped(value)), _ESCAPED

    def unpack(self, data: bytes, kind: int) -> T:
        """Raises :class:`~pipeline.errors.ConfigurationError` where the data is not understood."""
        try:
            value = self._decoder.decode(data)
        except (msgspec.DecodeError, RecursionError) as error:
            raise ConfigurationError(
                f"a frame is not understood ({error}); it may be of a newer version of the monitor"
            ) from error
        return unescaped(value) if kind & _ESCAPED else value


_headers = _Packer(Header)
_reports = _Packer(RunReport)
_snapshots = _Packer(Snapshot)


def header_frame(header: Header) -> Frame:
    """The first frame of a recording."""
    data, mark = _headers.pack(header)
    return Frame(Kind.HEADER | mark, 0.0, data)


def header_of(frame: Frame) -> Header:
    """Raises :class:`~pipeline.errors.ConfigurationError`, also for a schema that is newer than this."""
    if frame.plain_kind != Kind.HEADER:
        raise ConfigurationError("it does not begin with a header")
    header = _headers.unpack(frame.payload, frame.kind)
    if header.schema > SCHEMA:
        raise ConfigurationError(
            f"it is of a newer version of the monitor ({header.product}, schema {header.schema}; this one "
            f"reads up to schema {SCHEMA}): use that one"
        )
    return header


def ending_frame(report: RunReport) -> Frame:
    """The last frame of a run that was recorded to its end."""
    data, mark = _reports.pack(report)
    return Frame(Kind.ENDING | mark, report.duration_s, zstandard.ZstdCompressor(level=LEVEL).compress(data))


def report_of(frame: Frame) -> RunReport:
    """The report in an ending. Raises :class:`~pipeline.errors.ConfigurationError`."""
    try:
        data = zstandard.ZstdDecompressor().decompress(frame.payload)
    except zstandard.ZstdError as error:
        raise ConfigurationError(f"its ending is damaged: {error}") from error
    return _reports.unpack(data, frame.kind)


class SnapshotWriter:
    """Turns snapshots into frames, one after the other."""

    def __init__(self, key_every: int = KEY_EVERY) -> None:
        self._key_every = key_every
        self._stream: zstandard.ZstdCompressionObj | None = None
        self._written = 0

    def restart(self) -> None:
        """Begin with a key frame, because what was written before will not be read."""
        self._stream = None

    def frame(self, snapshot: Snapshot) -> Frame:
        """The frame of the next snapshot."""
        data, mark = _snapshots.pack(snapshot)
        kind = Kind.NEXT
        if self._stream is None or self._written >= self._key_every:
            self._stream = zstandard.ZstdCompressor(level=LEVEL).compressobj()
            self._written = 0
            kind = Kind.KEY
        self._written += 1
        packed = self._stream.compress(data) + self._stream.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
        return Frame(kind | mark, snapshot.elapsed_s, packed)


class SnapshotReader:
    """Turns frames back into snapshots; it begins at a key frame."""

    def __init__(self) -> None:
        self._stream: zstandard.ZstdDecompressionObj | None = None

    def data(self, frame: Frame) -> bytes:
        """A snapshot as MessagePack, for those who do not need it decoded.

        Raises :class:`~pipeline.errors.ConfigurationError`.
        """
        if frame.plain_kind == Kind.KEY:
            self._stream = zstandard.ZstdDecompressor().decompressobj()
        if self._stream is None:
            raise ConfigurationError("a snapshot stands before the one that it depends on")
        try:
            return self._stream.decompress(frame.payload)
        except zstandard.ZstdError as error:
            self._stream = None
            raise ConfigurationError(f"a snapshot is damaged: {error}") from error

    def snapshot(self, frame: Frame) -> Snapshot:
        """The snapshot. Raises :class:`~pipeline.errors.ConfigurationError`."""
        return snapshot_of(self.data(frame), frame.kind)


def snapshot_of(data: bytes, kind: int) -> Snapshot:
    """What :meth:`SnapshotReader.data` gave, decoded. Raises
    :class:`~pipeline.errors.ConfigurationError`."""
    return _snapshots.unpack(data, kind)


# Unpaired surrogates (from file names) cannot be written as UTF-8. They stand as a marker and four digits.
_MARKER = "\x1a"
_TO_ESCAPE = re.compile("[\x1a\ud800-\udfff]")
_ESCAPES = re.compile("\x1a([0-9a-f]{4})")


def escaped(value: T) -> T:
    """The same value with text that can be written as UTF-8; :func:`unescaped` takes it back."""
    return cast("T", _mapped(value, _escape))


def unescaped(value: T) -> T:
    """What :func:`escaped` was given."""
    return cast("T", _mapped(value, _unescape))


def _escape(text: str) -> str:
    return _TO_ESCAPE.sub(lambda found: f"{_MARKER}{ord(found[0]):04x}", text)


def _unescape(text: str) -> str:
    return _ESCAPES.sub(lambda found: chr(int(found[1], 16)), text)


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    """The same value with every text in it changed."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, tuple | list):
        return type(value)(_mapped(each, change) for each in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {
            field.name: _mapped(getattr(value, field.name), change) for field in dataclasses.fields(value)
        }
        return type(value)(**fields)
    return value
