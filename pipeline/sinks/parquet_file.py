"""Values as Parquet."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from types import NoneType
from typing import Any

import msgspec

from pipeline.errors import ConfigurationError, SinkError
from pipeline.ids import Id, Ids
from pipeline.sinks.arrow_columns import ArrowColumns, Column
from pipeline.sinks.base import RefusedRecords, Sink
from pipeline.sinks.declared import declared_types
from pipeline.sinks.fields import (
    RowEncoder,
    gather,
    in_columns,
    name_problem,
    names_in,
    refusals,
    to_encodable,
)
from pipeline.sinks.output_file import PathLike, check_writable, write_failed

ROW_GROUP_ROWS = 16_384
ROW_GROUP_BYTES = 8 * 2**20
"""A row group is written when it has so many rows or so many bytes as Arrow."""

_TIMES = (datetime, date, time, timedelta)
_PLAIN: frozenset[type] = frozenset({str, int, float, bool, bytes, NoneType, Decimal, *_TIMES})


class ParquetSink(Sink):
    """Rows in row groups of some thousand. The file can be read once the run has closed it.

    The columns and their types are those of the first batch: as the Structs, dataclasses or pydantic models
    declare them, else as the values are; nested values stay nested. A column that the first batch does
    not show in full (nothing but None, an empty list), and any mapping declared as ``dict``, becomes JSON
    text. Later values that do not fit are refused.
    """

    def __init__(self, path: PathLike) -> None:
        self.path = Path(path)
        self.name = f"parquet {self.path}"
        self.folder = str(self.path.parent)
        self.encode = RowEncoder(_PLAIN, _cell)
        self._arrow: ArrowColumns | None = None
        self._pa: Any = None
        self._parquet: Any = None
        self._file: Any = None
        self._writer: Any = None
        self._schema: Any = None
        self._columns: dict[str, Column] = {}
        self._waiting: list[Any] = []
        self._failed = False

    def check(self) -> None:
        self._load()
        check_writable(self.path, "parquet")

    def open(self) -> None:
        self._load()
        self._columns = {}
        self._waiting = []
        self._failed = False
        self._writer = self._schema = None
        try:
            self._file = self._pa.OSFile(str(self.path), "wb")
        except OSError as error:
            raise write_failed("parquet", self.path, error) from error

    def write(self, ids: Ids, payloads: list[Any]) -> Iterable[Id]:
        if self._file is None or self._arrow is None:
            raise SinkError(f"{self.name} is not open")
        rows, types = gather(payloads)
        if not rows:
            return ids
        first = not self._columns
        names = names_in(rows)
        problems = {name: problem for name in names if (problem := self._problem(name))}
        if problems:
            raise RefusedRecords(refusals(rows, problems))
        declared = {name: each for kind in reversed(types) for name, each in declared_types(kind).items()}
        columns = dict(self._columns)
        refused: dict[int, str] = {}
        arrays: dict[str, Any] = {}
        order = names if first else list(columns)
        for name, cells in zip(order, zip(*in_columns(rows, order), strict=True), strict=True):
            if first:
                columns[name] = self._arrow.choose(name, declared.get(name), cells)
            arrays[name] = self._arrow.array(columns[name], cells, refused)
        if refused:
            raise RefusedRecords(refused)
        if first:
            self._columns = columns
            self._schema = self._pa.schema([(column.name, column.type) for column in columns.values()])
        self._waiting.append(self._pa.record_batch(list(arrays.values()), schema=self._schema))
        if (
            sum(batch.num_rows for batch in self._waiting) >= ROW_GROUP_ROWS
            or sum(batch.nbytes for batch in self._waiting) >= ROW_GROUP_BYTES
        ):
            self._write_group()
        return ids

    def close(self) -> None:
        """Write what waits and the footer. Raises :class:`SinkError` where that fails."""
        file, self._file = self._file, None
        waiting, self._waiting = self._waiting, []
        writer, self._writer = self._writer, None
        if file is None:
            return
        try:
            if not self._failed:
                if writer is None:
                    # No record came, so there is no column; even so it has to be a Parquet file.
                    writer = self._parquet.ParquetWriter(file, self._schema or self._pa.schema([]))
                if waiting:
                    writer.write_table(self._pa.Table.from_batches(waiting))
                writer.close()
            file.close()
        except (OSError, self._pa.ArrowException) as error:
            with suppress(OSError):
                file.close()
            if not self._failed:
                raise self._error(error) from error

    def _write_group(self) -> None:
        waiting, self._waiting = self._waiting, []
        try:
            if self._writer is None:
                self._writer = self._parquet.ParquetWriter(self._file, self._schema)
            self._writer.write_table(self._pa.Table.from_batches(waiting))
        except (OSError, self._pa.ArrowException) as error:
            self._failed = True
            raise self._error(error) from error

    def _error(self, error: Exception) -> SinkError:
        told = write_failed("parquet", self.path, error)
        return SinkError(f"{told}; without its end the file cannot be read, so none of its rows are safe")

    def _problem(self, name: object) -> str | None:
        if not self._columns:
            return name_problem(name)
        if name in self._columns:
            return None
        columns = ", ".join(self._columns)
        return f"field {name!r} is not among the columns ({columns}), which the first batch made"

    def _load(self) -> None:
        try:
            self._arrow = ArrowColumns()
            self._pa = importlib.import_module("pyarrow")
            self._parquet = importlib.import_module("pyarrow.parquet")
        except ImportError as error:
            raise ConfigurationError(
                f"parquet: writing {self.path} needs pyarrow; run: pip install 'pipeline-monitor[parquet]'"
            ) from error


def parquet(path: PathLike) -> ParquetSink:
    """Write Parquet to ``path``. Needs pyarrow."""
    return ParquetSink(path)


def _cell(value: object) -> object:
    if value is msgspec.UNSET:
        return None
    if isinstance(value, bytearray | memoryview):
        return bytes(value)
    return msgspec.to_builtins(
        value, builtin_types=(bytes, Decimal, *_TIMES), str_keys=True, enc_hook=to_encodable
    )
