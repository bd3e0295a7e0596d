"""Sets what the user's functions remember back, before each record, to what it was at first.

Only plain values and containers are set back: names of modules, attributes of objects that modules hold,
default arguments, variables of closures. A connection that was opened on the way stays open, and what a stage
with a memory keeps is its own.
"""

from __future__ import annotations

import copy
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import CellType, FunctionType, ModuleType
from typing import Any

from diagnosis.change import ALL
from diagnosis.observation import Remembered
from pipeline.stages import Stage

_PLAIN = (int, float, str, bytes, bool, type(None), tuple, frozenset, complex)
_CONTAINERS = (dict, list, set, deque, bytearray)
_MOST = 2_000
"""A container that begins with more items than these is a table, and too long to set back each time."""
_DEEP = 3


@dataclass(slots=True)
class _Slot:
    """One thing that is remembered; ``get`` and ``put`` are of its place, where another can be put there."""

    name: str
    file: str
    get: Callable[[], Any]
    put: Callable[[Any], None] | None
    value: Any
    content: Any = None
    times: int = 0
    """How often it was another than at first."""

    def restore(self) -> None:
        changed = False
        now = self.get()
        if now is not self.value and self.put is not None and isinstance(now, (*_PLAIN, *_CONTAINERS)):
            self.put(self.value)
            changed = True
        if self.content is not None and self.value != self.content:
            _refill(self.value, copy.deepcopy(self.content))
            changed = True
        self.times += changed


@dataclass(slots=True)
class Memory:
    """What the functions of a pipeline remember; ``modules`` are the user's, which may become more."""

    modules: Callable[[], Sequence[ModuleType]]
    names: Sequence[str]
    """Of what is set back; :data:`~diagnosis.change.ALL` for everything."""
    targets: Sequence[Any]
    _slots: list[_Slot] = field(default_factory=list)
    _seen: set[int] = field(default_factory=set)
    _known: int = 0

    def restore(self) -> None:
        """Set everything back that has changed; what is met for the first time is as it shall be."""
        if len(sys.modules) != self._known:
            self._known = len(sys.modules)
            self._learn()
        for slot in self._slots:
            if ALL not in self.names and slot.name not in self.names:
                continue
            try:
                slot.restore()
            except Exception:  # noqa: BLE001 - what cannot be compared, or copied, is left as it is
                slot.content = None

    def found(self) -> tuple[Remembered, ...]:
        """What had changed, that most often first."""
        changed = [
            Remembered(slot.name, type(slot.value).__name__, slot.file, slot.times)
            for slot in self._slots
            if slot.times
        ]
        return tuple(sorted(changed, key=lambda each: -each.times))

    def _learn(self) -> None:
        for target in self.targets:
            self._slots += self._of_function(getattr(target, "__func__", target), 0)
        for module in self.modules():
            if id(module) in self._seen:
                continue
            self._seen.add(id(module))
            space = vars(module)
            file = str(module.__file__)
            for name, value in list(space.items()):
                if name.startswith("__"):
                    continue
                if isinstance(value, FunctionType):
                    self._slots += self._of_function(value, 0)
                else:
                    self._slots += self._of_value(name, file, value, space)

    def _of_value(self, name: str, file: str, value: Any, space: dict[str, Any]) -> Iterator[_Slot]:
        key = name.rpartition(".")[2]
        if isinstance(value, (*_PLAIN, *_CONTAINERS)):
            yield from self._slot(
                name, file, value, lambda: space[key], lambda other: space.__setitem__(key, other)
            )
        elif not isinstance(value, (type, ModuleType, Stage)) and id(value) not in self._seen:
            self._seen.add(id(value))
            home = getattr(sys.modules.get(type(value).__module__), "__file__", None)
            within = getattr(value, "__dict__", None)
            if home == file and isinstance(within, dict):
                for attribute, held in list(within.items()):
                    if isinstance(held, (*_PLAIN, *_CONTAINERS)):
                        yield from self._of_value(f"{name}.{attribute}", file, held, within)

    def _of_function(self, function: Any, depth: int) -> Iterator[_Slot]:
        if not isinstance(function, FunctionType) or id(function) in self._seen or depth > _DEEP:
            return
        self._seen.add(id(function))
        file = function.__code__.co_filename
        defaults = function.__defaults__ or ()
        names = function.__code__.co_varnames[: function.__code__.co_argcount][-len(defaults) :]
        for argument, value in (
            *zip(names, defaults, strict=False),
            *(function.__kwdefaults__ or {}).items(),
        ):
            if isinstance(value, _CONTAINERS):
                yield from self._slot(
                    f"{function.__name__}.{argument}", file, value, partial(_same, value), None
                )
        for variable, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=False):
            try:
                value = cell.cell_contents
            except ValueError:
                continue
            if isinstance(value, (*_PLAIN, *_CONTAINERS)):
                yield from self._slot(f"{function.__name__}.{variable}", file, value, *_of_cell(cell))
            else:
                yield from self._of_function(value, depth + 1)

    def _slot(
        self, name: str, file: str, value: Any, get: Callable[[], Any], put: Callable[[Any], None] | None
    ) -> Iterator[_Slot]:
        if isinstance(value, _PLAIN):
            yield _Slot(name, file, get, put, value)
        elif id(value) not in self._seen and len(value) <= _MOST:
            self._seen.add(id(value))
            try:
                yield _Slot(name, file, get, put, value, copy.deepcopy(value))
            except Exception:  # noqa: BLE001 - a lock in it, or what refuses to be copied
                return


def _same(value: Any) -> Any:
    return value


def _of_cell(cell: CellType) -> tuple[Callable[[], Any], Callable[[Any], None]]:
    return lambda: cell.cell_contents, lambda other: setattr(cell, "cell_contents", other)


def _refill(held: Any, content: Any) -> None:
    """The same object with other contents."""
    if isinstance(held, (list, bytearray)):
        held[:] = content
        return
    held.clear()
    held.extend(content) if isinstance(held, deque) else held.update(content)
