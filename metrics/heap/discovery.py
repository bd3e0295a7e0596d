"""Finds the containers that a pipeline's stages can reach, by walking from what the engine calls.

A walk is bounded in steps and depth. It runs none of the user's code: see :mod:`metrics.heap.spots`.
"""

from __future__ import annotations

import functools
import logging
import sys
import threading
import types
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from metrics.heap.ours import UserCode, product_class
from metrics.heap.spots import (
    LRU_CACHE,
    THREAD_LOCAL,
    Look,
    Spot,
    attribute_of,
    attributes,
    is_a,
    is_container,
    item_of,
    length,
    own_dict,
    parts_of_threads,
    weakly,
)

MAX_STEPS = 20_000
MAX_DEPTH = 7
SMALL = 16
"""Containers of up to so many items may hold others that matter, as a table of caches does; those that are
in these are taken for data."""
CONTAINERS = 400

_ATOMS = (str, bytes, int, float, complex, bool, type(None), types.CodeType, range, slice)
_CLOSED = (
    *_ATOMS,
    types.FrameType,
    types.TracebackType,
    types.GetSetDescriptorType,
    types.MemberDescriptorType,
    threading.Thread,
    logging.Logger,
    logging.Handler,
    logging.Manager,
)

_WRAPPERS = (types.MethodType, LRU_CACHE, classmethod, staticmethod, property)
_WRAPPED = ("__self__", "__func__", "__wrapped__", "fget")

_NAMED = (types.FunctionType, types.BuiltinFunctionType, type)

Step = tuple[Any, str, str, Look, int]
"""An object that was met: its name, its place in words, how to look there again, and how deep it is."""


class Walk:
    """One walk over everything; :attr:`spots` is what it found, each container once.

    A container that several stages reach is said to be of the first; one that only stands in a module of the
    user's, of none.
    """

    def __init__(self, roots: Mapping[str, Sequence[object]], output: str) -> None:
        """``roots`` are by stage, in flow order; ``output`` is the stage that is the sink."""
        self.spots: list[Spot] = []
        self.whole = True
        """Whether it came to its end, and was not cut off at a bound."""
        self._seen: set[int] = set()
        self.code = UserCode()
        self._modules: dict[int, dict[str, Any]] = {}
        self.steps = 0
        """Objects that it met."""
        self._output = output
        self._stage: str | None = None
        self._waiting: deque[Step] = deque()
        self._roots = {id(part) for parts in roots.values() for part in parts}
        for parts in roots.values():
            for part in parts:
                self._meet(part)
        for stage, parts in roots.items():
            self._stage = stage
            for part in parts:
                name = str(getattr(part, "__name__", "")) if is_a(part, _NAMED) else type(part).__name__
                self._walk((part, name, name, weakly(part), 0))
        self._stage = None
        for namespace in self._user_modules():
            self._walk(*self._globals(namespace, list(namespace)))
        self._logging()

    def _meet(self, part: Any) -> None:
        """Learn from a stage, and from what it is wrapped in, which code is the user's."""
        for _ in range(MAX_DEPTH):
            if is_a(part, types.MethodType):
                part = part.__func__
            elif is_a(part, functools.partial):
                part = part.func
            elif is_a(part, types.FunctionType):
                self.code.meet(part.__globals__)
                part = (own_dict(part) or {}).get("__wrapped__")
            else:
                module = sys.modules.get(str(type(part).__module__))
                if module is not None and part is not None:
                    self.code.meet(vars(module))
                return

    def _walk(self, *begin: Step) -> None:
        self._waiting.extend(begin)
        while self._waiting:
            held, name, place, look, depth = self._waiting.popleft()
            if is_a(held, _CLOSED) or id(held) in self._seen:
                continue
            if self.steps >= MAX_STEPS or len(self.spots) >= CONTAINERS:
                self.whole = False
                self._waiting.clear()
                return
            self.steps += 1
            self._seen.add(id(held))
            if is_container(held):
                self.spots.append(Spot(name, place, self._stage, look))
            if depth < MAX_DEPTH and not (is_container(held) and place.endswith("]")):
                self._waiting.extend(
                    (each[0], each[1], each[2], each[3], depth + 1)
                    for each in self._inside(held, name, place, look)
                    if not is_a(each[0], _ATOMS)
                )

    def _inside(self, held: Any, name: str, place: str, look: Look) -> Iterator[Step]:
        if is_a(held, types.FunctionType):
            yield from self._function(held, look)
        elif is_a(held, types.BuiltinMethodType):
            yield from self._builtin(held, name, place, look)
        elif is_a(held, functools.partial):
            yield from _partial(held, name, place, look)
        elif is_a(held, _WRAPPERS):
            for part in _WRAPPED:
                if (inner := getattr(held, part, None)) is not None:
                    yield inner, name, place, functools.partial(_part, look, part), 0
        elif is_a(held, type):
            yield from self._class(held)
        elif is_a(held, types.ModuleType):
            if self.code.owns(vars(held)):
                self._modules.setdefault(id(held.__dict__), held.__dict__)
        elif is_a(held, threading.local):
            yield from _thread_locals(held, name)
        elif is_a(held, (dict, list, tuple)):
            yield from _items(held, name, place, look)
        elif not product_class(type(held)) or id(held) in self._roots:
            yield from self._object(held, place, look)

    def _builtin(self, held: types.BuiltinMethodType, name: str, place: str, look: Look) -> Iterator[Step]:
        if self._stage == self._output:
            # A sink such as rows.append: that container is where the output is to go.
            self._seen.add(id(held.__self__))
        elif not is_a(held.__self__, types.ModuleType):
            yield held.__self__, name, place, functools.partial(_part, look, "__self__"), 0

    def _function(self, function: types.FunctionType, look: Look) -> Iterator[Step]:
        title, code = function.__name__, function.__code__
        cells = function.__closure__ or ()
        for variable, cell in zip(code.co_freevars, cells, strict=False):
            try:
                held = cell.cell_contents
            except ValueError:
                continue
            yield held, variable, f"{title}.<closure>.{variable}", functools.partial(_contents, cell), 0
        names = code.co_varnames[: code.co_argcount]
        defaults = function.__defaults__ or ()
        for at, (argument, held) in enumerate(
            zip(names[len(names) - len(defaults) :], defaults, strict=True)
        ):
            there = item_of(functools.partial(_part, look, "__defaults__"), at)
            yield held, argument, f"{title}.<defaults>.{argument}", there, 0
        for argument, held in (function.__kwdefaults__ or {}).items():
            there = item_of(functools.partial(_part, look, "__kwdefaults__"), argument)
            yield held, argument, f"{title}.<defaults>.{argument}", there, 0
        for attribute, held in list((own_dict(function) or {}).items()):
            yield held, attribute, f"{title}.{attribute}", attribute_of(look, attribute), 0
        namespace = function.__globals__
        if self.code.owns(namespace):
            self._modules.setdefault(id(namespace), namespace)
            used = list(names_in(code))
            yield from self._globals(namespace, used)
            for name in used:
                module = namespace.get(name)
                if is_a(module, types.ModuleType) and self.code.owns(vars(module)):
                    yield from self._globals(vars(module), used)

    def _class(self, kind: type) -> Iterator[Step]:
        if not self.code.owns_class(kind):
            return
        # An enum's or a data class's own tables do not grow, and their names say nothing.
        for attribute, held in list(vars(kind).items()):
            if attribute.startswith("__") and attribute.endswith("__") and is_container(held):
                continue
            there = functools.partial(_class_part, weakly(kind), attribute)
            yield held, attribute, f"{kind.__name__}.{attribute}", there, 0
        for base in kind.__mro__[1:]:
            yield base, base.__name__, base.__name__, weakly(base), 0

    def _object(self, held: Any, place: str, look: Look) -> Iterator[Step]:
        kind = type(held)
        # A module's variable that is an object: the object's class says more than the path to it.
        title = place if product_class(kind) else kind.__name__
        for attribute, value in attributes(held).items():
            yield value, attribute, f"{title}.{attribute}", attribute_of(look, attribute), 0
        yield kind, kind.__name__, kind.__name__, weakly(kind), 0

    def _globals(self, namespace: dict[str, Any], names: Sequence[str]) -> Iterator[Step]:
        file = Path(str(namespace.get("__file__") or namespace.get("__name__"))).name
        for name in names:
            if name in namespace and not (name.startswith("__") and name.endswith("__")):
                held = namespace[name]
                if is_a(held, types.ModuleType):
                    continue
                yield held, name, f"{file}: {name}", functools.partial(namespace.get, name), 0

    def _user_modules(self) -> list[dict[str, Any]]:
        for namespace in self.code.all_beside():
            self._modules.setdefault(id(namespace), namespace)
        return list(self._modules.values())

    def _logging(self) -> None:
        loggers = [logging.root, *list(logging.root.manager.loggerDict.values())]
        for logger in loggers:
            if is_a(logger, logging.Logger) and logger.handlers and id(logger.handlers) not in self._seen:
                place = f"logging: {logger.name}.handlers"
                self.spots.append(Spot("handlers", place, None, attribute_of(weakly(logger), "handlers")))


@functools.lru_cache(maxsize=4096)
def names_in(code: types.CodeType) -> tuple[str, ...]:
    """The names that a function, and the functions within it, look up."""
    found = dict.fromkeys(code.co_names)
    for constant in code.co_consts:
        if is_a(constant, types.CodeType):
            found.update(dict.fromkeys(names_in(constant)))
    return tuple(found)


def _partial(held: functools.partial[Any], name: str, place: str, look: Look) -> Iterator[Step]:
    yield held.func, name, place, functools.partial(_part, look, "func"), 0
    for at, each in enumerate(held.args):
        there = item_of(functools.partial(_part, look, "args"), at)
        yield each, f"{name}[{at}]", f"{place}[{at}]", there, 0
    for key, each in held.keywords.items():
        there = item_of(functools.partial(_part, look, "keywords"), key)
        yield each, key, f"{place}({key}=)", there, 0


def _items(held: Any, name: str, place: str, look: Look) -> Iterator[Step]:
    if (len(held) if is_a(held, tuple) else length(held) or 0) > SMALL:
        return
    pairs = list(dict.items(held)) if is_a(held, dict) else list(enumerate(held))
    for key, value in pairs:
        if is_a(key, (str, int)):
            yield value, f"{name}[{key!r}]", f"{place}[{key!r}]", item_of(look, key), 0


def _thread_locals(held: threading.local, name: str) -> Iterator[Step]:
    for own in parts_of_threads(held):
        for attribute, value in list(own.items()):
            there = functools.partial(own.get, attribute)
            yield value, attribute, f"{name}.{attribute} {THREAD_LOCAL}", there, 0


def _contents(cell: types.CellType) -> Any:
    return cell.cell_contents


def _part(look: Callable[[], Any], name: str) -> Any:
    """A part of one of the interpreter's own objects, which have no code of the user's behind a name."""
    held = look()
    return None if held is None else getattr(held, name)


def _class_part(look: Look, name: str) -> Any:
    kind = look()
    return None if kind is None else vars(kind).get(name)
