"""Counts all live objects by type, with pympler, and finds out who refers to those that grow.

This is the part that runs in the forked child: it gets what it needs as arguments and gives plain values.
"""

from __future__ import annotations

import gc
import random
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from metrics.heap.pympler_door import asizeof, live_objects, summarized, type_name

Row = tuple[str, int, int]
"""A type's name, how many objects, and their own bytes."""

TYPES = 400
"""The rows that are kept: those with most objects and those with most bytes."""
SAMPLE = 5
"""Objects of a type of which it is asked who refers to them."""
DEPTH = 8
WIDE = 200


def count() -> tuple[list[Row], list[Any]]:
    """All live objects by type, and the objects."""
    objects = live_objects()
    return summarized(objects), objects


def largest(rows: Iterable[Row]) -> list[Row]:
    """Rows enough to tell what grows."""
    rows = list(rows)
    by_count = sorted(rows, key=lambda row: -row[1])[: TYPES // 2]
    by_size = sorted(rows, key=lambda row: -row[2])[: TYPES // 2]
    return list(dict.fromkeys([*by_count, *by_size]))


def names(objects: Iterable[Any], owns: Callable[[type], bool]) -> set[str]:
    """What the count calls the classes, of those that ``owns`` tells, of these objects."""
    one_each = {type(each): each for each in objects}
    return {type_name(each) for kind, each in one_each.items() if owns(kind)}


def of_type(objects: Iterable[Any], name: str) -> list[Any]:
    """Some objects of a type, by the name that the count gives it."""
    kinds: dict[type, bool] = {}
    found = []
    for each in objects:
        kind = type(each)
        wanted = kinds.get(kind)
        if wanted is None:
            wanted = kinds[kind] = type_name(each) == name
        if wanted:
            found.append(each)
    return random.Random(0).sample(found, min(SAMPLE, len(found)))


def holder(
    start: Sequence[Any], places: Mapping[int, str], ignore: Sequence[Any], expired: Callable[[], bool]
) -> str | None:
    """In words, by what objects are held: the nearest container of ``places`` (by id) or module variable.

    None where nothing but themselves refers to them, or where that takes too long.
    """
    hidden = {id(each) for each in (start, ignore, *ignore)}
    seen = {id(each) for each in start} | hidden
    frontier = list(start)
    path: list[str] = []
    for _ in range(DEPTH):
        if expired() or not frontier:
            return None
        hidden.add(id(frontier))
        above = [
            each
            for each in gc.get_referrers(*frontier)
            if id(each) not in seen and id(each) not in hidden and not isinstance(each, types.FrameType)
        ]
        for each in above:
            if (place := _known(each, places)) is not None:
                return " < ".join([*path, place])
        seen.update(id(each) for each in above)
        if above:
            path.append(_kind(above[0]))
        frontier = above[:WIDE]
    return None


def weigh(container: Any) -> int:
    """Its deep size, whole."""
    return asizeof([container])


def _known(held: Any, places: Mapping[int, str]) -> str | None:
    place = places.get(id(held))
    if place is not None:
        return place
    if isinstance(held, dict) and isinstance(held.get("__name__"), str) and "__builtins__" in held:
        return f"module {held['__name__']}"
    if isinstance(held, type):
        return f"class {held.__name__}"
    return None


def _kind(held: Any) -> str:
    return type(held).__name__
