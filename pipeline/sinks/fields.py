"""Values as rows with named cells, for the sinks that write tables."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from typing import Any, TypeAlias

import msgspec

Fields: TypeAlias = dict[str, Any]
"""The named fields of one value, in order."""

_BUILTINS: tuple[type, ...] = (str, int, float, bytes, dict, list, tuple, set, frozenset)


@dataclass(frozen=True, slots=True)
class Rows:
    """A slice of values as rows, and the types that the values had."""

    cells: list[Fields]
    types: tuple[type, ...]


class RowEncoder:
    """Makes rows of values.

    Cells whose type is in ``plain`` stay as they are; ``convert`` makes a cell of any other. Raises
    ``ValueError``, naming the field, for a value that cannot be a row.
    """

    def __init__(self, plain: frozenset[type], convert: Callable[[Any], Any]) -> None:
        self._plain = plain
        self._convert = convert
        self._readers: dict[type, Callable[[Any], Fields]] = {dict: lambda value: value}

    def __call__(self, values: list[Any]) -> Rows:
        plain, convert, readers = self._plain, self._convert, self._readers
        rows: list[Fields] = []
        fields: Fields = {}
        try:
            for value in values:
                kind = type(value)
                fields = {}
                fields = (readers.get(kind) or self._reader(kind))(value)
                if not fields:
                    break
                if not plain.issuperset(map(type, fields.values())):
                    fields = {
                        name: cell if type(cell) in plain else convert(cell) for name, cell in fields.items()
                    }
                rows.append(fields)
        except (TypeError, ValueError, RecursionError) as error:
            raise ValueError(self._blame(fields) or str(error)) from None
        if len(rows) < len(values):
            raise ValueError("a record without fields cannot be a row")
        return Rows(rows, tuple(dict.fromkeys(map(type, values))))

    def _blame(self, fields: Fields) -> str | None:
        """Which of the fields cannot be a cell, and why."""
        for name, cell in fields.items():
            if type(cell) not in self._plain:
                try:
                    self._convert(cell)
                except (TypeError, ValueError, RecursionError) as error:
                    return f"field {name!r}: {error}"
        return None

    def _reader(self, kind: type) -> Callable[[Any], Fields]:
        reader = _reader(kind)
        self._readers[kind] = reader
        return reader


def to_encodable(value: Any) -> Any:
    """What msgspec is to write in the place of a value that it does not know.

    Subclasses of the built-in types count as those, pydantic models as their fields. Raises
    ``TypeError`` for the rest.
    """
    for builtin in _BUILTINS:
        if isinstance(value, builtin):
            # str(value) would ask a subclass for its own idea of a text.
            return str.__str__(value) if builtin is str else builtin(value)
    if isinstance(value, Mapping):
        return dict(value)
    if hasattr(type(value), "model_dump"):
        return value.model_dump(mode="json")
    module = type(value).__module__
    if module == "numpy":
        return value.item()
    if module.partition(".")[0] in ("pydantic", "pydantic_core"):
        from pydantic_core import to_jsonable_python

        return to_jsonable_python(value)
    raise TypeError(
        f"a value of type {type(value).__qualname__} cannot be written; make it text or numbers in a stage"
    )


def json_text(value: Any) -> str:
    """A value as JSON text."""
    return msgspec.json.encode(value, enc_hook=to_encodable).decode()


def shown(value: object) -> str:
    """A value for a message, cut where it is long."""
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - a repr may raise anything, as that of an int of 5,000 digits does
        return f"a value of type {type(value).__qualname__}"
    return text if len(text) <= 80 else f"{text[:77]}..."


def gather(payloads: Iterable[Rows]) -> tuple[list[Fields], list[type]]:
    """All rows of a batch, and the types of its values, each once in order of appearance."""
    parts = list(payloads)
    rows = parts[0].cells if len(parts) == 1 else [row for part in parts for row in part.cells]
    return rows, list(dict.fromkeys(chain.from_iterable(part.types for part in parts)))


def names_in(rows: Iterable[Fields]) -> list[Any]:
    """The names of all fields, in order of appearance. Those of dicts need not be text."""
    return list(dict.fromkeys(chain.from_iterable(rows)))


def in_columns(rows: Sequence[Fields], names: Sequence[str]) -> list[tuple[Any, ...]]:
    """The cells of each row in the order of the names (one or more), None where a row has no such field."""
    if len(names) > 1:
        with suppress(KeyError):
            return list(map(itemgetter(*names), rows))
    return [tuple(map(row.get, names)) for row in rows]


def name_problem(name: object) -> str | None:
    """Why a field's name cannot name a column, if it cannot."""
    if not isinstance(name, str):
        return f"the key {name!r} is not text but {type(name).__name__}"
    try:
        name.encode()
    except UnicodeEncodeError:
        return f"the key {name!r} is not valid Unicode"
    return None


def refusals(rows: Iterable[Fields], problems: Mapping[Any, str]) -> dict[int, str]:
    """The rows that have a field with a problem: position and reason."""
    bad = problems.keys()
    return {
        position: next(problems[name] for name in row if name in bad)
        for position, row in enumerate(rows)
        if not bad.isdisjoint(row)
    }


def _reader(kind: type) -> Callable[[Any], Fields]:
    if issubclass(kind, msgspec.Struct):
        return _struct_reader(kind)
    if dataclasses.is_dataclass(kind):
        names = [field.name for field in dataclasses.fields(kind)]
        return lambda value: {name: getattr(value, name) for name in names}
    if hasattr(kind, "model_dump"):
        return lambda value: dict(value.model_dump())
    if issubclass(kind, Mapping):
        return dict
    raise TypeError(
        f"a value of type {kind.__qualname__} has no named fields, so it cannot be a row; "
        "give a dict or a Struct to the sink, or write with jsonl"
    )


def _struct_reader(kind: type[msgspec.Struct]) -> Callable[[Any], Fields]:
    names = kind.__struct_encode_fields__
    as_tuple = msgspec.structs.astuple
    tag_field, tag = kind.__struct_config__.tag_field, kind.__struct_config__.tag
    if tag_field is None:
        return lambda value: dict(zip(names, as_tuple(value), strict=True))
    return lambda value: {tag_field: tag, **dict(zip(names, as_tuple(value), strict=True))}
