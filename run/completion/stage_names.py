"""The names of a pipeline's stages, read out of its file without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from pipeline.pipeline import INGESTION, OUTPUT


def stage_names(path: Path) -> tuple[str, ...]:
    """The stages in the order of the file, the first and the last row of the board included.

    What is only known when the file is run, such as a name that is computed, is left out; a file that
    cannot be read or parsed has no stages.
    """
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return ()
    found = sorted(_stages(tree))
    return (INGESTION, *dict.fromkeys(name for _, name in found), OUTPUT) if found else ()


def _stages(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for decorator in node.decorator_list:
                name = _decorated(decorator, node.name)
                if name is not None:
                    yield node.lineno, name
        elif isinstance(node, ast.Call) and _is_stage(node.func) and node.args:
            name = _named(node) or _target(node.args[0])
            if name is not None:
                yield node.lineno, name


def _decorated(decorator: ast.expr, name: str) -> str | None:
    if isinstance(decorator, ast.Call) and _is_stage(decorator.func) and not decorator.args:
        return _named(decorator) or name
    return name if _is_stage(decorator) else None


def _is_stage(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "stage"


def _named(call: ast.Call) -> str | None:
    for keyword in call.keywords:
        if keyword.arg == "name" and isinstance(keyword.value, ast.Constant):
            return str(keyword.value.value)
    return None


def _target(node: ast.expr) -> str | None:
    """The name of what is given to ``stage(...)``: a function, a class, or an instance of one."""
    if isinstance(node, ast.Call):
        return _target(node.func)
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else None
