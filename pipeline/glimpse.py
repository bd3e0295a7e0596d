"""A short text of any value, at a cost that does not grow with the value.

No code of the value's own is run: a ``__repr__`` may be slow, may fail, or may change what it shows.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from itertools import islice
from pathlib import PurePath
from typing import Any
from uuid import UUID

LENGTH = 240
"""The longest text, in characters."""

_TEXT = 80
"""The longest text within a container."""
_ITEMS = 12
_DEPTH = 3
_BITS = 256
_PLAIN = frozenset(
    {bool, complex, float, type(None), date, datetime, time, timedelta, Decimal, UUID, range, type(...)}
)
_FRAMES = ("pyarrow", "polars", "pandas")


def glimpse(value: object, length: int = LENGTH) -> str:
    """The value about as Python would write it, cut to ``length`` characters; ``…`` stands for what is left
    out.

    Another thread may change it meanwhile: then what was seen of it until then is shown.
    """
    text = _text(value, _DEPTH, length)
    return text if len(text) <= length else f"{text[: length - 1]}…"


def _text(value: Any, depth: int, room: int = _TEXT) -> str:
    kind = type(value)  # isinstance() would ask the value for its __class__
    if kind in _PLAIN:
        return repr(value)
    if issubclass(kind, Enum):
        return f"{kind.__name__}.{value._name_}"
    if issubclass(kind, str):
        return _quoted(str.__getitem__(value, slice(0, room)), str.__len__(value))
    if issubclass(kind, (bytes, bytearray)):
        whole = memoryview(value)
        return _quoted(bytes(whole[:room]), len(whole))
    if issubclass(kind, float):
        return float.__repr__(value)
    if issubclass(kind, int):
        bits = int.bit_length(value)
        return int.__repr__(value) if bits <= _BITS else f"<int of {bits:,} bits>"
    if issubclass(kind, PurePath):
        return f"{kind.__name__}({_text(str(value), depth)})"
    return _container(value, depth - 1) if depth else "…"


def _quoted(head: str | bytes, length: int) -> str:
    return repr(head) if length == len(head) else f"{head!r}…"


def _container(value: Any, depth: int) -> str:
    kind = type(value)
    if issubclass(kind, dict):
        pairs = (f"{_text(key, depth)}: {_text(item, depth)}" for key, item in _seen(dict.items(value)))
        return f"{{{_joined(pairs, dict.__len__(value))}}}"
    if issubclass(kind, tuple):
        names = getattr(kind, "_fields", None)
        if names is not None:
            return _fields(kind, names, dict(zip(names, tuple.__iter__(value), strict=False)).get, depth)
        comma = "," if tuple.__len__(value) == 1 else ""
        return f"({_items(tuple.__iter__(value), tuple.__len__(value), depth)}{comma})"
    if issubclass(kind, list):
        return f"[{_items(list.__iter__(value), list.__len__(value), depth)}]"
    if issubclass(kind, set):
        return f"{{{_items(set.__iter__(value), set.__len__(value), depth)}}}"
    if issubclass(kind, frozenset):
        return f"{{{_items(frozenset.__iter__(value), frozenset.__len__(value), depth)}}}"
    return _object(value, depth)


def _object(value: object, depth: int) -> str:
    kind = type(value)
    names = getattr(kind, "__struct_fields__", None)
    if names is None and dataclasses.is_dataclass(kind):
        names = tuple(field.name for field in dataclasses.fields(kind))
    if names is not None:
        return _fields(kind, names, lambda name: _attribute(value, name), depth)
    if kind.__module__.startswith(_FRAMES):
        rows = _attribute(value, "num_rows", _attribute(value, "height"))
        return f"<{kind.__name__}>" if rows is None else f"<{kind.__name__} of {rows:,} rows>"
    held = _attribute(value, "__dict__")
    if isinstance(held, dict) and held and not issubclass(kind, type) and not callable(value):
        names = tuple(name for name, _ in _seen(held.items()))
        return _fields(kind, names, held.get, depth, total=len(held))
    return f"<{kind.__module__}.{kind.__qualname__}>"


def _attribute(value: object, name: str, otherwise: object = None) -> Any:
    """Past any ``__getattribute__`` and ``__getattr__`` of the value's own."""
    try:
        return object.__getattribute__(value, name)
    except Exception:  # noqa: BLE001 - a property may fail in any way
        return otherwise


def _fields(
    kind: type, names: tuple[str, ...], get: Callable[[str], object], depth: int, total: int | None = None
) -> str:
    shown = (f"{name}={_text(get(name), depth)}" for name in names)
    return f"{kind.__name__}({_joined(shown, len(names) if total is None else total)})"


def _items(items: Iterable[object], count: int, depth: int) -> str:
    return _joined((_text(item, depth) for item in _seen(items)), count)


def _joined(texts: Iterable[str], count: int) -> str:
    shown = ", ".join(islice(texts, _ITEMS))
    return f"{shown}, … {count - _ITEMS:,} more" if count > _ITEMS else shown


def _seen(items: Iterable[Any]) -> Iterator[Any]:
    """The first items, up to where another thread changes what they are in."""
    try:
        yield from islice(items, _ITEMS)
    except RuntimeError:
        return
