"""Places that hold a container, and how long the container there is.

A place is looked up anew each time, so that watching keeps nothing alive that the pipeline has let go of, and
follows a name that is bound to another container. None of the user's code is run: lengths are asked of the
built-in types, attributes are read past properties and ``__getattr__``.
"""

from __future__ import annotations

import functools
import gc
import queue
import threading
import types
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeGuard, TypeVar

T = TypeVar("T")

LRU_CACHE = type(functools.lru_cache(lambda: None))
"""The type of a function with ``lru_cache``."""

Look = Callable[[], Any]
"""Gives what is at a place now, or None."""

THREAD_LOCAL = "(thread-local)"
"""Ends the place of what is in a thread's own storage."""

_LENGTHS: tuple[tuple[type, Callable[[Any], int]], ...] = (
    (dict, dict.__len__),
    (list, list.__len__),
    (set, set.__len__),
    (deque, deque.__len__),
    (bytearray, bytearray.__len__),
    (LRU_CACHE, lambda held: held.cache_info().currsize),
    # The library's own classes: what they are made of is of no interest.
    (weakref.WeakValueDictionary, lambda held: len(held.data)),
    (weakref.WeakKeyDictionary, lambda held: len(held.data)),
    (weakref.WeakSet, lambda held: len(held.data)),
    (queue.Queue, lambda held: len(held.queue)),
    (queue.SimpleQueue, queue.SimpleQueue.qsize),
)
_KINDS = tuple(kind for kind, _ in _LENGTHS)
_PLAIN = tuple(kind for kind in _KINDS if type(kind) is type)
# Of these Python would ask their abstract bases, which takes as long as all the rest.
_ABSTRACT = tuple(kind for kind in _KINDS if type(kind) is not type)
_is_below = type.__subclasscheck__
_SLOT = types.MemberDescriptorType


def is_a(held: object, kinds: type[T] | tuple[type[T], ...]) -> TypeGuard[T]:
    """Like ``isinstance``, which would ask the object for its ``__class__``, and so may run its code."""
    return issubclass(type(held), kinds)


def is_container(held: object) -> bool:
    """Whether its length can be told, and it may grow."""
    kind = type(held)
    if issubclass(kind, _PLAIN):
        return True
    for abstract in _ABSTRACT:  # noqa: SIM110 - asked of every object that a walk meets
        if _is_below(abstract, kind):
            return True
    return False


def length(held: Any) -> int | None:
    """How many items it holds; None where it is no container, or cannot tell right now."""
    try:
        for kind, measure in _LENGTHS if is_container(held) else ():
            if is_a(held, kind):
                return measure(held)
    except Exception:  # noqa: BLE001 - a subclass may have deleted what its base needs
        return None
    return None


def bound(held: Any) -> int | None:
    """The most items that it will ever hold, where it has such a bound."""
    try:
        if is_a(held, deque):
            return held.maxlen
        if is_a(held, LRU_CACHE):
            limit: int | None = held.cache_parameters()["maxsize"]
            return limit
        if is_a(held, queue.Queue):
            return held.maxsize or None
        if any(type(held) is kind for kind in _KINDS):
            return None
        # Caches of well-known libraries are dicts, or hold one, and call it so.
        limit = attribute(held, "maxsize")
        if limit is None:
            limit = attribute(held, "_Cache__maxsize")
        return int(limit) if isinstance(limit, (int, float)) and 0 < limit < 1 << 62 else None
    except Exception:  # noqa: BLE001 - not having one is no fault
        return None


def parts_of_threads(held: threading.local) -> Iterator[dict[str, Any]]:
    """Each thread's own attributes: they hang on the object, by a weak reference to that thread's part."""
    for table in gc.get_referents(held):
        if is_a(table, dict):
            yield from (own for own in list(table.values()) if is_a(own, dict))


def attributes(held: object) -> dict[str, Any]:
    """What an object holds, by name: its ``__dict__`` and slots, without running anything of its class."""
    found: dict[str, Any] = {}
    for kind in type(held).__mro__:
        for name, member in kind.__dict__.items():
            if type(member) is _SLOT and name not in found and not name.startswith("__"):
                try:
                    found[name] = member.__get__(held)
                except AttributeError:
                    continue
    own = own_dict(held)
    return {**found, **own} if own else found


def attribute(held: object, name: str) -> Any:
    """One of :func:`attributes`, or None: this is asked at every reading of a container, and looks at nothing
    else."""
    own = own_dict(held)
    if own is not None and name in own:
        return own[name]
    if not name.startswith("__"):
        for kind in type(held).__mro__:
            member = kind.__dict__.get(name)
            if type(member) is _SLOT:
                try:
                    return member.__get__(held)
                except AttributeError:
                    continue
    return None


def own_dict(held: object) -> dict[str, Any] | None:
    """The object's own ``__dict__``, even where its class says otherwise."""
    for kind in type(held).__mro__:
        member = kind.__dict__.get("__dict__")
        if type(member) is types.GetSetDescriptorType:
            try:
                found = member.__get__(held)
            except Exception:  # noqa: BLE001 - it has none then
                return None
            return found if isinstance(found, dict) else None
    return None


@dataclass(frozen=True, slots=True)
class Spot:
    """A container where it is held. ``place`` names it in words, ``stage`` is the one it was reached from."""

    name: str
    place: str
    stage: str | None
    look: Look
    declared: bool = False

    @property
    def of_thread(self) -> bool:
        """Whether it is in a thread's own storage, and goes with the thread."""
        return self.place.endswith(THREAD_LOCAL)

    def held(self) -> Any:
        """The container that is there now, or None."""
        try:
            return self.look()
        except Exception:  # noqa: BLE001 - whatever was on the way there is gone
            return None


def weakly(held: Any) -> Look:
    """Gives it as long as somebody else keeps it; what Python cannot refer to weakly is kept."""
    try:
        return weakref.ref(held)
    except TypeError:
        return lambda: held


def item_of(look: Look, key: Any) -> Look:
    """What is under a key, or at a position, of what another look gives."""

    def found() -> Any:
        held = look()
        # Not held[key]: that of a defaultdict would add the key.
        if is_a(held, dict):
            return dict.get(held, key)
        if is_a(held, list):
            return list.__getitem__(held, key)
        return tuple.__getitem__(held, key) if is_a(held, tuple) else None

    return found


def attribute_of(look: Look, name: str) -> Look:
    """An attribute of what another look gives."""

    def found() -> Any:
        held = look()
        return None if held is None else attribute(held, name)

    return found
