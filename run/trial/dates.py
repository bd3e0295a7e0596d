"""Lets the user's code ask a trial for the date, wherever it asks ``datetime`` for it.

The class itself stays what it is, for schemas know no other: calls of ``now``, ``utcnow`` and ``today`` are
compiled as calls of a function of the trial's. So all of the user's files are compiled anew, also those of
which there is a compiled copy.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable
from importlib.machinery import SourceFileLoader
from typing import Any

from run.trial.files import UserFiles

_ASKED = ("now", "utcnow", "today")
_NAME = "__date_of_the_trial__"


def install(files: UserFiles, ask: Callable[..., Any]) -> None:
    """From now on ``ask(thing, "now", ...)`` is called where a file of the user's says ``thing.now(...)``."""
    setattr(builtins, _NAME, ask)
    real: Any = builtins.compile
    from_copy: Any = SourceFileLoader.get_code

    def compiled(source: Any, filename: Any, mode: str, flags: int = 0, *others: Any, **named: Any) -> Any:
        mine = isinstance(filename, str) and filename in files
        if mine and not isinstance(source, ast.AST) and not flags & ast.PyCF_ONLY_AST:
            # By the compiler itself: whatever else stands before it has seen this text already.
            tree = real(source, filename, mode, ast.PyCF_ONLY_AST, dont_inherit=True)
            source = ast.fix_missing_locations(_Asking().visit(tree))
        return real(source, filename, mode, flags, *others, **named)

    def code(loader: SourceFileLoader, name: str) -> Any:
        path = loader.get_filename(name)
        if path in files:
            return loader.source_to_code(loader.get_data(path), path)
        return from_copy(loader, name)

    builtins.compile = compiled
    setattr(SourceFileLoader, "get_code", code)  # noqa: B010


class _Asking(ast.NodeTransformer):
    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        if not isinstance(node.func, ast.Attribute) or node.func.attr not in _ASKED:
            return node
        given = [node.func.value, ast.Constant(node.func.attr), *node.args]
        return ast.copy_location(ast.Call(ast.Name(_NAME, ast.Load()), given, node.keywords), node)
