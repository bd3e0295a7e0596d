"""Something of its own for each call: settings that a record changes, an order, a deadline."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from diagnosis.change import Patch
from diagnosis.repairs.base import Repair, before, body_lines, in_line, lines_of, margin, replaced, top_of
from diagnosis.source import Source

_CHANGES = {"append", "extend", "insert", "update", "setdefault", "add", "pop", "remove", "discard", "clear"}
_IN_PLACE = {"sort": "sorted({})", "reverse": "list(reversed({}))"}
_CLOCKS = ("time.monotonic", "time.time", "time.perf_counter", "monotonic", "perf_counter", "datetime.now")


def ordered(source: Source, file: str, function: ast.FunctionDef, outside: set[str]) -> list[Repair]:
    """``ordered = sorted(kept)`` in the place of ``kept.sort()``, of what the next call reads, too."""
    found = []
    for node in within(function):
        if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Call):
            continue
        call = node.value
        how = _IN_PLACE.get(call.func.attr) if isinstance(call.func, ast.Attribute) else None
        if how is None or not isinstance(call.func, ast.Attribute) or not outlives(call.func.value, outside):
            continue
        kept = ast.unparse(call.func.value)
        words = [ast.unparse(word) for word in call.keywords]
        made = how.format(", ".join([kept, *words]))
        patch = in_line(source, file, call, f"ordered = {made}")
        if patch is not None:
            text = f"leave {kept} as it came, and put a copy in order: `{made}` in {function.name}"
            found.append(_repair(text, file, node.lineno, kept, patch))
    return found


def copied(source: Source, file: str, function: ast.FunctionDef, outside: set[str]) -> list[Repair]:
    """A copy for each call of what a file's functions share, where a call changes it."""
    found = []
    for name, line in _changed(function, outside).items():
        own = f"own_{name}"
        patches = _renamed(source, file, function, name, own)
        if patches is None:
            continue
        first, _ = body_lines(function)
        at = margin(lines_of(source, file)[first - 1])
        made = f"{at}{own} = copy.deepcopy({name})"
        if first in patches:
            patches[first] = f"{made}\n{patches[first]}"
        else:
            patches[first] = f"{made}\n{lines_of(source, file)[first - 1]}"
        changes = [replaced(file, number, text) for number, text in patches.items()]
        if "\nimport copy\n" not in source.texts[file]:
            changes.insert(0, before(file, top_of(source, file, function.lineno), "import copy\n\n"))
        text = f"change a copy of {name} that each call has of its own: `{made.strip()}` in {function.name}"
        found.append(_repair(text, file, line, name, *changes))
    return found


def left_alone(source: Source, file: str, function: ast.FunctionDef, outside: set[str]) -> list[Repair]:
    """Settings of a file, ``settings = {"factor": 1}``, not changed by a call.

    Only where the new value holds nothing of a record: what is carried from one to another may be meant.
    """
    settings = _settings(source.trees[file])
    found = []
    for node in within(function):
        if not isinstance(node, ast.Assign) or len(node.targets) != 1:
            continue
        target = node.targets[0]
        if (
            not isinstance(target, ast.Subscript)
            or not isinstance(target.value, ast.Name)
            or not isinstance(target.slice, ast.Constant)
        ):
            continue
        name = target.value.id
        names = {each.id for each in ast.walk(node.value) if isinstance(each, ast.Name)}
        if name not in outside or target.slice.value not in settings.get(name, ()) or names - {name}:
            continue
        at = margin(lines_of(source, file)[node.lineno - 1])
        written = ast.unparse(node)
        text = f"do not change {name}, which all records share, in {function.name}: leave out `{written}`"
        found.append(
            _repair(text, file, node.lineno, name, replaced(file, node.lineno, f"{at}pass", node.end_lineno))
        )
    return found


def deadlines(source: Source) -> list[Repair]:
    """A moment worked out where it is needed, and not once for all calls."""
    found = []
    for file, tree in source.trees.items():
        for node in _moments(tree):
            target = node.targets[0]
            name, moment = ast.unparse(target), ast.unparse(node.value)
            for other, function, _ in source.functions():
                inside = list(within(function))
                if other != file or node in inside or not _reads(inside, name):
                    continue
                if any(isinstance(each, ast.Global) and name in each.names for each in inside):
                    continue
                first, _ = body_lines(function)
                at = margin(lines_of(source, file)[first - 1])
                text = f"work out {name} in each call of {function.name}, not once: `{name} = {moment}`"
                patch = before(file, first, f"{at}{name} = {moment}")
                found.append(_repair(text, file, node.lineno, name, patch))
    return found


def within(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """The nodes of a function's body, without those of functions within it."""
    todo: list[ast.AST] = list(function.body)
    while todo:
        node = todo.pop(0)
        yield node
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)):
            todo += ast.iter_child_nodes(node)


def outlives(node: ast.expr, outside: set[str]) -> bool:
    """Whether an expression is something that the next call sees too."""
    kept = isinstance(node, ast.Attribute) and ast.unparse(node).startswith(("self.", "cls."))
    return kept or (isinstance(node, ast.Name) and node.id in outside)


def _changed(function: ast.FunctionDef, outside: set[str]) -> dict[str, int]:
    """The names of a file that a function changes what is in, but does not bind, each with the first line."""
    found: dict[str, int] = {}
    bound: set[str] = set()
    for node in within(function):
        if isinstance(node, ast.Global):
            bound |= set(node.names)
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign):
            targets = [
                each.value for each in node.targets if isinstance(each, (ast.Subscript, ast.Attribute))
            ]
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, (ast.Subscript, ast.Attribute)):
            targets = [node.target.value]
        elif (
            isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _CHANGES
        ):
            targets = [node.func.value]
        for each in targets:
            if isinstance(each, ast.Name) and each.id in outside:
                found.setdefault(each.id, each.lineno)
    return {name: line for name, line in found.items() if name not in bound}


def _renamed(
    source: Source, file: str, function: ast.FunctionDef, name: str, other: str
) -> dict[int, str] | None:
    """The lines of a function in which a name is another one; None where it is not known where it stands."""
    lines = lines_of(source, file)
    made: dict[int, bytes] = {}
    names = [each for each in within(function) if isinstance(each, ast.Name) and each.id == name]
    for each in sorted(names, key=lambda node: (node.lineno, -node.col_offset)):
        raw = made.get(each.lineno, lines[each.lineno - 1].encode())
        end = each.col_offset + len(name.encode())
        if raw[each.col_offset : end] != name.encode():
            # In an f-string, before Python 3.12.
            return None
        made[each.lineno] = raw[: each.col_offset] + other.encode() + raw[end:]
    return {number: text.decode() for number, text in made.items()}


def _settings(tree: ast.Module) -> dict[str, set[object]]:
    """The keys that a dict of a file has from the beginning, with a plain value, by its name."""
    return {
        target.id: {
            key.value
            for key, value in zip(node.value.keys, node.value.values, strict=True)
            if isinstance(key, ast.Constant) and isinstance(value, ast.Constant)
        }
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _moments(tree: ast.Module) -> Iterator[ast.Assign]:
    """Assignments of a moment that lies so long after now, outside functions or to an attribute of self."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Assign)
            and len(node.targets) == 1
            and isinstance(node.value, ast.BinOp)
            and isinstance(node.value.op, ast.Add)
            and any(_asks_for_time(part) for part in (node.value.left, node.value.right))
            and (node in tree.body or ast.unparse(node.targets[0]).startswith("self."))
        ):
            yield node


def _asks_for_time(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func).endswith(_CLOCKS)


def _reads(nodes: list[ast.AST], name: str) -> bool:
    return any(
        isinstance(each, (ast.Name, ast.Attribute))
        and isinstance(each.ctx, ast.Load)
        and ast.unparse(each) == name
        for each in nodes
    )


def _repair(words: str, file: str, line: int, name: str, *patches: Patch) -> Repair:
    return Repair(f"{words}: {file.rpartition('/')[2]}:{line}", f"{file}:{line}", name, patches)
