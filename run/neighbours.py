"""The modules beside a pipeline file: it may import them, and each load gets them fresh."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

_HOUSE = Path(__file__).resolve().parents[1]
_INSTALLED = frozenset({"site-packages", "dist-packages"})


class Neighbours:
    """Lets one folder at a time be imported from, also by stages while they run."""

    def __init__(self) -> None:
        self._folder: str | None = None
        self._loaded: set[str] = set()

    @contextmanager
    def of(self, folder: Path) -> Iterator[None]:
        """Load a file of this folder; what earlier loads imported from beside their file is imported anew.

        The folder comes last, so that it cannot hide a package of the monitor.
        """
        self._forget()
        if str(folder) not in sys.path:
            self._folder = str(folder)
            sys.path.append(self._folder)
        importlib.invalidate_caches()
        known = set(sys.modules)
        try:
            yield
        finally:
            self._loaded = {
                name
                for name, module in list(sys.modules.items())
                if name not in known and _is_beside(name, module, folder)
            }

    def _forget(self) -> None:
        for name in self._loaded:
            sys.modules.pop(name, None)
        self._loaded = set()
        if self._folder in sys.path:
            sys.path.remove(self._folder)
        self._folder = None


def shadowed(error: ImportError) -> str | None:
    """The package of the monitor that was found where the user may have meant a module of the same name."""
    top = (error.name or "").partition(".")[0]
    return top if error.path is not None and _is_house(top, Path(error.path)) else None


def _is_beside(name: str, module: ModuleType, folder: Path) -> bool:
    file = getattr(module, "__file__", None)
    if not isinstance(file, str) or not file.endswith(".py"):
        return False
    path = Path(file)
    inside = path.is_relative_to(folder) and _INSTALLED.isdisjoint(path.parts)
    return inside and not _is_house(name.partition(".")[0], path)


def _is_house(top: str, path: Path) -> bool:
    return bool(top) and path.is_relative_to(_HOUSE / top) and (_HOUSE / top / "__init__.py").exists()
