"""Whether a stage gives one and the same object for several records, and with other contents each time."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import Any

from diagnosis.observation import SharedObject
from pipeline.stages import Record
from run.trial.sink import fingerprint

RECENT = 256
"""So many objects of a stage are held on to, so that each is known by its address."""
LOOKED_AT = 4_000
"""So many records of a stage are looked at."""
_PLAIN = (str, bytes, int, float, bool, tuple, frozenset, complex, type(None))
_WITHIN = (dict, list, set, bytearray)


class Given:
    """What stages gave lately. Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._recent: dict[str, OrderedDict[int, tuple[Any, str]]] = {}
        self._counts: dict[str, list[int]] = {}

    def note(self, stage: str, values: Iterable[Any]) -> None:
        """Look at what a stage gives; plain values may be one object by chance, and cannot change."""
        with self._lock:
            recent = self._recent.setdefault(stage, OrderedDict())
            counts = self._counts.setdefault(stage, [0, 0, 0])
            for value in values:
                if counts[2] >= LOOKED_AT:
                    return
                counts[2] += 1
                again = other = False
                for each in _parts(value.value if isinstance(value, Record) else value):
                    content = fingerprint(each)
                    known = recent.get(id(each))
                    again = again or known is not None
                    other = other or (known is not None and known[1] != content)
                    recent[id(each)] = each, content
                    if len(recent) > RECENT:
                        recent.popitem(last=False)
                counts[0] += again
                counts[1] += other

    def found(self) -> tuple[SharedObject, ...]:
        """The stages that gave an object again, those first that changed it most often in between."""
        found = [SharedObject(stage, *counts) for stage, counts in self._counts.items() if counts[0]]
        return tuple(sorted(found, key=lambda each: (-each.rewritten, -each.times)))


def _parts(value: Any) -> Iterator[Any]:
    """The value and what is mutable right within it."""
    if isinstance(value, _PLAIN):
        return
    yield value
    within: Iterable[Any] = ()
    if isinstance(value, dict):
        within = value.values()
    elif isinstance(value, (list, set)):
        within = value
    elif (fields := getattr(type(value), "__struct_fields__", None)) is not None:
        within = (getattr(value, name, None) for name in fields)
    else:
        within = getattr(value, "__dict__", {}).values()
    for each in within:
        if isinstance(each, _WITHIN):
            yield each
