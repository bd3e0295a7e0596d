"""CSV and TSV files with a header: rows into typed values."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import msgspec

from pipeline.batch import Chunk, Decode, Rejection
from pipeline.errors import ConfigurationError, Reject
from pipeline.ids import Ids
from pipeline.schema import dict_decoder, explain, null_cells, shorten
from pipeline.sources.compression import Blocks, BrokenStreamError
from pipeline.sources.csv_rows import RowCutter
from pipeline.sources.lines import (
    KEPT,
    Body,
    Pause,
    Unfit,
    broken,
    chunk_of,
    cut,
    has_blank,
    nothing_yet,
    rejection,
    too_long_reason,
)

_REASONS = {
    "unexpected end of data": "a quote is opened and never closed; within quotes it is written twice",
    "',' expected after '\"'": "text follows a closing quote; within quotes it is written twice",
    "new-line character seen in unquoted field": "a carriage return stands inside an unquoted field",
}


@dataclass(frozen=True, slots=True)
class CsvFormat:
    """Rows with a header. The offset of a row counts the data rows from 0; empty lines are no rows.

    ``encoding`` is that of the bytes that it is given, ``nulls`` are cells that stand for None
    where the field can be None.
    """

    delimiter: str
    encoding: str
    nulls: tuple[str, ...]
    limit: int

    def check(self, blocks: Blocks, where: str) -> None:
        """Read the header; a :class:`ConfigurationError` names the column that is wrong with it."""
        try:
            with closing(blocks):
                cutter = RowCutter(self.delimiter, self.limit)
                for piece in cut(blocks, self.limit, where):
                    rows = self._rows(cutter, piece)
                    first = next(filter(_is_row, rows), None)
                    if first is not None:
                        self.header(first, where)
                        return
                for row in filter(_is_row, cutter.end()):
                    self.header(row, where)
                    return
        except BrokenStreamError as exc:
            raise ConfigurationError(f"{where}: the header cannot be read: {exc}; get a whole copy") from exc

    def plain_decoder(self, schema: type | None) -> Decode | None:  # noqa: ARG002
        """Nothing can be told without the header."""
        return None

    def chunks(self, blocks: Blocks, start: int, schema: type | None, where: str) -> Iterator[Chunk]:
        """Rows from row ``start`` on. Raises :class:`~pipeline.errors.InputError` where the stream breaks."""
        # The csv module's limit of 128 KiB a field would reject what max_record_bytes allows.
        csv.field_size_limit(max(csv.field_size_limit(), self.limit))
        reader = _Reader(self, start, schema, where)
        try:
            with closing(blocks):
                for piece in cut(blocks, self.limit, where):
                    yield from reader.chunks(piece)
                yield from reader.rest()
        except BrokenStreamError as exc:
            yield from reader.torn(str(exc))
            raise broken(where, reader.records, start, exc) from exc

    def decoder(self, header: list[str], schema: type | None) -> RowDecoder:
        """How rows under this header become values."""
        return RowDecoder(header, schema, self.delimiter, self.encoding, self.nulls)

    def _rows(self, cutter: RowCutter, piece: Body | Unfit | Pause) -> list[bytes]:
        if isinstance(piece, Pause):
            return []
        if isinstance(piece, Unfit):
            raise BrokenStreamError(piece.reason)
        return cutter.feed(piece.data.split(b"\n"))

    def header(self, row: bytes, where: str) -> list[str]:
        """The names of the columns."""
        try:
            names = _parse(row, self.encoding, self.delimiter)
        except (Reject, UnicodeDecodeError) as exc:
            raise ConfigurationError(f"{where}: the header cannot be read: {explain(exc, row)}") from exc
        for number, name in enumerate(names, 1):
            if not name.strip():
                raise ConfigurationError(
                    f"{where}: column {number} of {len(names)} has no name in the header "
                    f"({shorten(','.join(names))}); name it, and check delimiter={self.delimiter!r}"
                )
        twice = [name for name, count in Counter(names).items() if count > 1]
        if twice:
            numbers = " and ".join(str(n) for n, name in enumerate(names, 1) if name == twice[0])
            raise ConfigurationError(
                f"{where}: the header has {twice[0]!r} more than once (columns {numbers}); rename one of them"
            )
        return names


class _Reader:
    """Reads one file from top to end: the header first, then numbered rows."""

    def __init__(self, format: CsvFormat, start: int, schema: type | None, where: str) -> None:
        self._format = format
        self._start = start
        self._schema = schema
        self._where = where
        self._cutter = RowCutter(format.delimiter, format.limit)
        self._decoder: RowDecoder | None = None
        self._number = 0  # of the next row
        self._position = 0
        self.records = 0

    def chunks(self, piece: Body | Unfit | Pause) -> Iterator[Chunk]:
        self._position = piece.position
        if isinstance(piece, Pause):
            yield nothing_yet(piece.position)
            return
        if isinstance(piece, Unfit):
            yield from self._unfit(piece)
            return
        body = piece.data
        if (
            b'"' not in body
            and not self._cutter.is_open
            and self._decoder is not None
            and not has_blank(body)
        ):
            yield from self._bytes(body, body.count(b"\n") + 1)
            return
        lines = body.split(b"\n")
        was_open = self._cutter.is_open
        rows = self._cutter.feed(lines)
        whole = len(rows) == len(lines) and not was_open and not self._cutter.is_open
        if whole and self._decoder is not None and not has_blank(body):
            yield from self._bytes(body, len(rows))
        else:
            yield from self._list(rows)

    def rest(self) -> Iterator[Chunk]:
        yield from self._list(self._cutter.end())

    def torn(self, reason: str) -> Iterator[Chunk]:
        if self._cutter.is_open:
            yield from self._reject(self._cutter.torn(), f"the input ends inside this record: {reason}")

    def _unfit(self, piece: Unfit) -> Iterator[Chunk]:
        if piece.torn and self._cutter.is_open:
            yield from self._reject(self._cutter.torn() + b"\n" + piece.original, piece.reason)
            return
        yield from self.rest()
        if self._decoder is None:
            raise ConfigurationError(f"{self._where}: the header cannot be read: {piece.reason}")
        yield from self._reject(piece.original, piece.reason)

    def _reject(self, original: bytes, reason: str) -> Iterator[Chunk]:
        number, self._number = self._number, self._number + 1
        if number >= self._start and self._decoder is not None:
            yield chunk_of([], [], [rejection(number, reason, original)], self._decoder, self._position)

    def _bytes(self, body: bytes, count: int) -> Iterator[Chunk]:
        if len(body) > self._format.limit:
            yield from self._list(body.split(b"\n"))
            return
        first, self._number = self._number, self._number + count
        if self._number <= self._start or self._decoder is None:
            return
        if first < self._start:
            body = body.split(b"\n", self._start - first)[-1]
            first = self._start
        self.records += self._number - first
        yield Chunk(Ids.span(first, self._number), body, len(body), self._decoder, self._position)

    def _list(self, rows: list[bytes]) -> Iterator[Chunk]:
        raws: list[bytes] = []
        offsets: list[int] = []
        rejected: list[Rejection] = []
        limit = self._format.limit
        for row in filter(_is_row, rows):
            if self._decoder is None:
                header = self._format.header(row, self._where)
                self._decoder = self._format.decoder(header, self._schema)
                continue
            if self._number >= self._start:
                if len(row) > limit:
                    reason = too_long_reason(len(row), limit, self._where)
                    rejected.append(rejection(self._number, reason, row[:KEPT]))
                else:
                    raws.append(row)
                    offsets.append(self._number)
            self._number += 1
        self.records += len(raws) + len(rejected)
        if self._decoder is not None and (raws or rejected):
            yield chunk_of(offsets, raws, rejected, self._decoder, self._position)


class RowDecoder:
    """Rows as bytes into values: all at once, or where one of them is broken, each by itself."""

    def __init__(
        self, header: list[str], schema: type | None, delimiter: str, encoding: str, nulls: tuple[str, ...]
    ) -> None:
        self._header = header
        self._delimiter = delimiter
        self._encoding = encoding
        self._convert = dict_decoder(schema, strict=False)
        self._markers = frozenset(nulls)
        cells = null_cells(schema, header, nulls)
        self._nulls = [(column, markers) for column, markers in cells.items() if markers]

    def __call__(self, raws: list[Any]) -> Iterator[Any]:
        encoding = self._encoding
        try:
            lines = [str(raw, encoding) for raw in raws]
            rows = list(csv.reader(lines, delimiter=self._delimiter, strict=True))
        except (UnicodeDecodeError, csv.Error):
            return map(self._one, raws)
        if len(rows) != len(raws) or b"\0" in b"".join(raws):
            return map(self._one, raws)
        return map(self._value, rows)

    def _one(self, raw: bytes) -> Any:
        return self._value(_parse(raw, self._encoding, self._delimiter))

    def _value(self, row: list[str]) -> Any:
        header = self._header
        if len(row) != len(header):
            raise Reject(f"row has {len(row)} fields, the header has {len(header)}")
        record: dict[str, str | None] = dict(zip(header, row, strict=True))
        if not self._markers.isdisjoint(row):
            for column, markers in self._nulls:
                if record[column] in markers:
                    record[column] = None
        try:
            return self._convert(record)
        except msgspec.ValidationError as exc:
            raise Reject(explain(exc, record)) from None


def _parse(raw: bytes, encoding: str, delimiter: str) -> list[str]:
    """The cells of one row; :class:`Reject` where it is not one."""
    nul = raw.find(b"\0")
    if nul >= 0:
        raise Reject(f"contains a NUL byte (at byte {nul} of the row)")
    try:
        rows = list(csv.reader([str(raw, encoding)], delimiter=delimiter, strict=True))
    except csv.Error as exc:
        text = str(exc)
        reason = next((why for start, why in _REASONS.items() if text.startswith(start)), text)
        raise Reject(f"not a valid row: {reason}") from None
    if len(rows) != 1:
        raise Reject(f"not a valid row: it reads as {len(rows)} rows")
    return rows[0]


def _is_row(line: bytes) -> bool:
    return line not in (b"", b"\r")
