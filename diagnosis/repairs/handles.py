"""Closes what was opened."""

from __future__ import annotations

import ast

from diagnosis.experiments import Case
from diagnosis.observation import Opened
from diagnosis.repairs.base import Repair, after, block_of, indented, lines_of, margin, replaced, statement
from diagnosis.symptoms import kept


def repairs(case: Case) -> list[Repair]:
    found: list[Repair] = []
    for opened in kept(case.first)[:3]:
        if opened.place is None:
            continue
        found += _at(case, opened)
    return found


def _at(case: Case, opened: Opened) -> list[Repair]:
    assert opened.place is not None
    file, _, number = opened.place.rpartition(":")
    short = f"{file.rpartition('/')[2]}:{number}"
    if file not in case.source.trees:
        return []
    node = statement(case.source, file, int(number))
    if node is None:
        return []
    lines = lines_of(case.source, file)
    at = margin(lines[node.lineno - 1])
    kind = opened.kind
    if kind == "handler":
        return _handler(case, file, node, short, opened)
    call = _opening(node)
    found: list[Repair] = []
    if kind == "thread" and call is None:
        return _started_once(case, file, node, short, opened)
    block = block_of(case.source, file, node)
    last = block[-1].end_lineno or node.lineno
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.value is call and call:
        name = node.targets[0].id
        if _used_as_context(kind, call):
            rest = indented(lines[node.end_lineno or node.lineno : last]) or [f"{at}    pass"]
            text = [f"{at}with {ast.unparse(call)} as {name}:", *rest]
            found.append(
                Repair(
                    f"close the {kind} when it is done with: `with {ast.unparse(call)} as {name}:`: {short}",
                    opened.place,
                    name,
                    (replaced(file, node.lineno, "\n".join(text), last),),
                    wrong=(replaced(file, last, f"{lines[last - 1]}", last),),
                )
            )
        ending = {"thread": "join()", "process": "communicate()"}.get(kind, "close()")
        close = _closing(lines, block, node, name, at, ending)
        if close is not None:
            found.append(
                Repair(
                    f"say {name}.{ending} when it is done with: {short}",
                    opened.place,
                    name,
                    (replaced(file, close[0], close[1], close[2]),),
                )
            )
    elif (
        call is not None
        and not isinstance(node, (ast.With, ast.FunctionDef))
        and call.lineno == call.end_lineno
        and kind in ("pipe", "socket")
        and _name_of(call) in _PAIRS
    ):
        found += _pair(lines, node, call, at, short, opened)
    elif (
        call is not None
        and not isinstance(node, (ast.With, ast.FunctionDef))
        and call.lineno == call.end_lineno
    ):
        line = lines[call.lineno - 1].encode()
        if node.lineno == node.end_lineno:
            inner = line[: call.col_offset] + b"handle" + line[call.end_col_offset or 0 :]
            text = [f"{at}with {ast.unparse(call)} as handle:", f"    {inner.decode()}"]
            found.append(
                Repair(
                    f"close the {kind}: `with {ast.unparse(call)} as handle:`: {short}",
                    opened.place,
                    None,
                    (replaced(file, node.lineno, "\n".join(text)),),
                )
            )
    if call is not None and kind in _CLOSABLE:
        found += _bounded(node, call, at, short, opened)
    return found


_PAIRS = {"pipe": "os.close(end)", "socketpair": "end.close()"}
_CLOSABLE = ("file", "socket", "selector")
KEPT = 16


def _pair(
    lines: list[str], node: ast.stmt, call: ast.Call, at: str, short: str, opened: Opened
) -> list[Repair]:
    """Both ends closed behind the statement that uses them."""
    if node.lineno != node.end_lineno:
        return []
    line = lines[call.lineno - 1].encode()
    used = (line[: call.col_offset] + b"ends" + line[call.end_col_offset or 0 :]).decode()
    close = _PAIRS[_name_of(call)]
    text = [f"{at}ends = {ast.unparse(call)}", used, f"{at}for end in ends:", f"{at}    {close}"]
    words = f"close both ends when they are done with: `{close}` for each of {ast.unparse(call)}: {short}"
    return [Repair(words, opened.place, None, (replaced(node_file(opened), node.lineno, "\n".join(text)),))]


def _bounded(node: ast.stmt, call: ast.Call, at: str, short: str, opened: Opened) -> list[Repair]:
    """What is kept on purpose: the oldest closed where there are many, ``kept.append(open(...))``."""
    outer = node.value if isinstance(node, ast.Expr) else None
    if not (
        isinstance(outer, ast.Call)
        and isinstance(outer.func, ast.Attribute)
        and outer.func.attr in ("append", "extend")
        and call is not outer
    ):
        return []
    name = ast.unparse(outer.func.value)
    text = f"{at}while len({name}) > {KEPT}:\n{at}    {name}.pop(0).close()"
    words = f"close the oldest in {name} where it holds more than {KEPT}: {short}"
    return [
        Repair(words, opened.place, name, (after(node_file(opened), node.end_lineno or node.lineno, text),))
    ]


def _started_once(case: Case, file: str, node: ast.stmt, short: str, opened: Opened) -> list[Repair]:
    """A thread that is kept, ``kept.append(Thread(...))``, made where none of them is alive."""
    block = block_of(case.source, file, node)
    if node not in block or not block.index(node):
        return []
    made = block[block.index(node) - 1]
    outer = made.value if isinstance(made, ast.Expr) else None
    if (
        _opening(made) is None
        or not isinstance(outer, ast.Call)
        or not isinstance(outer.func, ast.Attribute)
        or outer.func.attr != "append"
    ):
        return []
    name = ast.unparse(outer.func.value)
    lines = lines_of(case.source, file)
    at = margin(lines[made.lineno - 1])
    inner = indented(lines[made.lineno - 1 : node.end_lineno])
    alive = f"if not any(each.is_alive() for each in {name}):"
    words = f"start a thread only where none in {name} is alive, and not for each record: `{alive}`: {short}"
    patch = replaced(file, made.lineno, "\n".join([f"{at}{alive}", *inner]), node.end_lineno)
    wrong = replaced(file, made.lineno, "\n".join([f"{at}if {name} is not None:", *inner]), node.end_lineno)
    return [Repair(words, opened.place, name, (patch,), wrong=(wrong,))]


def node_file(opened: Opened) -> str:
    """The file of the line that opened it."""
    return (opened.place or "").rpartition(":")[0]


def _name_of(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _opening(node: ast.stmt) -> ast.Call | None:
    """The call that opens, within a statement: the innermost that is named like one."""
    names = (
        "open",
        "Popen",
        "socket",
        "create_connection",
        "Thread",
        "Timer",
        "connect",
        "NamedTemporaryFile",
        "TemporaryFile",
        "ThreadPoolExecutor",
        "fdopen",
        "urlopen",
        "socketpair",
        "pipe",
        "DefaultSelector",
    )
    for each in ast.walk(node):
        if isinstance(each, ast.Call) and _name_of(each) in names:
            return each
    return None


def _used_as_context(kind: str, call: ast.Call) -> bool:
    name = _name_of(call)
    return kind in ("file", "socket", "process", "selector") or name == "ThreadPoolExecutor"


def _closing(
    lines: list[str], block: list[ast.stmt], node: ast.Assign, name: str, at: str, ending: str
) -> tuple[int, str, int] | None:
    """The last statement of the block that uses the name, with the end behind it, or around a return."""
    using = [
        each
        for each in block[block.index(node) + 1 :]
        if any(isinstance(part, ast.Name) and part.id == name for part in ast.walk(each))
    ]
    if not using:
        return (
            node.end_lineno or node.lineno,
            f"{lines[(node.end_lineno or node.lineno) - 1]}\n{at}{name}.{ending}",
            node.end_lineno or node.lineno,
        )
    last = using[-1]
    first, end = last.lineno, last.end_lineno or last.lineno
    given = lines[first - 1 : end]
    if isinstance(last, ast.Return):
        text = [f"{at}try:", *indented(given), f"{at}finally:", f"{at}    {name}.{ending}"]
        return first, "\n".join(text), end
    return first, "\n".join([*given, f"{at}{name}.{ending}"]), end


def _handler(case: Case, file: str, node: ast.stmt, short: str, opened: Opened) -> list[Repair]:
    call = next(
        (
            each
            for each in ast.walk(node)
            if isinstance(each, ast.Call)
            and isinstance(each.func, ast.Attribute)
            and each.func.attr == "addHandler"
        ),
        None,
    )
    if call is None or not isinstance(call.func, ast.Attribute):
        return []
    lines = lines_of(case.source, file)
    at = margin(lines[node.lineno - 1])
    logger = ast.unparse(call.func.value)
    text = [f"{at}if not {logger}.handlers:", *indented(lines[node.lineno - 1 : node.end_lineno])]
    wrong = [f"{at}if {logger} is not None:", *indented(lines[node.lineno - 1 : node.end_lineno])]
    return [
        Repair(
            f"add the handler once: `if not {logger}.handlers:`: {short}",
            opened.place,
            logger,
            (replaced(file, node.lineno, "\n".join(text), node.end_lineno),),
            wrong=(replaced(file, node.lineno, "\n".join(wrong), node.end_lineno),),
        )
    ]
