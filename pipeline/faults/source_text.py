"""Makes a module of a fault's text that looks like one more file of the user's.

What runs inside a stage must give no hint of where it came from: the file has a plain name beside the user's
own, tracebacks show its lines, and nothing in it refers to this package.
"""

from __future__ import annotations

import inspect
import itertools
import linecache
import sys
import textwrap
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

from pipeline.faults.order import Order

NAMES = ("steps", "common", "shared", "handlers", "parts", "extra")
MARK = "  #!"
"""Ends the line at fault in a variant's text; it is taken off."""

_count = itertools.count(1)


class Part:
    """A text that was compiled, as a module of its own."""

    def __init__(self, order: Order, folder: Path, workers: int | None) -> None:
        lines, self.line = _lines(order, workers)
        self.path = str(_free(folder))
        name = f"_{Path(self.path).stem}_{next(_count)}"
        self.module = ModuleType(name)
        self.module.__file__ = self.path
        source = "".join(lines)
        # Without a time of change an entry is never looked up on the disk.
        linecache.cache[self.path] = (len(source), None, lines, self.path)
        sys.modules[name] = self.module
        exec(compile(source, self.path, "exec"), self.module.__dict__)

    def get(self, name: str) -> Any:
        """What the text defines under a name."""
        return getattr(self.module, name)

    def stop_waiting(self) -> None:
        """End every wait in it; from now on it does no more harm than it must."""
        closing = getattr(self.module, "closing", None)
        if closing is not None:
            closing.set()

    def dispose(self) -> None:
        """Let go of everything that it has open or keeps; nothing of it may run any more."""
        self.stop_waiting()
        close: Callable[[], object] | None = getattr(self.module, "close", None)
        try:
            if close is not None:
                close()
        finally:
            sys.modules.pop(self.module.__name__, None)
            linecache.cache.pop(self.path, None)
            self.module.__dict__.clear()


def rendered(order: Order, workers: int | None = None) -> str:
    """The text as it runs, with its constants, for a person to read."""
    return "".join(_lines(order, workers)[0])


def _lines(order: Order, workers: int | None) -> tuple[list[str], int | None]:
    body = textwrap.dedent(order.variant.text).strip("\n").splitlines()
    used = "\n".join(body)
    constants: list[tuple[str, object]] = [
        (param.constant, _plain(dict(order.values)[param.name])) for param in order.variant.params
    ]
    constants += [("SEED", order.seed), ("WORKERS", workers)]
    head = [f"{name} = {value!r}" for name, value in constants if name in used]
    imports = list(itertools.takewhile(lambda line: line.startswith(("import ", "from ")) or not line, body))
    while imports and not imports[-1]:
        imports.pop()
    rest = body[len(imports) :]
    marked = [*imports, *([""] if imports else []), *head, *rest]
    line = next((number for number, text in enumerate(marked, 1) if text.endswith(MARK)), None)
    return [text.removesuffix(MARK) + "\n" for text in marked], line


def _plain(value: float) -> float:
    return int(value) if float(value).is_integer() else value


def _free(folder: Path) -> Path:
    """A plain name that is neither on the disk nor taken."""
    numbered = (f"{name}{number}" for number in itertools.count(2) for name in NAMES)
    for stem in itertools.chain(NAMES, numbered):
        path = folder / f"{stem}.py"
        if str(path) not in linecache.cache and not path.exists():
            return path
    raise AssertionError


def folder_of(functions: Iterable[object], product: Path) -> Path:
    """Where the user's own files are: the folder of the first function that is not of the product."""
    for function in functions:
        try:
            path = Path(inspect.getsourcefile(inspect.unwrap(function)) or "")  # type: ignore[arg-type]
        except TypeError:
            continue
        if path.is_absolute() and not path.is_relative_to(product):
            return path.parent
    return Path.cwd()
