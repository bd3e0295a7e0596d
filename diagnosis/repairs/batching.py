"""Bounds, slices and comparisons moved by one; whole statements by :mod:`diagnosis.repairs.ends`."""

from __future__ import annotations

import ast

from diagnosis.experiments import Case
from diagnosis.repairs import ends
from diagnosis.repairs.base import Repair, in_line
from diagnosis.source import Source

_TURNED: dict[type[ast.cmpop], str] = {ast.Gt: ">=", ast.GtE: ">", ast.Lt: "<=", ast.LtE: "<"}
MOST_WHOLE = 5
"""Changes of whole statements that are tried, of each kind, before bounds."""


def repairs(case: Case) -> list[Repair]:
    """Candidates by the symptom: whole statements first, for there are few, then bounds moved by one."""
    moved: list[Repair] = []
    whole: list[Repair] = []
    lost = case.kind == "lost"
    for file, node in _by_nearness(case):
        moved += _moved(case.source, file, node)
        if lost:
            whole += ends.not_passed_over(case.source, file, node)
        elif case.kind == "duplicated":
            whole += ends.given_once(case.source, file, node)
    # The last batch first where the last records are missing.
    if lost:
        return [*ends.given_up(case.source)[:MOST_WHOLE], *whole[:MOST_WHOLE], *moved]
    if case.kind == "duplicated":
        return [*whole[:MOST_WHOLE], *ends.nothing_more(case.source)[:MOST_WHOLE], *moved]
    if case.kind == "rejected":
        whole = [each for file, node in _by_nearness(case) for each in ends.one_each(case.source, file, node)]
    return [*whole, *moved, *ends.given_up(case.source)]


def _by_nearness(case: Case) -> list[tuple[str, ast.FunctionDef]]:
    """The functions of the stages, of the one where it shows first, then what no stage is known to call."""
    lost_at = case.trouble.symptom.stage
    shapes = sorted(case.first.stages, key=lambda shape: (shape.name != lost_at, shape.kind == "function"))
    every = [(file, node) for file, node, _ in case.source.functions()]
    found: list[tuple[str, ast.FunctionDef]] = []
    for shape in shapes:
        names = case.source.reach(shape)
        found += [(file, node) for file, node in every if node.name in names]
    return list(dict.fromkeys([*found, *every]))


def _moved(source: Source, file: str, node: ast.FunctionDef) -> list[Repair]:
    found = []
    for each in ast.walk(node):
        found += _kept(source, file, node, each)
        patches: list[tuple[str, ast.expr]] = []
        if isinstance(each, ast.Subscript) and isinstance(each.slice, ast.Slice):
            patches = _slices(each)
        elif isinstance(each, ast.Call) and getattr(each.func, "id", "") == "range":
            patches = _ranges(each)
        elif isinstance(each, ast.Compare) and len(each.ops) == 1 and type(each.ops[0]) in _TURNED:
            turned = (
                f"{ast.unparse(each.left)} {_TURNED[type(each.ops[0])]} {ast.unparse(each.comparators[0])}"
            )
            patches = [(turned, each)]
        elif isinstance(each, ast.BinOp) and isinstance(each.op, ast.FloorDiv):
            left, right = ast.unparse(each.left), ast.unparse(each.right)
            patches = [(f"-(-({left}) // ({right}))", each)]
        elif isinstance(each, ast.Call) and getattr(each.func, "id", "") == "zip":
            continue
        for text, at in patches:
            patch = in_line(source, file, at, text)
            if patch is not None:
                was = ast.unparse(at)
                short = f"{file.rpartition('/')[2]}:{at.lineno}"
                found.append(
                    Repair(
                        f"write `{text}` instead of `{was}` in {node.name}: {short}",
                        f"{file}:{at.lineno}",
                        was,
                        (patch,),
                    )
                )
    return found


def _kept(source: Source, file: str, function: ast.FunctionDef, node: ast.AST) -> list[Repair]:
    """What a buffer holds beyond the part that was taken from it, kept: ``held = []`` after ``held[:n]``."""
    if not isinstance(node, ast.Assign) or len(node.targets) != 1 or ast.unparse(node.value) != "[]":
        return []
    name = ast.unparse(node.targets[0])
    found = []
    for each in ast.walk(function):
        if (
            isinstance(each, ast.Subscript)
            and isinstance(each.slice, ast.Slice)
            and each.slice.lower is None
            and each.slice.upper is not None
            and each.slice.step is None
            and each.lineno <= node.lineno
            and ast.unparse(each.value) == name
        ):
            rest = f"{name}[{ast.unparse(each.slice.upper)}:]"
            patch = in_line(source, file, node.value, rest)
            if patch is not None:
                place = f"{file}:{node.lineno}"
                text = f"keep the rest, `{name} = {rest}`, in {function.name}: "
                text += f"{file.rpartition('/')[2]}:{node.lineno}"
                found.append(Repair(text, place, name, (patch,)))
    return found


def _slices(node: ast.Subscript) -> list[tuple[str, ast.expr]]:
    assert isinstance(node.slice, ast.Slice)
    name, part = ast.unparse(node.value), node.slice
    lower = ast.unparse(part.lower) if part.lower else ""
    upper = ast.unparse(part.upper) if part.upper else ""
    if part.step is not None:
        return []
    made: list[str] = []
    if upper:
        made.append(f"{name}[{lower}:]")
        if upper.endswith("- 1"):
            made.insert(0, f"{name}[{lower}:{upper[:-3].strip()}]")
        elif not upper.startswith("-"):
            made += [f"{name}[{lower}:{upper} + 1]", f"{name}[{lower}:{upper} - 1]"]
    if lower:
        made.append(f"{name}[:{upper}]")
        if lower.endswith("+ 1"):
            made.insert(0, f"{name}[{lower[:-3].strip()}:{upper}]")
        elif not lower.startswith("-"):
            made.append(f"{name}[{lower} - 1:{upper}]")
    return [(text, node) for text in made]


def _ranges(node: ast.Call) -> list[tuple[str, ast.expr]]:
    given = [ast.unparse(each) for each in node.args]
    made: list[str] = []
    if len(given) == 1:
        made = [f"range({given[0]} + 1)"]
        if given[0].endswith("- 1"):
            made.insert(0, f"range({given[0][:-3].strip()})")
    elif len(given) >= 2:
        rest = "".join(f", {each}" for each in given[2:])
        made = [f"range({given[0]}, {given[1]} + 1{rest})"]
        if given[0] == "1":
            made.insert(0, f"range(0, {given[1]}{rest})")
        if "-" in given[1]:
            made.insert(0, f"range({given[0]}, {given[1].rpartition('-')[0].strip()}{rest})")
    return [(text, node) for text in made]
