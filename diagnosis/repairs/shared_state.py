"""A copy where something mutable is handed out, kept, or changed."""

from __future__ import annotations

import ast

from diagnosis.experiments import Case
from diagnosis.repairs import own
from diagnosis.repairs.base import Repair, before, body_lines, in_line, lines_of, margin, replaced, top_of
from diagnosis.repairs.own import outlives
from diagnosis.source import Source

MOST_OF_HISTORY = 4
OUTLIVES = "outlives"
_SHALLOW = ("copy", "dict", "list", "set")


def repairs(case: Case) -> list[Repair]:
    found: list[Repair] = []
    if case.kind == "history":
        return _of_history(case)
    edges = case.edges or case.stages
    shapes = sorted(case.first.stages, key=lambda shape: shape.name not in edges)
    done: set[tuple[str, int]] = set()
    for shape in shapes:
        names = case.source.reach(shape)
        for file, node, _ in case.source.functions():
            if node.name in names and (file, node.lineno) not in done:
                done.add((file, node.lineno))
                found += _defaults(case.source, file, node)
                found += own.ordered(case.source, file, node, _outside(case.source, file))
                found += _copies(case.source, file, node)
    # What outlives a call before what does not.
    found.sort(key=lambda repair: OUTLIVES not in repair.tags)
    if case.remembered is not None:
        name = case.remembered.name.rpartition(".")[2]
        found = [repair for repair in found if name in (repair.object or "")]
    return found


def _of_history(case: Case) -> list[Repair]:
    """What one call leaves to the next: the default of an argument, a copy that shares what is within."""
    found: list[Repair] = []
    for shape in case.first.stages:
        if shape.name != case.trouble.symptom.stage:
            continue
        names = case.source.reach(shape)
        functions = [(file, node) for file, node, _ in case.source.functions() if node.name in names]
        for file, node in dict.fromkeys(functions):
            found += _defaults(case.source, file, node)
        for file, node in dict.fromkeys(functions):
            found += _deep(case.source, file, node)
        for change in (own.ordered, own.copied, own.left_alone):
            for file, node in dict.fromkeys(functions):
                found += change(case.source, file, node, _outside(case.source, file))
    if case.remembered is not None:
        name = case.remembered.name.rpartition(".")[2]
        found.sort(key=lambda repair: name != repair.object)
    stage = case.trouble.symptom.stage
    words = f"what {stage} makes of a record should not depend on those before it: make anew for each what "
    words += "it keeps between calls, or make it a Stage, which may have a memory"
    return [*found[:MOST_OF_HISTORY], Repair(words, None)]


def _deep(source: Source, file: str, node: ast.FunctionDef) -> list[Repair]:
    """A deep copy in the place of a shallow one, of what outlives the call."""
    outside = _outside(source, file)
    found = []
    for each in ast.walk(node):
        if not isinstance(each, ast.Call):
            continue
        function = each.func
        given: ast.expr | None = each.args[0] if len(each.args) == 1 and not each.keywords else None
        name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
        if name == "copy" and isinstance(function, ast.Attribute) and not each.args:
            given = function.value
        if name not in _SHALLOW or given is None or not outlives(given, outside):
            continue
        made = f"copy.deepcopy({ast.unparse(given)})"
        patch = in_line(source, file, each, made)
        if patch is not None:
            place = f"{file}:{each.lineno}"
            words = (
                f"copy what is within, too: `{made}` in {node.name}: {file.rpartition('/')[2]}:{each.lineno}"
            )
            imports = _imported(source, file, node.lineno)
            found.append(Repair(words, place, ast.unparse(given), (*imports, patch)))  # type: ignore[arg-type]
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
    shared = _shared(node, _outside(source, file))
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
                tags=(OUTLIVES,) if at in shared else (),
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


def _shared(node: ast.FunctionDef, outside: set[str]) -> set[ast.expr]:
    """What a function keeps beyond a call, and gives on of that: ``last = row``, ``return rows[0]``."""
    inside = list(own.within(node))
    assigned = [each for each in inside if isinstance(each, ast.Assign)]
    taken = {
        target.id
        for each in assigned
        if any(_part_of_kept(part, outside) for part in (each.value, *each.targets))
        for target in each.targets
        if isinstance(target, ast.Name)
    }
    bound = {name for each in inside if isinstance(each, ast.Global) for name in each.names}
    found: set[ast.expr] = set()
    for each in inside:
        if isinstance(each, ast.Assign):
            kept = [
                part
                for part in each.targets
                if _part_of_kept(part, outside) and (not isinstance(part, ast.Name) or part.id in bound)
            ]
            found |= {each.value} if kept else set()
        elif isinstance(each, (ast.Return, ast.Yield)) and each.value is not None:
            given = each.value
            if _part_of_kept(given, outside) or (isinstance(given, ast.Name) and given.id in taken):
                found.add(given)
        elif (
            isinstance(each, ast.Call)
            and isinstance(each.func, ast.Attribute)
            and outlives(each.func.value, outside)
        ):
            found |= set(each.args)
    return found


def _part_of_kept(node: ast.expr, outside: set[str]) -> bool:
    while isinstance(node, ast.Subscript):
        node = node.value
    return outlives(node, outside)


def _outside(source: Source, file: str) -> set[str]:
    """The names of a file that are assigned outside all functions."""
    return {
        target.id
        for each in source.trees[file].body
        if isinstance(each, (ast.Assign, ast.AnnAssign))
        for target in (each.targets if isinstance(each, ast.Assign) else [each.target])
        if isinstance(target, ast.Name)
    }


def _held_within(source: Source, file: str, node: ast.FunctionDef) -> list[ast.expr]:
    """What outlives the call, where it is put into something that is made in it: ``{"row": row}``."""
    outside = _outside(source, file)
    found: list[ast.expr] = []
    for each in ast.walk(node):
        parts: list[ast.expr | None] = []
        if isinstance(each, ast.Dict):
            parts = list(each.values)
        elif isinstance(each, (ast.List, ast.Tuple)) and isinstance(each.ctx, ast.Load):
            parts = list(each.elts)
        elif isinstance(each, ast.Call):
            parts = [word.value for word in each.keywords]
        found += [part for part in parts if part is not None and outlives(part, outside)]
    return found


__all__ = ["repairs", "replaced"]
