"""The user's source text, as far as it can be read without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from diagnosis.observation import StageShape

SiteKind = Literal[
    "grow",
    "write",
    "check_then_act",
    "clock",
    "open",
    "slice",
    "bound",
    "mutable_default",
    "cached_method",
    "mutate",
    "returns_shared",
    "hold",
]
_GROW = {"append", "add", "setdefault", "update", "extend", "insert", "appendleft", "put", "write"}
_SHRINK = {"clear", "pop", "popitem", "popleft", "remove", "discard", "cache_clear"}
_OPENERS = {
    "open",
    "Popen",
    "socket",
    "create_connection",
    "Thread",
    "Timer",
    "addHandler",
    "connect",
    "urlopen",
}
_OPENERS |= {"NamedTemporaryFile", "TemporaryFile", "ThreadPoolExecutor", "FileHandler", "mkstemp", "fdopen"}
_CLOCKS = {"time", "time_ns", "now", "utcnow", "today"}


@dataclass(frozen=True, slots=True)
class Site:
    """A place of interest: ``name`` is the container, the parameter or the call; ``function`` where it is."""

    kind: SiteKind
    file: str
    line: int
    name: str
    function: str
    locked: bool = False

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(slots=True)
class Source:
    """The parsed files of a pipeline."""

    texts: dict[str, str] = field(default_factory=dict)
    trees: dict[str, ast.Module] = field(default_factory=dict)
    sites: list[Site] = field(default_factory=list)
    homes: dict[str, str] = field(default_factory=dict)
    """By file, the stage that it runs in, where that is not told by who calls what."""

    @classmethod
    def of(
        cls,
        files: Sequence[str],
        unwritten: Mapping[str, str] | None = None,
        homes: Mapping[str, str] | None = None,
    ) -> Source:
        """Those files that can be read and parsed."""
        source = cls(homes=dict(homes or {}))
        given = unwritten or {}
        for file in files:
            try:
                text = given[file] if file in given else Path(file).read_text(encoding="utf-8")
                tree = ast.parse(text)
            except (OSError, SyntaxError, ValueError):
                continue
            source.texts[file] = text
            source.trees[file] = tree
            source.sites += _Walk(file, tree).sites()
        return source

    def line(self, place: str) -> str:
        """The text of a line ``FILE:LINE``; empty where it is not known."""
        file, _, number = place.rpartition(":")
        lines = self.texts.get(file, "").splitlines()
        at = int(number) if number.isdecimal() else 0
        return lines[at - 1].strip() if 0 < at <= len(lines) else ""

    def of_kind(self, *kinds: SiteKind) -> list[Site]:
        return [site for site in self.sites if site.kind in kinds]

    def functions(self) -> Iterator[tuple[str, ast.FunctionDef, str]]:
        """Every function with its file and the class that it is a method of ("" for none)."""
        for file, tree in self.trees.items():
            for node in ast.walk(tree):
                if isinstance(node, ast.ClassDef):
                    for each in node.body:
                        if isinstance(each, ast.FunctionDef):
                            yield file, each, node.name
            classes = {
                each for node in ast.walk(tree) if isinstance(node, ast.ClassDef) for each in node.body
            }
            for node in ast.walk(tree):
                if isinstance(node, ast.FunctionDef) and node not in classes:
                    yield file, node, ""

    def reach(self, shape: StageShape) -> frozenset[str]:
        """The functions that a stage's code calls, directly or not, by name; with the stage's own."""
        calls: dict[str, set[str]] = {}
        starts: set[str] = set()
        for file, node, owner in self.functions():
            names = {
                each.func.id if isinstance(each.func, ast.Name) else each.func.attr
                for each in ast.walk(node)
                if isinstance(each, ast.Call) and isinstance(each.func, (ast.Name, ast.Attribute))
            }
            calls.setdefault(node.name, set()).update(names)
            first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
            inside = shape.line is not None and first <= shape.line <= (node.end_lineno or first)
            mine = file == shape.file and inside and (shape.kind != "stateful" or owner)
            if mine or self.homes.get(file) == shape.name:
                starts.add(node.name)
            if mine and owner:
                starts |= {
                    each.name for other, each, own in self.functions() if own == owner and other == file
                }
        done: set[str] = set()
        todo = list(starts)
        while todo:
            name = todo.pop()
            if name in done:
                continue
            done.add(name)
            todo += [each for each in calls.get(name, ()) if each in calls]
            # Making an object runs its __init__, and its methods are called by name.
        return frozenset(done)

    def stage_of(self, place: str | None, stages: Sequence[StageShape]) -> str | None:
        """The stage whose code a line belongs to."""
        if place is None:
            return None
        file, _, number = place.rpartition(":")
        if file in self.homes:
            return self.homes[file]
        inside = self.function_at(file, int(number)) if number.isdecimal() else None
        if inside is None:
            return None
        return next((each.name for each in stages if inside in self.reach(each)), None)

    def function_at(self, file: str, line: int) -> str | None:
        """The innermost function around a line."""
        found = [
            node
            for other, node, _ in self.functions()
            if other == file
            and min([node.lineno, *(each.lineno for each in node.decorator_list)])
            <= line
            <= (node.end_lineno or 0)
        ]
        return max(found, key=lambda node: node.lineno).name if found else None


class _Walk(ast.NodeVisitor):
    """Collects the sites of one file."""

    def __init__(self, file: str, tree: ast.Module) -> None:
        self._file = file
        self._tree = tree
        self._found: list[Site] = []
        self._function: list[str] = []
        self._class: list[str] = []
        self._locked = 0
        self._with_calls: set[ast.Call] = set()
        self._closed: set[str] = set()
        self._globals = {
            target.id
            for node in tree.body
            if isinstance(node, (ast.Assign, ast.AnnAssign))
            for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
            if isinstance(target, ast.Name)
        }
        self._mutable = {
            target.id
            for node in tree.body
            if isinstance(node, (ast.Assign, ast.AnnAssign)) and _makes_mutable(node.value)
            for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
            if isinstance(target, ast.Name)
        }
        self._declared: list[set[str]] = []

    def sites(self) -> list[Site]:
        self.visit(self._tree)
        return self._found

    def _add(self, kind: SiteKind, node: ast.AST, name: str) -> None:
        function = self._function[-1] if self._function else ""
        line = getattr(node, "lineno", 0)
        self._found.append(Site(kind, self._file, line, name, function, self._locked > 0))

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._class.append(node.name)
        self.generic_visit(node)
        self._class.pop()

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._function.append(node.name)
        self._declared.append(
            {name for each in ast.walk(node) if isinstance(each, ast.Global) for name in each.names}
        )
        self._closed = _closed_names(node)
        for default in [*node.args.defaults, *(each for each in node.args.kw_defaults if each)]:
            if _makes_mutable(default):
                self._add("mutable_default", default, node.name)
        for decorator in node.decorator_list:
            name = _called_name(decorator.func if isinstance(decorator, ast.Call) else decorator)
            if name in ("cache", "lru_cache"):
                unbounded = name == "cache" or "None" in ast.unparse(decorator)
                if self._class or unbounded:
                    self._add("cached_method" if self._class else "grow", decorator, node.name)
        self._check_then_act(node)
        for statement in node.body:
            self.visit(statement)
        self._declared.pop()
        self._function.pop()

    def visit_With(self, node: ast.With) -> None:
        names = [ast.unparse(item.context_expr).casefold() for item in node.items]
        locks = sum("lock" in name or "mutex" in name or "semaphore" in name for name in names)
        for item in node.items:
            self._with_calls |= {each for each in ast.walk(item.context_expr) if isinstance(each, ast.Call)}
        self._locked += locks
        self.generic_visit(node)
        self._locked -= locks

    def visit_Assign(self, node: ast.Assign) -> None:
        for target in node.targets:
            self._stored(target, node)
        self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self._stored(node.target, node)
        if isinstance(node.target, (ast.Name, ast.Attribute)) and self._is_shared(node.target):
            self._add("grow", node, _name(node.target))
        self.generic_visit(node)

    def _stored(self, target: ast.expr, node: ast.stmt) -> None:
        if not self._function:
            return
        if isinstance(target, ast.Tuple):
            for each in target.elts:
                self._stored(each, node)
        elif isinstance(target, ast.Subscript):
            name = _name(target.value)
            if self._is_shared(target.value):
                self._add("grow", node, name)
                self._add("write", node, name)
            else:
                self._add("mutate", node, name)
        elif isinstance(target, ast.Attribute):
            if self._is_shared(target):
                self._add("write", node, _name(target))
            else:
                self._add("mutate", node, _name(target.value))
        elif isinstance(target, ast.Name) and self._declared and target.id in self._declared[-1]:
            self._add("write", node, target.id)

    def _is_shared(self, node: ast.expr) -> bool:
        """Whether it is something that outlives the call: a module's name, or an attribute of self."""
        if isinstance(node, ast.Name):
            return node.id in self._globals
        if isinstance(node, ast.Attribute):
            root: ast.expr = node
            while isinstance(root, (ast.Attribute, ast.Subscript)):
                root = root.value
            return isinstance(root, ast.Name) and (
                root.id in ("self", "cls") or root.id in self._globals or root.id in self._class
            )
        if isinstance(node, ast.Subscript):
            return self._is_shared(node.value)
        return False

    def visit_Call(self, node: ast.Call) -> None:
        name = _called_name(node.func)
        if isinstance(node.func, ast.Attribute) and self._function:
            on = node.func.value
            if name in _GROW and self._is_shared(on):
                self._add("grow", node, _name(on))
                self._add("write", node, _name(on))
                if name in ("append", "extend", "appendleft"):
                    self._add("hold", node, _name(on))
            elif name in _GROW and name not in ("write", "put"):
                self._add("mutate", node, _name(on))
            elif name in _SHRINK and self._is_shared(on):
                self._add("write", node, _name(on))
        if name in _OPENERS and node not in self._with_calls and self._function:
            self._add("open", node, name)
        if name in _CLOCKS and self._reads_clock(node):
            self._add("clock", node, ast.unparse(node.func))
        if name in {"range", "islice"}:
            self._add("bound", node, name)
        self.generic_visit(node)

    def _reads_clock(self, node: ast.Call) -> bool:
        text = ast.unparse(node.func)
        return text in ("time.time", "time.time_ns", "time") or text.endswith(
            ("datetime.now", "datetime.utcnow", "date.today", "datetime.today")
        )

    def visit_Subscript(self, node: ast.Subscript) -> None:
        if isinstance(node.slice, ast.Slice) and self._function:
            self._add("slice", node, _name(node.value))
        self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        if self._function and any(
            isinstance(op, (ast.Gt, ast.GtE, ast.Lt, ast.LtE, ast.Eq)) for op in node.ops
        ):
            text = ast.unparse(node)
            if "len(" in text or "size" in text.casefold() or "count" in text.casefold() or "%" in text:
                self._add("bound", node, text)
        self.generic_visit(node)

    def visit_Return(self, node: ast.Return) -> None:
        if isinstance(node.value, ast.Name) and node.value.id in self._mutable and self._function:
            self._add("returns_shared", node, node.value.id)
        self.generic_visit(node)

    def _check_then_act(self, node: ast.FunctionDef) -> None:
        for each in ast.walk(node):
            if not isinstance(each, ast.If):
                continue
            tested = {
                _name(part) for part in ast.walk(each.test) if isinstance(part, (ast.Name, ast.Attribute))
            }
            acted = {
                _name(target.value if isinstance(target, ast.Subscript) else target)
                for inner in each.body
                for part in ast.walk(inner)
                if isinstance(part, (ast.Assign, ast.AugAssign))
                for target in (part.targets if isinstance(part, ast.Assign) else [part.target])
            }
            shared = {
                name for name in tested & acted if name.partition(".")[0] in {*self._globals, "self", "cls"}
            }
            for name in shared:
                self._add("check_then_act", each.body[0], name)


def _makes_mutable(node: ast.expr | None) -> bool:
    if isinstance(node, (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)):
        return True
    return isinstance(node, ast.Call) and _called_name(node.func) in (
        "list",
        "dict",
        "set",
        "deque",
        "defaultdict",
        "OrderedDict",
        "Counter",
        "bytearray",
    )


def _closed_names(node: ast.FunctionDef) -> set[str]:
    return {
        _name(each.func.value)
        for each in ast.walk(node)
        if isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute) and each.func.attr == "close"
    }


def _called_name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _name(node: ast.AST) -> str:
    """A name as it is written, without what is in brackets."""
    if isinstance(node, ast.Subscript):
        return _name(node.value)
    if isinstance(node, ast.Attribute):
        return f"{_name(node.value)}.{node.attr}"
    if isinstance(node, ast.Call):
        return _name(node.func)
    return node.id if isinstance(node, ast.Name) else ""
