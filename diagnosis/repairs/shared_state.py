"""A copy where something mutable is handed out, kept, or changed."""

from __future__ import annotations

import ast

from diagnosis.experiments import Case
from diagnosis.repairs.base import Repair, before, body_lines, in_line, lines_of, margin, replaced, top_of
from diagnosis.source import Source


def repairs(case: Case) -> list[Repair]:
    found: list[Repair] = []
    edges = case.edges or case.stages
    shapes = sorted(case.first.stages, key=lambda shape: shape.name not in edges)
    done: set[tuple[str, int]] = set()
    for shape in shapes:
        names = case.source.reach(shape)
        for file, node, _ in case.source.functions():
            if node.name in names and (file, node.lineno) not in done:
                done.add((file, node.lineno))
                found += _defaults(case.source, file, node)
                found += _copies(case.source, file, node)
    return found


def _imported(source: Source, file: str, line: int) -> tuple[object, ...]:
    if "\nimport copy\n" in source.texts[file]:
        return ()
    return (before(file, top_of(source, file, line), "import copy\n\n"),)


def _defaults(source: Source, file: str, node: ast.FunctionDef) -> list[Repair]:
    found = []
    arguments = node.args.args
    for argument, default in zip(
        arguments[len(arguments) - len(node.args.defaults) :], node.args.defaults, strict=True
    ):
        if not isinstance(default, (ast.List, ast.Dict, ast.Set, ast.Call)):
            continue
        patch = in_line(source, file, default, "None")
        if patch is None:
            continue
        first, _ = body_lines(node)
        at = margin(lines_of(source, file)[first - 1])
        made = before(
            file, first, f"{at}if {argument.arg} is None:\n{at}    {argument.arg} = {ast.unparse(default)}"
        )
        short = f"{file.rpartition('/')[2]}:{default.lineno}"
        found.append(
            Repair(
                f"make {argument.arg} anew in each call of {node.name}: a default of None: {short}",
                f"{file}:{default.lineno}",
                argument.arg,
                (patch, made),
            )
        )
    return found


def _copies(source: Source, file: str, node: ast.FunctionDef) -> list[Repair]:
    """Copies of what is assigned from, returned or kept, and of what is given."""
    candidates = [(0, at, "given on") for at in _held_within(source, file, node)]
    for each in ast.walk(node):
        if isinstance(each, (ast.Assign, ast.AnnAssign)) and isinstance(
            each.value, (ast.Name, ast.Attribute, ast.Subscript)
        ):
            candidates.append((0, each.value, "taken"))
        elif (
            isinstance(each, ast.Call)
            and isinstance(each.func, ast.Attribute)
            and each.func.attr in ("append", "add", "replace")
        ):
            candidates += [
                (2, argument, "kept")
                for argument in each.args
                if isinstance(argument, (ast.Name, ast.Attribute))
            ]
        elif isinstance(each, (ast.Return, ast.Yield)) and isinstance(
            each.value, (ast.Name, ast.Attribute, ast.Subscript)
        ):
            candidates.append((1, each.value, "given on"))
        elif isinstance(each, ast.Call) and not isinstance(each.func, ast.Attribute):
            candidates += [
                (3, argument, "given on")
                for argument in each.args
                if isinstance(argument, (ast.Name, ast.Attribute))
            ]
            candidates += [
                (3, word.value, "given on")
                for word in each.keywords
                if isinstance(word.value, (ast.Name, ast.Attribute))
            ]
    found = []
    for _, at, how in sorted(candidates, key=lambda item: item[0]):
        what = ast.unparse(at)
        patch = in_line(source, file, at, f"copy.deepcopy({what})")
        if patch is None or what in ("self", "cls"):
            continue
        short = f"{file.rpartition('/')[2]}:{at.lineno}"
        found.append(
            Repair(
                f"copy {what} before it is {how}: `copy.deepcopy({what})` in {node.name}: {short}",
                f"{file}:{at.lineno}",
                what,
                (*_imported(source, file, node.lineno), patch),  # type: ignore[arg-type]
            )
        )
    arguments = [argument.arg for argument in node.args.args if argument.arg not in ("self", "cls")]
    if arguments:
        first, _ = body_lines(node)
        line = lines_of(source, file)[first - 1]
        name = arguments[0]
        found.append(
            Repair(
                f"change a copy of {name}, not what was given: copy.deepcopy({name}) in {node.name}: "
                f"{file.rpartition('/')[2]}:{first}",
                f"{file}:{first}",
                name,
                (
                    *_imported(source, file, node.lineno),  # type: ignore[arg-type]
                    before(file, first, f"{margin(line)}{name} = copy.deepcopy({name})"),
                ),
            )
        )
    return found


def _held_within(source: Source, file: str, node: ast.FunctionDef) -> list[ast.expr]:
    """What outlives the call, where it is put into something that is made in it: ``{"row": row}``."""
    outside = {
        target.id
        for each in source.trees[file].body
        if isinstance(each, (ast.Assign, ast.AnnAssign))
        for target in (each.targets if isinstance(each, ast.Assign) else [each.target])
        if isinstance(target, ast.Name)
    }
    found: list[ast.expr] = []
    for each in ast.walk(node):
        parts: list[ast.expr | None] = []
        if isinstance(each, ast.Dict):
            parts = list(each.values)
        elif isinstance(each, (ast.List, ast.Tuple)) and isinstance(each.ctx, ast.Load):
            parts = list(each.elts)
        elif isinstance(each, ast.Call):
            parts = [word.value for word in each.keywords]
        for part in parts:
            kept = isinstance(part, ast.Attribute) and ast.unparse(part).startswith(("self.", "cls."))
            if part is not None and (kept or (isinstance(part, ast.Name) and part.id in outside)):
                found.append(part)
    return found


__all__ = ["repairs", "replaced"]
