"""Columns of a SQLite table: their types, and what a type would do to a value."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Sequence
from typing import Any, Literal, TypeAlias

from msgspec import inspect

from pipeline.sinks.declared import choices, leading_type, without_none
from pipeline.sinks.fields import shown

Affinity: TypeAlias = Literal["INTEGER", "REAL", "TEXT", "BLOB", ""]
"""What SQLite converts the values of a column to where it can; BLOB and none convert nothing."""

_BY_VALUE: dict[type, Affinity] = {int: "INTEGER", bool: "INTEGER", float: "REAL", str: "TEXT", bytes: "BLOB"}
_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)
_EXACT_IN_REAL = 2**53
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_FITTING: dict[Affinity, frozenset[type]] = {
    "INTEGER": frozenset({int, float, bytes, type(None)}),
    "REAL": frozenset({float, bytes, type(None)}),
    "TEXT": frozenset({str, bytes, type(None)}),
}


def declared_affinity(type_: inspect.Type) -> Affinity:
    """The affinity for a declared Python type."""
    found = {_affinity_of(each) for each in without_none(type_)}
    if found == {"INTEGER", "REAL"}:
        return "REAL"
    return found.pop() if len(found) == 1 else ""


def seen_affinity(cells: Iterable[object]) -> Affinity:
    """The affinity for most of the given cells."""
    kind = leading_type(cells)
    return _BY_VALUE[kind] if kind is not None else ""


def sql_affinity(sql_type: str) -> Affinity:
    """The affinity that SQLite gives a column declared so (https://sqlite.org/datatype3.html, 3.1)."""
    name = sql_type.upper()
    if "INT" in name:
        return "INTEGER"
    if any(part in name for part in ("CHAR", "CLOB", "TEXT")):
        return "TEXT"
    if not name or "BLOB" in name:
        return "BLOB"
    if any(part in name for part in ("REAL", "FLOA", "DOUB")):
        return "REAL"
    return ""  # NUMERIC, as of DECIMAL and DATE columns: conversion is what their owner asked for


def fit(name: str, affinity: Affinity, cells: Sequence[Any], refused: dict[int, str]) -> Sequence[Any]:
    """The cells of a column as SQLite keeps them without a change.

    A TEXT column takes numbers as text. Cells that would be changed (``'007'`` to 7) are added to
    ``refused``: position and reason.
    """
    fitting = _FITTING.get(affinity)
    if fitting is None or set(map(type, cells)) <= fitting:
        return cells
    if affinity == "TEXT":
        return [_as_text(name, position, cell, refused) for position, cell in enumerate(cells)]
    for position, cell in enumerate(cells):
        if _changes(affinity, cell):
            refused.setdefault(
                position, f"field {name!r}: the column is {affinity}, where SQLite would change {shown(cell)}"
            )
    return cells


def same_name(name: str) -> str:
    """What SQLite compares names by: it tells no ASCII letter from its capital."""
    return name.translate(_LOWER)


def quoted(name: str) -> str:
    """A name as SQL, whatever characters it has."""
    return '"' + name.replace('"', '""') + '"'


def _as_text(name: str, position: int, cell: object, refused: dict[int, str]) -> object:
    if not isinstance(cell, int | float):
        return cell
    try:
        return repr(cell)
    except ValueError as error:
        refused.setdefault(position, f"field {name!r}: {error}")
        return None


def _changes(affinity: Affinity, cell: object) -> bool:
    if isinstance(cell, str):
        return _NUMBER.fullmatch(cell) is not None
    return affinity == "REAL" and isinstance(cell, int) and abs(cell) > _EXACT_IN_REAL


def _affinity_of(type_: inspect.Type) -> Affinity:
    kinds = choices(type_)
    if kinds is not None:
        kinds.discard(type(None))
        return _BY_VALUE.get(kinds.pop(), "TEXT") if len(kinds) == 1 else ""
    match type_:
        case inspect.IntType() | inspect.BoolType():
            return "INTEGER"
        case inspect.FloatType():
            return "REAL"
        case inspect.BytesType() | inspect.ByteArrayType() | inspect.MemoryViewType():
            return "BLOB"
        case inspect.AnyType() | inspect.CustomType() | inspect.RawType() | inspect.ExtType():
            return ""
        case _:
            return "TEXT"
