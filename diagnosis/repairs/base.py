"""What a repair is, and how lines of a source are rewritten."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from diagnosis.change import Change, ClockChange, Patch
from diagnosis.source import Source

INDENT = "    "


@dataclass(frozen=True, slots=True)
class Repair:
    """Something that may mend the code: ``patches`` where it is mechanical, else ``change``, which does in a
    trial what the repair would do.

    ``wrong`` looks like it and must not help. ``under`` are the conditions under which both are tried.
    """

    text: str
    place: str | None
    object: str | None = None
    patches: tuple[Patch, ...] = ()
    change: Change | None = None
    wrong: tuple[Patch, ...] = ()
    under: ClockChange | None = None
    proves: bool = True
    """Whether the trial shows that the repair works, and not only where it is."""
    tags: tuple[str, ...] = field(default=())


def lines_of(source: Source, file: str) -> list[str]:
    """The lines of a file."""
    return source.texts[file].splitlines()


def margin(line: str) -> str:
    """The white space that a line begins with."""
    return line[: len(line) - len(line.lstrip())]


def replaced(file: str, line: int, text: str, last: int | None = None) -> Patch:
    """Other text in the place of a line, or of several."""
    return Patch(file, line, last if last is not None else line, tuple(text.split("\n")))


def before(file: str, line: int, text: str) -> Patch:
    """New lines before a line."""
    return Patch(file, line, line - 1, tuple(text.split("\n")))


def after(file: str, line: int, text: str) -> Patch:
    """New lines after a line."""
    return before(file, line + 1, text)


def function_node(source: Source, file: str, line: int) -> ast.FunctionDef | None:
    """The innermost function around a line."""
    found = [
        node
        for other, node, _ in source.functions()
        if other == file and node.lineno <= line <= (node.end_lineno or 0)
    ]
    return max(found, key=lambda node: node.lineno) if found else None


def statement(source: Source, file: str, line: int) -> ast.stmt | None:
    """The smallest statement that begins at, or goes over, a line."""
    found = [
        node
        for node in ast.walk(source.trees[file])
        if isinstance(node, ast.stmt) and node.lineno <= line <= (node.end_lineno or 0)
    ]
    return min(found, key=lambda node: (node.end_lineno or 0) - node.lineno) if found else None


def block_of(source: Source, file: str, wanted: ast.stmt) -> list[ast.stmt]:
    """The statements among which one stands."""
    for node in ast.walk(source.trees[file]):
        for name in ("body", "orelse", "finalbody"):
            body = getattr(node, name, None)
            if isinstance(body, list) and wanted in body:
                return body
    return [wanted]


def body_lines(node: ast.FunctionDef) -> tuple[int, int]:
    """First and last line of a function's body, without its docstring."""
    body = node.body
    if isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant) and len(body) > 1:
        body = body[1:]
    return body[0].lineno, node.end_lineno or body[-1].lineno


def head_line(node: ast.FunctionDef | ast.ClassDef) -> int:
    """The first line of a function or class, its decorators included."""
    return min([node.lineno, *(each.lineno for each in node.decorator_list)])


def top_of(source: Source, file: str, line: int) -> int:
    """Where a top-level definition around a line begins."""
    for node in source.trees[file].body:
        if node.lineno <= line <= (node.end_lineno or 0) or (
            isinstance(node, (ast.FunctionDef, ast.ClassDef))
            and head_line(node) <= line <= (node.end_lineno or 0)
        ):
            return head_line(node) if isinstance(node, (ast.FunctionDef, ast.ClassDef)) else node.lineno
    return line


def indented(lines: list[str], by: str = INDENT) -> list[str]:
    """The lines, further in."""
    return [by + line if line.strip() else line for line in lines]


def in_line(source: Source, file: str, node: ast.expr, text: str) -> Patch | None:
    """Another text in the place of an expression that stands in one line."""
    if node.lineno != node.end_lineno or node.end_col_offset is None:
        return None
    line = lines_of(source, file)[node.lineno - 1]
    raw = line.encode()
    made = raw[: node.col_offset] + text.encode() + raw[node.end_col_offset :]
    return replaced(file, node.lineno, made.decode())


def expressions(node: ast.AST) -> Iterator[ast.expr]:
    """Every expression within a node."""
    for each in ast.walk(node):
        if isinstance(each, ast.expr):
            yield each
