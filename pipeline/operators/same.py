"""Whether records of a batch are one and the same object, so that what changes one changes the others."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any

_FIXED = (str, bytes, int, float, complex, bool, type(None), tuple, frozenset, range, Enum, type)


def shared(values: Sequence[Any]) -> int:
    """How many of the values are the same object as another before them; values that nobody can change do not
    count."""
    if len(values) < 2:
        return 0
    changes = {kind for kind in set(map(type, values)) if _changes(kind)}
    if not changes or len(set(map(id, values))) == len(values):
        return 0
    places = [id(value) for value in values if type(value) in changes]
    return len(places) - len(set(places))


def _changes(kind: type) -> bool:
    """Whether objects of a type can be changed, as far as it tells."""
    if issubclass(kind, _FIXED) or getattr(getattr(kind, "__struct_config__", None), "frozen", False):
        return False
    return not getattr(getattr(kind, "__dataclass_params__", None), "frozen", False)
