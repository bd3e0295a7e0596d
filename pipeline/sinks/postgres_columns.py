"""Columns of a PostgreSQL table: their types, and which values fit them without a change."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from types import NoneType
from typing import Any, TypeAlias
from uuid import UUID

import msgspec
from msgspec import inspect

from pipeline.sinks.declared import choices, leading_type, without_none
from pipeline.sinks.fields import json_text, shown, to_encodable

SqlType: TypeAlias = str
"""A type as PostgreSQL's ``format_type`` names it."""

_AWARE, _NAIVE = "timestamp with time zone", "timestamp without time zone"
_EXACT_IN_DOUBLE = 2**53
_NUL_IN_JSON = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
_BIGINT = range(-(2**63), 2**63)


class JsonText(str):
    """JSON that was made of a nested value."""

    __slots__ = ()


_BY_VALUE: dict[type, SqlType] = {
    int: "bigint",
    float: "double precision",
    bool: "boolean",
    str: "text",
    bytes: "bytea",
    date: "date",
    time: "time without time zone",
    timedelta: "interval",
    Decimal: "numeric",
    UUID: "uuid",
    JsonText: "jsonb",
}
_BY_DECLARATION: dict[type[inspect.Type], SqlType | None] = {
    inspect.IntType: "bigint",
    inspect.FloatType: "double precision",
    inspect.BoolType: "boolean",
    inspect.StrType: "text",
    inspect.BytesType: "bytea",
    inspect.ByteArrayType: "bytea",
    inspect.MemoryViewType: "bytea",
    inspect.DateType: "date",
    inspect.TimeType: "time without time zone",
    inspect.TimeDeltaType: "interval",
    inspect.DecimalType: "numeric",
    inspect.UUIDType: "uuid",
    inspect.AnyType: None,
    inspect.CustomType: None,
    inspect.RawType: None,
    inspect.ExtType: None,
}
_TIMES = (datetime, date, time, timedelta)
PLAIN: frozenset[type] = frozenset({*_BY_VALUE, datetime, NoneType})
"""The types of cells that stay as they are."""

_FITTING: dict[SqlType, frozenset[type]] = {
    name: frozenset({kind, NoneType}) for kind, name in _BY_VALUE.items()
}
_FITTING["double precision"] |= {int}
_FITTING["numeric"] |= {int}
_FITTING["text"] |= {JsonText}
_FITTING[_AWARE] = _FITTING[_NAIVE] = frozenset({datetime, NoneType})


def cell_of(value: Any) -> Any:
    """The cell for a value of a type that is not plain: nested ones become JSON."""
    if value is msgspec.UNSET:
        return None
    if isinstance(value, bytearray | memoryview):
        return bytes(value)
    plain = msgspec.to_builtins(
        value, builtin_types=(bytes, Decimal, UUID, *_TIMES), str_keys=True, enc_hook=to_encodable
    )
    return plain if type(plain) in PLAIN else JsonText(json_text(plain))


def declared_type(type_: inspect.Type) -> SqlType | None:
    """The column's type for a declared Python type; None where the values have to show it."""
    found = {_declared(each) for each in without_none(type_)}
    if found == {"bigint", "double precision"}:
        return "double precision"
    return found.pop() if len(found) == 1 else "jsonb"


def seen_type(cells: Iterable[object]) -> SqlType | None:
    """The column's type for most of the given cells; None where there is no value."""
    cells = list(cells)
    kind = leading_type(cells)
    if kind is datetime:
        times = [cell for cell in cells if type(cell) is datetime]
        return _AWARE if 2 * sum(cell.tzinfo is not None for cell in times) > len(times) else _NAIVE
    return _BY_VALUE.get(kind) if kind is not None else None


def fit(name: str, type_: SqlType, cells: Sequence[Any], refused: dict[int, str]) -> Sequence[Any]:
    """The cells of a column as the table keeps them without a change.

    A text column takes numbers as text, a jsonb column everything. The others go to ``refused``: position
    and reason. Of a type that no column made here has, the server is the judge.
    """
    kinds = set(map(type, cells))
    fitting = _FITTING.get(type_)
    if type_ == "text" and not kinds <= _FITTING["text"]:
        cells = [_as_text(name, position, cell, refused) for position, cell in enumerate(cells)]
        kinds = set(map(type, cells))
    if type_ == "jsonb":
        cells = [_as_json(cell) for cell in cells]
        kinds = {str}
    elif fitting is not None and not kinds <= fitting:
        for position, cell in enumerate(cells):
            if type(cell) not in fitting:
                refused.setdefault(position, f"field {name!r}: {shown(cell)} does not fit the type {type_}")
    for kind, problem in _PROBLEMS:
        if kind in kinds:
            for position, cell in enumerate(cells):
                if isinstance(cell, kind) and (reason := problem(cell, type_)):
                    refused.setdefault(position, f"field {name!r}: {reason}")
    return cells


def _declared(type_: inspect.Type) -> SqlType | None:
    kinds = choices(type_)
    if kinds is not None:
        kinds.discard(NoneType)
        return _BY_VALUE.get(kinds.pop(), "jsonb") if len(kinds) == 1 else "jsonb"
    if isinstance(type_, inspect.DateTimeType):
        return None if type_.tz is None else _AWARE if type_.tz else _NAIVE
    return _BY_DECLARATION.get(type(type_), "jsonb")


def _as_text(name: str, position: int, cell: Any, refused: dict[int, str]) -> Any:
    if type(cell) not in (int, float, Decimal):
        return cell
    try:
        return str(cell)
    except ValueError as error:  # an int of thousands of digits
        refused.setdefault(position, f"field {name!r}: {error}")
        return None


def _as_json(cell: Any) -> Any:
    return cell if cell is None or type(cell) is JsonText else JsonText(json_text(cell))


def _text_problem(cell: str, type_: SqlType) -> str | None:
    if "\0" in cell or (type_ == "jsonb" and _NUL_IN_JSON.search(cell)):
        return f"{shown(cell)} has a NUL character, which PostgreSQL cannot hold"
    return None if cell.isascii() or _is_unicode(cell) else f"{shown(cell)} is not valid Unicode"


def _is_unicode(cell: str) -> bool:
    try:
        cell.encode()
    except UnicodeEncodeError:
        return False
    return True


def _int_problem(cell: int, type_: SqlType) -> str | None:
    if type_ == "bigint" and cell not in _BIGINT:
        return f"{shown(cell)} is over the 64 bits of a bigint; make it text in a stage"
    if type_ == "double precision" and abs(cell) > _EXACT_IN_DOUBLE:
        return f"{shown(cell)} would be rounded to a double precision"
    return None


def _datetime_problem(cell: datetime, type_: SqlType) -> str | None:
    if type_ in (_AWARE, _NAIVE) and (cell.tzinfo is not None) != (type_ == _AWARE):
        return f"{shown(cell)} has {'no' if cell.tzinfo is None else 'a'} time zone, the column is {type_}"
    return None


def _time_problem(cell: time, type_: SqlType) -> str | None:
    if type_ == _BY_VALUE[time] and cell.tzinfo is not None:
        return f"{shown(cell)} has a time zone, the column is {type_}"
    return None


_PROBLEMS: tuple[tuple[type, Callable[[Any, SqlType], str | None]], ...] = (
    (str, _text_problem),
    (int, _int_problem),
    (datetime, _datetime_problem),
    (time, _time_problem),
)
