"""Columns of an Arrow table: their types, and which values fit them without a change."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import chain
from typing import Any, TypeAlias

from msgspec import inspect

from pipeline.sinks.declared import choices, leading_type, without_none
from pipeline.sinks.fields import json_text, shown

ArrowType: TypeAlias = Any
"""A ``pyarrow.DataType``; pyarrow is optional and has no types of its own."""


class _OpenMapping(Exception):  # noqa: N818 - never leaves this file
    """A declared type holds a mapping with keys of any name, which no Arrow struct can have."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column; where ``as_json``, values other than text stand in it as JSON text."""

    name: str
    type: ArrowType
    as_json: bool = False


class ArrowColumns:
    """Chooses the types of columns and converts values to arrays of them.

    Integers have 64 bits, times microseconds, decimals 38 digits of which 18 are behind the point.
    """

    def __init__(self) -> None:
        """Raises ``ImportError`` where pyarrow is not installed."""
        pa = importlib.import_module("pyarrow")
        self._pa = pa
        self._text = pa.string()
        self._scalars: dict[type, ArrowType] = {
            str: pa.string(),
            int: pa.int64(),
            float: pa.float64(),
            bool: pa.bool_(),
            bytes: pa.binary(),
            date: pa.date32(),
            time: pa.time64("us"),
            timedelta: pa.duration("us"),
            Decimal: pa.decimal128(38, 18),
        }
        self._fitting: dict[ArrowType, frozenset[type]] = {
            type_: frozenset({kind, type(None)}) for kind, type_ in self._scalars.items()
        }
        self._fitting[pa.float64()] |= {int}
        self._fitting[self._scalars[Decimal]] |= {int}

    def choose(self, name: str, declared: inspect.Type | None, cells: Sequence[Any]) -> Column:
        """The column for a field: as declared, else as most of the first cells are.

        Where neither shows the type in full (no value, an empty list), it is JSON text.
        """
        try:
            type_ = self._declared(declared, frozenset()) if declared is not None else None
        except _OpenMapping:
            return Column(name, self._text, as_json=True)
        if type_ is None:
            type_ = self._seen(cells)
        return Column(name, type_, False) if type_ is not None else Column(name, self._text, as_json=True)

    def array(self, column: Column, cells: Sequence[Any], refused: dict[int, str]) -> Any:
        """The cells as an Arrow array. Those that do not fit go to ``refused``: position and reason."""
        if column.as_json:
            return self._json_array(column, cells, refused)
        before = len(refused)
        self._find_misfits(column, cells, refused)
        if len(refused) > before:
            return None
        try:
            return self._pa.array(cells, type=column.type)
        except (self._pa.ArrowException, ValueError, TypeError, OverflowError):
            for position, cell in enumerate(cells):
                try:
                    self._pa.array([cell], type=column.type)
                except (self._pa.ArrowException, ValueError, TypeError, OverflowError) as error:
                    refused.setdefault(position, f"field {column.name!r}: {error}")
            if len(refused) == before:
                raise
            return None

    def _json_array(self, column: Column, cells: Sequence[Any], refused: dict[int, str]) -> Any:
        texts: list[str | None] = []
        for position, cell in enumerate(cells):
            try:
                text = cell if cell is None or type(cell) is str else json_text(cell)
                if text is not None:
                    text.encode()
            except (ValueError, TypeError) as error:
                refused.setdefault(position, f"field {column.name!r}: {error}")
            else:
                texts.append(text)
        return self._pa.array(texts, type=self._text) if len(texts) == len(cells) else None

    def _find_misfits(self, column: Column, cells: Sequence[Any], refused: dict[int, str]) -> None:
        fitting = self._fitting.get(column.type)
        if fitting is not None and column.type != self._scalars[time] and set(map(type, cells)) <= fitting:
            return
        for position, cell in enumerate(cells):
            problem = self._misfit(cell, column.type)
            if problem is not None:
                refused.setdefault(position, f"field {column.name!r}: {problem}")

    def _misfit(self, cell: Any, type_: ArrowType) -> str | None:
        """Why a cell does not fit a type, if it does not. Arrow itself drops unknown keys in silence,
        takes a number for a date and a date for a time."""
        if cell is None:
            return None
        types = self._pa.types
        if types.is_struct(type_) and type(cell) is dict:
            inner = {field.name: field.type for field in type_}
            for key, value in cell.items():
                if key not in inner:
                    return f"the key {key!r} is not in the column's type {type_}, which the first batch made"
                if problem := self._misfit(value, inner[key]):
                    return f"{key!r}: {problem}"
            return None
        if types.is_list(type_) and type(cell) in (list, tuple):
            return next((p for item in cell if (p := self._misfit(item, type_.value_type))), None)
        if types.is_timestamp(type_) and type(cell) is datetime:
            fits = (cell.tzinfo is None) == (type_.tz is None)
        else:
            fits = type(cell) in self._fitting.get(type_, ())
        if type(cell) is time and cell.tzinfo is not None:
            fits = False
        if fits:
            return None
        return f"{shown(cell)} does not fit the column's type {type_}, which the first batch made"

    def _seen(self, cells: Iterable[Any]) -> ArrowType | None:
        """The type of most cells, None where they do not show it in full."""
        pa = self._pa
        cells = list(cells)
        kind = leading_type(cells)
        if kind is datetime:
            times = [cell for cell in cells if type(cell) is datetime]
            aware = sum(cell.tzinfo is not None for cell in times)
            return pa.timestamp("us", tz="UTC" if 2 * aware > len(times) else None)
        if kind in (list, tuple):
            item = self._seen(chain.from_iterable(cell for cell in cells if type(cell) in (list, tuple)))
            return pa.list_(item) if item is not None else None
        if kind is dict:
            dicts = [cell for cell in cells if type(cell) is dict]
            names = dict.fromkeys(chain.from_iterable(dicts))
            return self._struct({name: self._seen(cell.get(name) for cell in dicts) for name in names})
        return self._scalars.get(kind) if kind is not None else None

    def _struct(self, fields: dict[str, ArrowType | None]) -> ArrowType | None:
        if not fields or any(type_ is None for type_ in fields.values()):
            return None
        return self._pa.struct(list(fields.items()))

    def _declared(self, type_: inspect.Type, outer: frozenset[type]) -> ArrowType | None:
        """The type for a declared Python type, None where the values have to show it."""
        alternatives = without_none(type_)
        if len(alternatives) != 1:
            found = {self._declared(each, outer) for each in alternatives}
            return self._pa.float64() if found == {self._pa.int64(), self._pa.float64()} else None
        only = alternatives[0]
        kinds = choices(only)
        if kinds is not None:
            kinds.discard(type(None))
            return self._scalars.get(kinds.pop()) if len(kinds) == 1 else None
        match only:
            case inspect.DictType():
                raise _OpenMapping
            case inspect.ListType() | inspect.SetType() | inspect.FrozenSetType() | inspect.VarTupleType():
                item = self._declared(only.item_type, outer)
                return self._pa.list_(item) if item is not None else None
            case inspect.StructType() | inspect.DataclassType() | inspect.TypedDictType():
                if only.cls in outer:
                    raise _OpenMapping  # it holds itself, to any depth
                inner = outer | {only.cls}
                return self._struct({f.encode_name: self._declared(f.type, inner) for f in only.fields})
            case inspect.DateTimeType():
                return (
                    self._pa.timestamp("us", tz="UTC" if only.tz else None) if only.tz is not None else None
                )
            case _:
                return self._scalars.get(_DECLARED.get(type(only), type(None)))


_DECLARED: dict[type, type] = {
    inspect.IntType: int,
    inspect.FloatType: float,
    inspect.BoolType: bool,
    inspect.StrType: str,
    inspect.UUIDType: str,
    inspect.BytesType: bytes,
    inspect.DateType: date,
    inspect.TimeType: time,
    inspect.TimeDeltaType: timedelta,
    inspect.DecimalType: Decimal,
}
