"""Which source files are the user's, and what is run in the place of some of their lines."""

from __future__ import annotations

import ast
import builtins
import linecache
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from diagnosis.change import Patch, patched
from run.trial.containers import is_house


class UserFiles:
    """The pipeline's file and what lies beside and below it; asked for very often, so it remembers."""

    def __init__(self, main: str) -> None:
        self.main = main
        self.folder = str(Path(main).parent) + "/"
        self._known: dict[str, bool] = {main: True}

    def __contains__(self, file: str) -> bool:
        known = self._known.get(file)
        if known is None:
            mine = file.startswith(self.folder) and "site-packages" not in file and "/lib/python" not in file
            known = self._known[file] = mine and file.endswith(".py") and not is_house(file)
        return known

    def seen(self) -> tuple[str, ...]:
        """Those that were asked for, the pipeline's own first."""
        return (self.main, *sorted(file for file, mine in self._known.items() if mine and file != self.main))

    def unwritten(self) -> dict[str, str]:
        """The text of those that are on no disk."""
        found = {}
        for file in self.seen():
            if not Path(file).exists() and (lines := linecache.getlines(file)):
                found[file] = "".join(lines)
        return found


def patch(patches: Sequence[Patch]) -> None:
    """From now on, what is compiled under the name of a patched file is the patched text."""
    if not patches:
        return
    by_file: dict[str, list[Patch]] = {}
    for each in patches:
        by_file.setdefault(each.file, []).append(each)
    real: Any = builtins.compile

    def compiled(source: Any, filename: Any, *arguments: Any, **named: Any) -> Any:
        mine = by_file.get(filename) if isinstance(filename, str) else None
        if mine and not isinstance(source, ast.AST):
            text = source if isinstance(source, str) else bytes(source).decode("utf-8-sig")
            source = patched(text, mine)
        return real(source, filename, *arguments, **named)

    builtins.compile = compiled
