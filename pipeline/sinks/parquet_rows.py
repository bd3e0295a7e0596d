"""Values as Arrow record batches, for the sinks that write Parquet."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from types import NoneType
from typing import Any

import msgspec

from pipeline.errors import ConfigurationError
from pipeline.sinks.arrow_columns import ArrowColumns, Column
from pipeline.sinks.base import RefusedRecords
from pipeline.sinks.declared import declared_types
from pipeline.sinks.fields import (
    Fields,
    RowEncoder,
    in_columns,
    name_problem,
    names_in,
    refusals,
    to_encodable,
)

_TIMES = (datetime, date, time, timedelta)
_PLAIN: frozenset[type] = frozenset({str, int, float, bool, bytes, NoneType, Decimal, *_TIMES})

_MARK = {b"written by": b"pipeline-monitor"}
_AS_JSON = {b"pipeline-monitor": b"json"}


class RowBatches:
    """Makes record batches of rows.

    The columns and their types are those of the first batch: as the Structs, dataclasses or pydantic models
    declare them, else as the values are; nested values stay nested. A column that the first batch does
    not show in full (nothing but None, an empty list), and any mapping declared as ``dict``, becomes JSON
    text. Later values that do not fit are refused.
    """

    def __init__(self) -> None:
        """Raises ``ImportError`` where pyarrow is not installed."""
        self._arrow = ArrowColumns()
        self._pa: Any = importlib.import_module("pyarrow")
        self._columns: dict[str, Column] = {}
        self.schema: Any = self._pa.schema([], metadata=_MARK)
        """The ``pyarrow.Schema``; without a column before the first batch."""

    def take_schema(self, schema: Any) -> None:
        """Go on with the columns of a file that was written here."""
        self._columns = {
            field.name: Column(field.name, field.type, (field.metadata or {}).items() >= _AS_JSON.items())
            for field in schema
        }
        self.schema = self._make_schema()

    def make(self, rows: list[Fields], types: Sequence[type]) -> Any:
        """A ``pyarrow.RecordBatch``. Raises :class:`RefusedRecords`."""
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
            self.schema = self._make_schema()
        return self._pa.record_batch(list(arrays.values()), schema=self.schema)

    def _make_schema(self) -> Any:
        return self._pa.schema(
            [
                self._pa.field(column.name, column.type, metadata=_AS_JSON if column.as_json else None)
                for column in self._columns.values()
            ],
            metadata=_MARK,
        )

    def _problem(self, name: object) -> str | None:
        if not self._columns:
            return name_problem(name)
        if name in self._columns:
            return None
        columns = ", ".join(self._columns)
        return f"field {name!r} is not among the columns ({columns}), which the first batch made"


def row_encoder() -> RowEncoder:
    """What makes rows of values, with cells that Arrow takes."""
    return RowEncoder(_PLAIN, _cell)


def check_pyarrow(path: Path) -> None:
    """Raise :class:`ConfigurationError`, saying what to do, where pyarrow is not installed."""
    try:
        RowBatches()
    except ImportError as error:
        raise ConfigurationError(
            f"parquet: writing {path} needs pyarrow; run: pip install 'pipeline-monitor[parquet]'"
        ) from error


def is_marked(schema: Any) -> bool:
    """Whether a file with this schema was written here."""
    return bool((schema.metadata or {}).items() >= _MARK.items())


def _cell(value: object) -> object:
    if value is msgspec.UNSET:
        return None
    if isinstance(value, bytearray | memoryview):
        return bytes(value)
    return msgspec.to_builtins(
        value, builtin_types=(bytes, Decimal, *_TIMES), str_keys=True, enc_hook=to_encodable
    )
