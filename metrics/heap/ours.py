"""Which code is the user's, and which is a library's or this program's own."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

_PRODUCT = frozenset({"pipeline", "metrics", "run", "tui", "diagnosis", "data", "monitor", "launcher"})
_OPEN = (
    "pipeline.tasks.refit",
    "pipeline.sinks",
    "pipeline.sources",
    "pipeline.operators",
    "pipeline.timing",
)
"""Parts of this program that hold what is the user's, or what grows by what the user does."""

_LIBRARIES = tuple(
    {
        str(Path(path).resolve())
        for name, path in sysconfig.get_paths().items()
        if name in ("stdlib", "platstdlib", "purelib", "platlib")
    }
)
_DOORS = tuple(str(Path(__file__).resolve().parents[2] / name) for name in ("monitor.py", "__main__.py"))


def product_class(kind: type) -> bool:
    """Whether its objects are this program's own, and not to be looked into."""
    module = kind.__module__
    if not isinstance(module, str) or module.partition(".")[0] not in _PRODUCT:
        return False
    return not module.startswith(_OPEN) and module != "run.demo"


class UserCode:
    """Grows as stages are met: their modules, and those beside them, are the user's."""

    def __init__(self) -> None:
        self._files: dict[str, bool] = {}
        self._folders: tuple[str, ...] = ()
        """Each with a slash at its end."""

    def meet(self, namespace: Mapping[str, Any]) -> None:
        """The global names of a module in which a stage is defined."""
        file = namespace.get("__file__")
        if isinstance(file, str) and not str(namespace.get("__name__", "")).startswith("pipeline."):
            self._files[file] = True
            if str(namespace.get("__name__", "")).partition(".")[0] not in _PRODUCT:
                folder = f"{Path(_resolved(file)).parent}/"
                if folder not in self._folders:
                    self._folders = (*self._folders, folder)

    def owns(self, namespace: Mapping[str, Any]) -> bool:
        """Whether the module with these global names is the user's."""
        file = namespace.get("__file__")
        if not isinstance(file, str):
            return namespace.get("__name__") == "__main__"
        known = self._files.get(file)
        if known is None:
            known = self._files[file] = self._judge(file, str(namespace.get("__name__", "")))
        return known

    def beside(self, namespace: Mapping[str, Any]) -> bool:
        """Whether the module is in a folder of the stages' modules, or below it."""
        file = namespace.get("__file__")
        return isinstance(file, str) and self._in_folders(_resolved(file)) and self.owns(namespace)

    def all_beside(self) -> list[dict[str, Any]]:
        """The global names of all modules that :meth:`beside` is true of."""
        global _last_beside  # noqa: PLW0603 - walks follow one another, and there are hundreds of modules
        names, (known, folders, found) = tuple(sys.modules), _last_beside
        if names != known or self._folders != folders:
            found = tuple(name for name in names if self.beside(_names_of(name)))
            _last_beside = names, self._folders, found
        return [space for name in found if self.beside(space := _names_of(name))]

    def owns_class(self, kind: type) -> bool:
        """Whether a class is defined in a module of the user's."""
        module = sys.modules.get(kind.__module__) if isinstance(kind.__module__, str) else None
        return module is not None and self.owns(vars(module))

    def _judge(self, file: str, name: str) -> bool:
        path = _resolved(file)
        if name.partition(".")[0] in _PRODUCT or path in _DOORS:
            return False
        return self._in_folders(path) or not path.startswith(_LIBRARIES)

    def _in_folders(self, path: str) -> bool:
        # An environment often lies in the project's folder; what is installed there is a library still.
        return any(
            path.startswith(folder) and (not path.startswith(_LIBRARIES) or folder.startswith(_LIBRARIES))
            for folder in self._folders
        )


_Names = tuple[str, ...]
_last_beside: tuple[_Names, _Names, _Names] = (), (), ()
"""Of all modules, for these folders, which are in them, when this was last asked."""


def _names_of(module: str) -> dict[str, Any]:
    there = sys.modules.get(module)
    return there.__dict__ if isinstance(there, ModuleType) else {}


@lru_cache(maxsize=4096)
def _resolved(file: str) -> str:
    # A Path would take the first walk ten times as long.
    folder, name = os.path.split(file)
    path = f"{_real_folder(folder)}/{name}"
    return os.path.realpath(path) if os.path.islink(path) else path  # noqa: PTH114 - see above


@lru_cache(maxsize=4096)
def _real_folder(folder: str) -> str:
    parent, name = os.path.split(folder)
    # Folders lie in the same ones: each of these is looked at once.
    if name in ("", ".", "..") or os.path.islink(folder):  # noqa: PTH114 - see above
        return os.path.realpath(folder).rstrip("/")
    return f"{_real_folder(parent)}/{name}"
