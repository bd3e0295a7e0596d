"""Values as CSV."""

from __future__ import annotations

import csv as csv_format
from collections.abc import Iterable, Sequence
from types import NoneType
from typing import Any

import msgspec

from pipeline.errors import ConfigurationError
from pipeline.ids import Id, Ids
from pipeline.sinks.base import RefusedRecords, Sink
from pipeline.sinks.fields import (
    Fields,
    RowEncoder,
    gather,
    in_columns,
    json_text,
    name_problem,
    names_in,
    refusals,
    to_encodable,
)
from pipeline.sinks.output_file import OutputFile, PathLike

_PLAIN: frozenset[type] = frozenset({str, int, float, NoneType})


class CsvSink(Sink):
    """RFC 4180 with a header, in UTF-8 with ``\\n``.

    None and fields that a record lacks are empty, booleans ``true`` and ``false``, times ISO 8601,
    nested values JSON. A record with a field that the header does not have is refused.
    """

    guarantee = "exactly once"
    resumes = True

    def __init__(self, path: PathLike, columns: Sequence[str] | None = None) -> None:
        if columns is not None and (
            isinstance(columns, str) or not columns or len(set(columns)) != len(columns)
        ):
            raise ConfigurationError(f"csv(columns={columns!r}): must be a list of different names")
        self._file = OutputFile(path, "csv")
        self._given = list(columns) if columns is not None else None
        self._columns = self._given
        self.path = self._file.path
        self.name = f"csv {self.path}"
        self.folder = str(self.path.parent)
        self.encode = RowEncoder(_PLAIN, _cell)

    def check(self) -> None:
        for column in self._given or ():
            if problem := name_problem(column):
                raise ConfigurationError(f"csv(columns=...): {problem}")
        self._file.check()

    def open(self) -> None:
        self._file.open()
        self._columns = self._given
        if self._given:
            self._file.append(_text([self._given]).encode())

    def write(self, ids: Ids, payloads: list[Any]) -> Iterable[Id]:
        rows, _ = gather(payloads)
        if not rows:
            return ids
        names = names_in(rows)
        problems = {name: problem for name in names if (problem := self._problem(name))}
        if problems:
            raise RefusedRecords(refusals(rows, problems))
        columns = names if self._columns is None else self._columns
        lines: list[Sequence[Any]] = [columns] if self._columns is None else []
        lines.extend(in_columns(rows, columns))
        try:
            data = _text(lines).encode()
        except ValueError:
            raise RefusedRecords(_unwritable(rows)) from None
        self._file.append(data)
        self._columns = columns
        return ids

    def flush(self) -> str:
        return msgspec.json.encode((self._file.flush(), self._columns)).decode()

    def resume(self, note: str) -> None:
        length, columns = msgspec.json.decode(note, type=tuple[int, list[str] | None])
        self._file.resume(length)
        self._columns = columns

    def close(self) -> None:
        self._file.close()

    def _problem(self, name: object) -> str | None:
        if self._columns is None:
            return name_problem(name)
        if name in self._columns:
            return None
        return (
            f"field {name!r} is not in the header ({', '.join(self._columns)}), which the first batch made; "
            "name every field there may be in csv(..., columns=[...])"
        )


def csv(path: PathLike, columns: Sequence[str] | None = None) -> CsvSink:
    """Write CSV to ``path``, compressed where it ends in ``.gz`` or ``.zst``.

    The header has ``columns``; without them, all fields of the records in the first batch.
    """
    return CsvSink(path, columns)


def _cell(value: object) -> str | int | float | None:
    if value is True:
        return "true"
    if value is False:
        return "false"
    if value is msgspec.UNSET:
        return None
    plain = msgspec.to_builtins(value, enc_hook=to_encodable)
    return plain if type(plain) in _PLAIN else json_text(plain)


class _Lines(list[str]):
    """What the csv module writes to."""

    write = list.append


def _text(rows: Iterable[Sequence[Any]]) -> str:
    lines = _Lines()
    # The writer quotes a cell with a character of the line end in it, and not always one with another:
    # so both are asked for here and the line ends replaced.
    csv_format.writer(lines, lineterminator="\r\n").writerows(rows)
    return "".join([line[:-2] + "\n" for line in lines])


def _unwritable(rows: Iterable[Fields]) -> dict[int, str]:
    """The rows with a cell that is not valid Unicode, or an int of too many digits."""
    refused: dict[int, str] = {}
    for position, row in enumerate(rows):
        for name, cell in row.items():
            try:
                str(cell).encode()
            except ValueError as error:
                refused.setdefault(position, f"field {name!r}: {error}")
    return refused
