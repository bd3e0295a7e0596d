"""What functions of one record make of each: which fields they take over, and what they put into others."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

from run.trial.sink import fingerprint

MOST = 3_000
"""So many records of a stage are looked at."""
_DEEP = 3
_LEAVES = 60
_PLAIN = (str, int, float, bool, type(None))


class Before:
    """A record before a function has it."""

    __slots__ = ("content", "leaves")

    def __init__(self, value: Any) -> None:
        self.content = fingerprint(value)
        self.leaves = {_exactly(leaf) for leaf, _ in zip(_leaves(value, 0), range(_LEAVES), strict=False)}


class Made:
    """By stage and content of the record: the fields that came out with other values than any in it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.found: dict[str, dict[str, dict[str, str]]] = {}

    def full(self, stage: str) -> bool:
        """Whether enough was seen of a stage."""
        return len(self.found.get(stage, ())) >= MOST

    def note(self, stage: str, before: Before, result: Any) -> None:
        """Look at what a function made of a record; the same record again is not looked at."""
        fields = _fields(result)
        if not fields:
            return
        altered = {
            name: fingerprint(value)
            for name, value in fields.items()
            if isinstance(value, _PLAIN) and _exactly(value) not in before.leaves
        }
        with self._lock:
            self.found.setdefault(stage, {}).setdefault(before.content, altered)


def _exactly(leaf: Any) -> tuple[bool, Any]:
    """A 0 is no False."""
    return isinstance(leaf, bool), leaf


def _fields(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return {str(name): each for name, each in value.items()}
    names = getattr(type(value), "__struct_fields__", None) or getattr(value, "__dict__", {})
    return {str(name): getattr(value, name, None) for name in names}


def _leaves(value: Any, depth: int) -> Iterator[Any]:
    if isinstance(value, _PLAIN):
        yield value
    elif depth < _DEEP:
        within = value if isinstance(value, (list, tuple)) else _fields(value).values()
        for each in within:
            yield from _leaves(each, depth + 1)
