"""Finds the containers that the user's code keeps, by name, and how long they are."""

from __future__ import annotations

import functools
import gc
import io
import queue
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any, Protocol

from metrics.heap.spots import parts_of_threads

_LENGTHY = (dict, list, set, deque, bytearray)
_NESTED = 512
_DEEP = 3
_MOST = 400


@dataclass(slots=True)
class Holder:
    """A place that holds a container: read anew at each look, for the container may be replaced."""

    name: str
    object: str
    stage: str | None
    place: str | None
    get: Callable[[], Any]
    lengths: list[int] = field(default_factory=list)

    def length(self) -> int:
        """How many items are in it now, those of containers within it too; -1 where that cannot be told."""
        try:
            return measure(self.get())
        except Exception:  # noqa: BLE001 - it may change, or go, while it is looked at
            return -1

    def clear(self, above: int) -> None:
        """Empty it, where it holds more than ``above`` items."""
        value = self.get()
        if isinstance(value, functools._lru_cache_wrapper):
            if value.cache_info().currsize > above:
                value.cache_clear()
        elif isinstance(value, (queue.Queue, queue.SimpleQueue)):
            while value.qsize() > above:
                value.get_nowait()
        elif measure(value) > above and hasattr(value, "clear"):
            value.clear()


def measure(value: Any) -> int:
    """The length of a container, with those one level below it."""
    if isinstance(value, functools._lru_cache_wrapper):
        return value.cache_info().currsize
    if isinstance(value, (queue.Queue, queue.SimpleQueue)):
        return value.qsize()
    if isinstance(value, io.BytesIO):
        return value.getbuffer().nbytes
    if isinstance(value, io.StringIO):
        return value.tell()
    length = len(value)
    if length <= _NESTED and isinstance(value, (dict, list, deque)):
        within = list(value.values()) if isinstance(value, dict) else list(value)
        length += sum(len(each) for each in within if isinstance(each, _LENGTHY))
    return length


def is_container(value: Any) -> bool:
    """Whether it is something that can grow."""
    return isinstance(
        value,
        (*_LENGTHY, functools._lru_cache_wrapper, queue.Queue, queue.SimpleQueue, io.StringIO, io.BytesIO),
    )


@dataclass(slots=True)
class StageRoot:
    """A stage by name, with the function or object that does its work."""

    name: str
    target: Any


class SupportsContains(Protocol):
    """Files that can be asked for by name."""

    def __contains__(self, file: str, /) -> bool: ...


def user_modules(files: SupportsContains) -> list[ModuleType]:
    """The pipeline's file and the modules beside it."""
    found = []
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and file in files:
            found.append(module)
    return found


def files_of(part: Any) -> set[str]:
    """The files of the functions that a stage is made of, those that wrap others too."""
    found: set[str] = set()
    todo: list[Any] = [part]
    done: set[int] = set()
    while todo and len(done) < 60:
        each = todo.pop()
        each = getattr(each, "__func__", each)
        if id(each) in done:
            continue
        done.add(id(each))
        file = _file_of(each if isinstance(each, FunctionType) else type(each))
        if file is not None:
            found.add(file)
        if not isinstance(each, FunctionType):
            # A class that no module knows has methods all the same.
            methods = [value for value in vars(type(each)).values() if isinstance(value, FunctionType)]
            found |= {method.__code__.co_filename for method in methods}
            if file is not None and is_house(file):
                # What holds a stage of the user's for the monitor.
                todo += [value for value in getattr(each, "__dict__", {}).values() if callable(value)]
                todo += [
                    value for value in getattr(each, "__dict__", {}).values() if hasattr(value, "process")
                ]
        if isinstance(each, FunctionType):
            for cell in each.__closure__ or ():
                todo += [cell.cell_contents] if _filled(cell) and callable(cell.cell_contents) else []
    return found


_HOUSE = __file__.rpartition("/run/")[0] + "/"
_PARTS = tuple(_HOUSE + part for part in ("run/", "pipeline/", "metrics/", "diagnosis/", "tui/", "data/"))


def is_house(file: str) -> bool:
    """Whether a file is the monitor's own."""
    return file.startswith(_PARTS)


def discover(modules: list[ModuleType], roots: list[StageRoot], limit: int = _MOST) -> list[Holder]:
    """Every container that can be reached by name from the modules and the stages."""
    seen: set[int] = set()
    used = {root.name: _names_used(root.target, modules) for root in roots}
    found: list[Holder] = []
    for root in roots:
        found += _of_target(root, seen)
    for module in modules:
        for name, value in list(vars(module).items()):
            if name.startswith("__"):
                continue
            stage = next((stage for stage, names in used.items() if name in names), None)
            found += _of_value(
                name, value, stage, module.__file__, partial(_item, vars(module), name), seen, 0
            )
    return found[:limit]


def user_of(name: str, modules: list[ModuleType], roots: list[StageRoot]) -> str | None:
    """The first stage whose code mentions a global name, itself or through what it calls."""
    return next((root.name for root in roots if name in _names_used(root.target, modules)), None)


def _of_target(root: StageRoot, seen: set[int]) -> Iterator[Holder]:
    target = root.target
    if isinstance(target, MethodType):
        yield from _of_object(
            type(target.__self__).__name__,
            target.__self__,
            root.name,
            _file_of(type(target.__self__)),
            seen,
            0,
        )
        target = target.__func__
    if isinstance(target, functools._lru_cache_wrapper):
        yield from _of_value(
            target.__name__, target, root.name, _file_of(target), partial(_same, target), seen, 0
        )
        target = target.__wrapped__
    if isinstance(target, FunctionType):
        yield from _of_function(target.__name__, target, root.name, seen, 0)
    elif not isinstance(target, type):
        yield from _of_object(type(target).__name__, target, root.name, _file_of(type(target)), seen, 0)


def _of_function(
    name: str, target: FunctionType, stage: str | None, seen: set[int], depth: int
) -> Iterator[Holder]:
    if id(target) in seen or depth > _DEEP:
        return
    seen.add(id(target))
    file = target.__code__.co_filename
    for index, value in enumerate(target.__defaults__ or ()):
        names = target.__code__.co_varnames[: target.__code__.co_argcount]
        argument = names[len(names) - len(target.__defaults__ or ()) + index]
        yield from _of_value(f"{name}.{argument}", value, stage, file, partial(_same, value), seen, depth + 1)
    for variable, cell in zip(target.__code__.co_freevars, target.__closure__ or (), strict=False):
        try:
            value = cell.cell_contents
        except ValueError:
            continue
        if isinstance(value, FunctionType):
            yield from _of_function(value.__name__, value, stage, seen, depth + 1)
        else:
            yield from _of_value(
                f"{name}.{variable}",
                value,
                stage,
                file,
                partial(getattr, cell, "cell_contents"),
                seen,
                depth + 1,
            )
    for attribute, value in vars(target).items():
        if attribute != "__wrapped__":
            yield from _of_value(
                f"{name}.{attribute}",
                value,
                stage,
                file,
                partial(getattr, target, attribute),
                seen,
                depth + 1,
            )


def _of_value(
    name: str,
    value: Any,
    stage: str | None,
    file: str | None,
    get: Callable[[], Any],
    seen: set[int],
    depth: int,
) -> Iterator[Holder]:
    if is_container(value):
        if isinstance(value, functools._lru_cache_wrapper) and value.cache_info().maxsize is not None:
            return  # it has a bound
        if id(value) not in seen:
            seen.add(id(value))
            yield Holder(name, type(value).__name__.strip("_"), stage, file, get)
        return
    if depth > _DEEP or value is None or isinstance(value, (str, bytes, int, float, bool, ModuleType)):
        return
    if isinstance(value, threading.local):
        yield from _of_threads(name, value, stage, file, seen, depth)
        return
    if isinstance(value, FunctionType):
        if not is_house(value.__code__.co_filename) and value.__code__.co_filename == file:
            yield from _of_function(name, value, stage, seen, depth + 1)
        return
    kind = value if isinstance(value, type) else type(value)
    origin = _file_of(kind)
    if origin is None or is_house(origin) or "site-packages" in origin or "/lib/python" in origin:
        return
    if isinstance(value, type):
        yield from _of_class(value, stage, origin, seen, depth)
    else:
        yield from _of_object(name, value, stage, origin, seen, depth)


def _of_threads(
    name: str, value: threading.local, stage: str | None, file: str | None, seen: set[int], depth: int
) -> Iterator[Holder]:
    for own in parts_of_threads(value):
        for attribute, within in list(own.items()):
            yield from _of_value(
                f"{name}.{attribute}", within, stage, file, partial(own.get, attribute), seen, depth + 1
            )


def _of_class(
    kind: type, stage: str | None, file: str | None, seen: set[int], depth: int
) -> Iterator[Holder]:
    if id(kind) in seen:
        return
    seen.add(id(kind))
    for attribute, value in list(vars(kind).items()):
        if attribute.startswith("__"):
            continue
        name = f"{kind.__name__}.{attribute}"
        if isinstance(value, FunctionType):
            yield from _of_function(name, value, stage, seen, depth + 1)
        elif is_container(value):
            yield from _of_value(name, value, stage, file, partial(getattr, kind, attribute), seen, depth + 1)


def _of_object(
    name: str, value: Any, stage: str | None, file: str | None, seen: set[int], depth: int
) -> Iterator[Holder]:
    if id(value) in seen or depth > _DEEP:
        return
    seen.add(id(value))
    yield from _of_class(type(value), stage, file, seen, depth)
    for attribute, within in list(getattr(value, "__dict__", {}).items()):
        yield from _of_value(
            f"{name}.{attribute}",
            within,
            stage,
            file,
            partial(getattr, value, attribute),
            seen,
            depth + 1,
        )


def _item(space: dict[str, Any], name: str) -> Any:
    return space[name]


def _same(value: Any) -> Any:
    return value


def _file_of(thing: Any) -> str | None:
    code = getattr(getattr(thing, "__wrapped__", thing), "__code__", None)
    if isinstance(code, CodeType):
        return code.co_filename
    module = sys.modules.get(getattr(thing, "__module__", None) or "")
    file = getattr(module, "__file__", None)
    return file if isinstance(file, str) else None


def _names_used(target: Any, modules: list[ModuleType]) -> set[str]:
    """The global names that a stage's code mentions, through functions of the user's that it calls."""
    spaces: dict[str, Any] = {}
    for module in modules:
        spaces.update(vars(module))
    todo: list[Any] = [target]
    names: set[str] = set()
    done: set[int] = set()
    while todo and len(done) < 400:
        for code in _codes(todo.pop()):
            if id(code) in done:
                continue
            done.add(id(code))
            for name in code.co_names:
                if name in names:
                    continue
                names.add(name)
                if name in spaces:
                    todo.append(spaces[name])
            todo += [each for each in code.co_consts if isinstance(each, CodeType)]
    return names


def _codes(thing: Any) -> list[CodeType]:
    if isinstance(thing, CodeType):
        return [thing]
    thing = getattr(thing, "__func__", thing)
    thing = getattr(thing, "__wrapped__", thing)
    if isinstance(thing, FunctionType):
        inner = [cell.cell_contents for cell in thing.__closure__ or () if _filled(cell)]
        return [thing.__code__, *(each.__code__ for each in inner if isinstance(each, FunctionType))]
    kind = thing if isinstance(thing, type) else type(thing)
    origin = _file_of(kind)
    if origin is None or is_house(origin) or "site-packages" in origin or "/lib/python" in origin:
        return []
    return [each.__code__ for each in vars(kind).values() if isinstance(each, FunctionType)]


def _filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False


def large(least: int, known: set[int]) -> dict[int, tuple[str, int]]:
    """Every container of at least so many items that is not known: its type and length, by identity."""
    everything = gc.get_objects()
    found = {}
    for each in everything:
        if type(each) in _LENGTHY and len(each) >= least and id(each) not in known:
            found[id(each)] = (type(each).__name__, len(each))
    for each in gc.get_referents(*everything):
        # A dict or list of plain values is not tracked by the collector; whoever holds it is.
        if type(each) in _LENGTHY and len(each) >= least and id(each) not in known:
            found[id(each)] = (type(each).__name__, len(each))
    found.pop(id(everything), None)
    return found
