"""The formats that records can be stored in, by name and by the ending of a file's name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from pathlib import PurePath
from typing import Any, Literal, Protocol, cast, get_args

from pipeline.batch import Chunk, Decode
from pipeline.errors import ConfigurationError, Reject
from pipeline.schema import json_decoder
from pipeline.sources.compression import CODECS, Blocks, BrokenStreamError, Codec
from pipeline.sources.csv_format import CsvFormat
from pipeline.sources.lines import line_chunks
from pipeline.sources.text import encoding_name, record_encoding

FormatName = Literal["jsonl", "csv", "tsv", "lines", "parquet"]

ENDINGS: dict[str, FormatName] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".txt": "lines",
    ".log": "lines",
    ".parquet": "parquet",
}

MAX_RECORD_BYTES = 64 << 20


class BlockFormat(Protocol):
    """A format that is read from the top, from blocks of bytes."""

    def check(self, blocks: Blocks, where: str) -> None:
        """Raise :class:`ConfigurationError` where the beginning shows that reading is pointless."""

    def plain_decoder(self, schema: type | None) -> Decode | None:
        """What makes values of raw records; None where the input's beginning must be known for that."""

    def chunks(self, blocks: Blocks, start: int, schema: type | None, where: str) -> Iterator[Chunk]:
        """The records from offset ``start`` on; raises ``InputError`` where the input breaks."""


@dataclass(frozen=True, slots=True)
class TextOptions:
    """How text is to be read; checked when it is made."""

    encoding: str = "utf-8"
    nulls: tuple[str, ...] = ("",)
    delimiter: str | None = None
    max_record_bytes: int = MAX_RECORD_BYTES

    def __post_init__(self) -> None:
        object.__setattr__(self, "encoding", encoding_name(self.encoding))
        if not isinstance(self.max_record_bytes, int) or self.max_record_bytes < 1:
            raise ConfigurationError(
                f"max_record_bytes={self.max_record_bytes!r}: give a whole number of bytes, at least 1"
            )
        if not all(isinstance(null, str) for null in self.nulls):
            raise ConfigurationError(
                f"null={self.nulls!r}: give a string such as 'NA', or several as a tuple"
            )
        delimiter = self.delimiter
        if delimiter is not None and (
            not isinstance(delimiter, str)
            or len(delimiter) != 1
            or not delimiter.isascii()
            or delimiter in '"\r\n\0'
        ):
            raise ConfigurationError(
                f"delimiter={delimiter!r}: give one ASCII character such as ';' or '\\t'"
            )

    def format(self, name: FormatName) -> BlockFormat:
        """The format of that name with these options (not for Parquet, which is not text)."""
        encoding = record_encoding(self.encoding)
        if name in ("csv", "tsv"):
            delimiter = self.delimiter or ("\t" if name == "tsv" else ",")
            return CsvFormat(delimiter, encoding, self.nulls, self.max_record_bytes)
        if self.delimiter is not None:
            raise ConfigurationError(
                f"delimiter={self.delimiter!r} is only for csv and tsv, the format is {name}"
            )
        if name == "jsonl":
            return JsonLines(encoding, self.max_record_bytes)
        return TextLines(encoding, self.max_record_bytes)


@dataclass(frozen=True, slots=True)
class JsonLines:
    """One JSON text a line. The offset of a record counts the lines from 0, empty ones too."""

    encoding: str
    limit: int

    def check(self, blocks: Blocks, where: str) -> None:
        first = _first_line(blocks).strip()
        if first in (b"[", b"{"):
            what = "one JSON array" if first == b"[" else "JSON spread over several lines"
            command = "jq -c '.[]'" if first == b"[" else "jq -c ."
            raise ConfigurationError(
                f"{where} holds {what}, not one record a line; convert it with: {command} IN > OUT.jsonl"
            )

    def plain_decoder(self, schema: type | None) -> Decode:
        decode = json_decoder(schema)
        return partial(map, decode if self.encoding == "utf-8" else partial(_recoded, decode, self.encoding))

    def chunks(self, blocks: Blocks, start: int, schema: type | None, where: str) -> Iterator[Chunk]:
        return line_chunks(blocks, start, self.limit, self.plain_decoder(schema), where)


@dataclass(frozen=True, slots=True)
class TextLines:
    """Each line is a record, and its value the line as a ``str``. The offset counts the lines from 0."""

    encoding: str
    limit: int

    def check(self, blocks: Blocks, where: str) -> None:  # noqa: ARG002 - any text is lines
        blocks.close()

    def plain_decoder(self, schema: type | None) -> Decode:  # noqa: ARG002 - the value is the text
        return self._decode

    def chunks(self, blocks: Blocks, start: int, schema: type | None, where: str) -> Iterator[Chunk]:
        if schema not in (None, str):
            name = getattr(schema, "__name__", schema)
            raise ConfigurationError(
                f"{where}: lines of text are str, schema={name} cannot be used; parse them in a stage"
            )
        return line_chunks(blocks, start, self.limit, self._decode, where)

    def _decode(self, raws: list[Any]) -> Iterator[Any]:
        joined = b"\n".join(raws)
        if raws and b"\0" not in joined and b"\r" not in joined:
            try:
                return iter(str(joined, self.encoding).split("\n"))
            except UnicodeDecodeError:
                pass
        return map(self._line, raws)

    def _line(self, raw: bytes) -> str:
        nul = raw.find(b"\0")
        if nul >= 0:
            raise Reject(f"contains a NUL byte (at byte {nul} of the line)")
        return str(raw, self.encoding).removesuffix("\r")


def guess(name: str) -> FormatName | None:
    """The format that a file's name (without the ending of its compression) speaks for."""
    return ENDINGS.get(PurePath(name).suffix.lower())


def split_compression(name: str) -> tuple[str, Codec | None]:
    """A file's name without the ending that tells its compression, and the codec."""
    suffix = PurePath(name).suffix
    codec = CODECS.get(suffix.lower())
    return (name[: -len(suffix)], codec) if codec else (name, None)


def format_name(format: str) -> FormatName:
    """The format as the caller named it; :class:`ConfigurationError` if there is none of that name."""
    known: tuple[str, ...] = get_args(FormatName)
    if format not in known:
        near = get_close_matches(str(format).lower().lstrip("."), known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"give one of {', '.join(known)}"
        raise ConfigurationError(f"format={format!r} is not known; {hint}")
    return cast("FormatName", format)


def _recoded(decode: Callable[[bytes | str], Any], encoding: str, raw: bytes) -> Any:
    return decode(str(raw, encoding))


def _first_line(blocks: Blocks) -> bytes:
    with closing(blocks):
        try:
            for block in blocks:
                return block.data.lstrip().split(b"\n", 1)[0]
        except BrokenStreamError:
            pass  # reading tells how far it gets, and rejects what is torn
    return b""
