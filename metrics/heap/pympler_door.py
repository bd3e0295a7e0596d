"""The way to pympler, which counts and weighs objects for us.

Where numpy is installed, ``pympler.asizeof`` imports it, at 0.15 s and 11 MB for a program that may never
use it. It is kept from doing so unless numpy is there already; arrays are weighed by their ``__sizeof__``.
Likewise tkinter, for windows that nobody opens here.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

_hidden = [name for name in ("numpy", "tkinter") if name not in sys.modules]
for _name in _hidden:
    sys.modules[_name] = None  # type: ignore[assignment]
try:
    from pympler import muppy
    from pympler import summary as _summary
    from pympler.asizeof import Asizer
finally:
    for _name in _hidden:
        del sys.modules[_name]


def live_objects() -> list[Any]:
    """Every object that the collector knows, and what those refer to."""
    objects: list[Any] = muppy.get_objects()
    return objects


def summarized(objects: Sequence[Any]) -> list[tuple[str, int, int]]:
    """By type: its name, how many objects, and their own bytes."""
    count: Any = _summary.summarize
    return [(str(name), int(number), int(size)) for name, number, size in count(objects)]


def type_name(held: object) -> str:
    """What :func:`summarized` calls the type of an object."""
    name: Any = _summary._repr
    return str(name(held))


def asizeof(parts: Sequence[Any]) -> int:
    """Bytes of these objects and all that they lead to, each counted once."""
    sizer: Any = Asizer
    return int(sizer(stats=0, clip=0).asizeof(*parts))
