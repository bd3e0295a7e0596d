"""What is held back at the end, given up twice, worked on twice, or passed over: whole statements, where
:mod:`diagnosis.repairs.batching` moves bounds by one."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace

from diagnosis.change import Patch
from diagnosis.repairs.base import (
    INDENT,
    Repair,
    after,
    block_of,
    body_lines,
    in_line,
    lines_of,
    margin,
    replaced,
    statement,
)
from diagnosis.source import Source

_GROWS = ("append", "extend", "appendleft")


def given_up(source: Source) -> list[Repair]:
    """What a stage holds back, given up in ``flush()``: a new one, or in the place of one that gives nothing.

    Where ``process()`` goes over what it lets through, the end goes the same way.
    """
    found = []
    for file, node, methods in _stages(source):
        process, flush = methods["process"], methods.get("flush")
        if flush is not None and not _gives_nothing(flush):
            continue
        at = margin(lines_of(source, file)[process.lineno - 1])
        for name, grows in _held(process):
            line = _thrown_away(methods.get("close"), name) or grows
            for body in (*_ways(source, file, process), f"{at}{INDENT}return held"):
                text = f"{at}{INDENT}held, {name} = list({name}), type({name})()\n{body}"
                if flush is None:
                    patch = after(file, node.end_lineno or node.lineno, f"\n{at}def flush(self):\n{text}")
                    words = f"a method flush() for {name}"
                else:
                    first, last = body_lines(flush)
                    patch = replaced(file, first, text, last)
                    line = first
                    words = f"flush() has to give {name}"
                words = f"give up at the end what {node.name} still holds: {words}"
                found.append(_repair(words, file, line, name, patch))
    return found


def given_once(source: Source, file: str, function: ast.FunctionDef) -> list[Repair]:
    """The same call with the same arguments, made a second time in one function, left out."""
    found = []
    first: dict[str, ast.stmt] = {}
    calls = [each for each in ast.walk(function) if isinstance(each, ast.Call) and each.args]
    for call in sorted(calls, key=lambda each: (each.lineno, each.col_offset)):
        text = ast.unparse(call)
        holder = statement(source, file, call.lineno)
        if holder is None:
            continue
        before = first.setdefault(text, holder)
        if before is holder or not isinstance(holder, (ast.Expr, ast.Assign, ast.AugAssign)):
            continue
        if _excluded(function, before, holder):
            continue
        words = f"do `{text}` once in {function.name}, and not again"
        found.append(_repair(words, file, holder.lineno, text, _dropped(source, file, holder)))
    return found


def nothing_more(source: Source) -> list[Repair]:
    """A ``flush()`` that gives nothing, where what it gave had gone on before."""
    found = []
    for file, node, methods in _stages(source):
        flush = methods.get("flush")
        if flush is None or _gives_nothing(flush):
            continue
        first, last = body_lines(flush)
        at = margin(lines_of(source, file)[first - 1])
        words = f"give nothing more at the end in flush() of {node.name}: it has gone on before"
        found.append(_repair(words, file, first, "flush", replaced(file, first, f"{at}return []", last)))
    return found


def not_passed_over(source: Source, file: str, function: ast.FunctionDef) -> list[Repair]:
    """Work that a branch leaves out, done all the same: without its early ``return`` or ``continue``, or with
    what stands behind ``else`` done in both cases."""
    found = []
    for node in ast.walk(function):
        if not isinstance(node, ast.If):
            continue
        last = node.body[-1]
        if isinstance(last, ast.Continue) or (
            isinstance(last, ast.Return)
            and _empty(last.value)
            and function.body[-1] is not node
            and function.body[-1] is not last
        ):
            what = ast.unparse(last)
            words = f"go on in {function.name} where `{ast.unparse(node.test)}`, without `{what}`"
            found.append(_repair(words, file, last.lineno, what, _dropped(source, file, last)))
        if node.orelse and not isinstance(node.orelse[0], ast.If) and not isinstance(last, ast.Return):
            found += _both(source, file, function, node)
    return found


def one_each(source: Source, file: str, function: ast.FunctionDef) -> list[Repair]:
    """An outcome for each record of a batch, None for one that has none, where a list of them is returned."""
    found = []
    for node in ast.walk(function):
        made = node.value if isinstance(node, ast.Return) else None
        if not isinstance(made, ast.ListComp) or len(made.generators) != 1:
            continue
        loop = made.generators[0]
        over, what = ast.unparse(loop.iter), ast.unparse(made.elt)
        short = re.fullmatch(r"range\((len\(\w+\)) - (\d+)\)", over)
        if loop.ifs:
            test = " and ".join(f"({ast.unparse(each)})" for each in loop.ifs)
            text = f"[{what} if {test} else None for {ast.unparse(loop.target)} in {over}]"
        elif short is not None:
            text = f"[*{ast.unparse(made)}, *[None] * min({short[1]}, {short[2]})]"
        else:
            continue
        patch = in_line(source, file, made, text)
        if patch is not None:
            words = f"return None for a record without an outcome in {function.name}: `{text}`"
            found.append(_repair(words, file, made.lineno, over, patch))
    return found


def _both(source: Source, file: str, function: ast.FunctionDef, node: ast.If) -> list[Repair]:
    lines = lines_of(source, file)
    start, end = node.orelse[0].lineno, node.orelse[-1].end_lineno or node.orelse[-1].lineno
    body_end = node.body[-1].end_lineno or node.body[-1].lineno
    at, inner = margin(lines[node.lineno - 1]), margin(lines[start - 1])
    if len(inner) <= len(at) or lines[node.lineno - 1].lstrip().startswith("elif"):
        return []
    outer = [at + line[len(inner) :] if line.startswith(inner) else line for line in lines[start - 1 : end]]
    words = f"do what stands behind `else` in both cases, also where `{ast.unparse(node.test)}`, "
    words += f"in {function.name}"
    patch = replaced(file, body_end + 1, "\n".join(outer), end)
    return [_repair(words, file, node.lineno, ast.unparse(node.test), patch)]


def _repair(words: str, file: str, line: int, name: str, patch: Patch) -> Repair:
    return Repair(f"{words}: {file.rpartition('/')[2]}:{line}", f"{file}:{line}", name, (patch,))


def _dropped(source: Source, file: str, node: ast.stmt) -> Patch:
    """A statement left out; ``pass`` where a block would be empty without it."""
    at = margin(lines_of(source, file)[node.lineno - 1])
    alone = len(block_of(source, file, node)) == 1
    patch = replaced(file, node.lineno, f"{at}pass", node.end_lineno)
    return patch if alone else replace(patch, lines=())


def _stages(source: Source) -> Iterator[tuple[str, ast.ClassDef, dict[str, ast.FunctionDef]]]:
    """The classes with a method ``process``."""
    for file, tree in source.trees.items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                methods = {each.name: each for each in node.body if isinstance(each, ast.FunctionDef)}
                if "process" in methods:
                    yield file, node, methods


def _held(process: ast.FunctionDef) -> list[tuple[str, int]]:
    """The attributes that records are added to in a method, each with its first line."""
    found: dict[str, int] = {}
    for each in ast.walk(process):
        held: list[ast.expr] = []
        if isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute) and each.func.attr in _GROWS:
            held = [each.func.value]
        elif isinstance(each, ast.AugAssign) and isinstance(each.op, ast.Add):
            # A count grows by a number.
            held = [] if isinstance(each.value, ast.Constant) else [each.target]
        elif isinstance(each, ast.Assign):
            held = [part for target in each.targets for part in _parts(target) if _from_itself(part, each)]
        for part in held:
            name = ast.unparse(part)
            if isinstance(part, ast.Attribute) and name.startswith("self."):
                found[name] = min(part.lineno, found.get(name, part.lineno))
    return list(found.items())


def _parts(target: ast.expr) -> list[ast.expr]:
    return list(target.elts) if isinstance(target, (ast.Tuple, ast.List)) else [target]


def _from_itself(target: ast.expr, node: ast.Assign) -> bool:
    """Whether a collection is made of what it held: ``held[n:]``, ``[*held, ...]``."""
    name = ast.unparse(target)
    return any(
        isinstance(each, (ast.Subscript, ast.Starred)) and ast.unparse(each.value) == name
        for each in ast.walk(node.value)
        if not isinstance(each, ast.Subscript) or isinstance(each.slice, ast.Slice)
    )


def _ways(source: Source, file: str, process: ast.FunctionDef) -> list[str]:
    """The innermost loops that give records on, as text that goes over ``held`` in a method's body."""
    lines = lines_of(source, file)
    inner = margin(lines[process.body[0].lineno - 1])
    found = []
    loops: list[ast.For] = [each for each in ast.walk(process) if isinstance(each, ast.For)]
    for node in loops:
        if (
            node.body[0].lineno == node.lineno
            or any(isinstance(each, (ast.For, ast.While)) and each is not node for each in ast.walk(node))
            or not any(isinstance(each, (ast.Yield, ast.YieldFrom)) for each in ast.walk(node))
        ):
            continue
        at = margin(lines[node.lineno - 1])
        body = [
            inner + line[len(at) :] if line.startswith(at) else line
            for line in lines[node.body[0].lineno - 1 : node.end_lineno]
        ]
        found.append("\n".join([f"{inner}for {ast.unparse(node.target)} in held:", *body]))
    return found


def _gives_nothing(function: ast.FunctionDef) -> bool:
    """Whether nothing but nothing is returned."""
    body = [each for each in function.body if not _is_text(each)]
    return all(
        isinstance(each, ast.Pass) or (isinstance(each, ast.Return) and _empty(each.value)) for each in body
    )


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _empty(value: ast.expr | None) -> bool:
    return value is None or ast.unparse(value) in ("None", "[]", "()", "iter(())", "list()")


def _thrown_away(close: ast.FunctionDef | None, name: str) -> int | None:
    """The line at which ``close()`` empties what is still held."""
    for each in ast.walk(close) if close is not None else ():
        if isinstance(each, ast.Call) and ast.unparse(each.func) == f"{name}.clear":
            return each.lineno
        if isinstance(each, ast.Assign) and any(ast.unparse(target) == name for target in each.targets):
            return each.lineno
    return None


def _excluded(function: ast.FunctionDef, one: ast.stmt, other: ast.stmt) -> bool:
    """Whether two statements are in the two branches of one ``if``: only one of them is carried out."""
    return any(
        isinstance(node, ast.If)
        and any(one is each for part in node.body for each in ast.walk(part))
        and any(other is each for part in node.orelse for each in ast.walk(part))
        for node in ast.walk(function)
    )
