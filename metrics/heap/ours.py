"""Which code is the user's, and which is a library's or this program's own."""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
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
        self._folders: set[str] = set()

    def meet(self, namespace: Mapping[str, Any]) -> None:
        """The global names of a module in which a stage is defined."""
        file = namespace.get("__file__")
        if isinstance(file, str) and not str(namespace.get("__name__", "")).startswith("pipeline."):
            self._files[file] = True
            if str(namespace.get("__name__", "")).partition(".")[0] not in _PRODUCT:
                self._folders.add(str(Path(_resolved(file)).parent))

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
            path.startswith(f"{folder}/")
            and (not path.startswith(_LIBRARIES) or folder.startswith(_LIBRARIES))
            for folder in self._folders
        )


@lru_cache(maxsize=4096)
def _resolved(file: str) -> str:
    return str(Path(file).resolve())
