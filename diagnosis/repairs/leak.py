"""Bounds for what grows."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from diagnosis.experiments import Case
from diagnosis.observation import GARBAGE, Container
from diagnosis.repairs.base import Repair, after, before, in_line, lines_of, margin, replaced, statement
from diagnosis.source import Site
from diagnosis.symptoms import growing

MOST = 1_000


def repairs(case: Case) -> list[Repair]:
    found: list[Repair] = []
    for container in growing(case.first)[:3]:
        found += _collector_on(case, container) if container.type == GARBAGE else _bounds(case, container)
    for container in growing(case.first)[:1]:
        if not found and container.clearable:
            change = case.lab.change(clear=(container.name,), clear_above=32)
            text = f"empty {container.name} when nothing needs it any more, or bound it"
            found.append(Repair(text, None, container.object, change=change))
    return found


def sites(case: Case, container: Container) -> list[Site]:
    """The lines that put something into a container, those of its stage first."""
    last = container.name.rpartition(".")[2]
    owner = container.name.partition(".")[0]
    grows = [
        site
        for site in case.source.of_kind("grow", "mutate", "cached_method")
        if site.name
        in (container.name, container.name.replace(f"{owner}.", "self.", 1), f"self.{last}", f"cls.{last}")
        or site.name == last
        or (site.name == owner and "." in container.name)
    ]
    reached = {
        name
        for shape in case.first.stages
        if shape.name == container.stage
        for name in case.source.reach(shape)
    }
    rank = {"grow": 0, "cached_method": 0, "mutate": 1}
    return sorted(grows, key=lambda site: (site.function not in reached, rank[site.kind], site.line))


def _bounds(case: Case, container: Container) -> list[Repair]:
    found = []
    bound = max(16, min(MOST, (case.first.read or MOST) // 8))
    for site in sites(case, container)[:4]:
        if container.type == "lru_cache_wrapper" or site.kind == "cached_method":
            repair = _cached(case, container, site, bound)
        else:
            repair = _bounded(case, container, site, bound)
        if repair is not None:
            found.append(repair)
    if container.type == "lru_cache_wrapper" and not found:
        for site in case.source.of_kind("grow", "cached_method"):
            if site.name == container.name.rpartition(".")[2]:
                repair = _cached(case, container, site, bound)
                if repair is not None:
                    found.append(repair)
    return found


def _bounded(case: Case, container: Container, site: Site, bound: int) -> Repair | None:
    node = statement(case.source, site.file, site.line)
    if node is None or isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return None
    name = site.name
    lines = lines_of(case.source, site.file)
    at = margin(lines[node.lineno - 1])
    emptied = f"del {name}[:]" if container.type in ("list", "bytearray") else f"{name}.clear()"
    text = f"{at}if len({name}) > {bound}:\n{at}    {emptied}"
    if isinstance(node, (ast.Return, ast.If, ast.For, ast.While, ast.With)):
        patch = before(site.file, node.lineno, text)
    else:
        patch = before(site.file, node.lineno, text)
    wrong = before(site.file, node.lineno, f"{at}if len({name}) > {bound}:\n{at}    {name}.copy()")
    words = (
        f"bound {name}: clear it in {site.function} when it holds more than {bound:,} items: {_short(site)}"
    )
    return Repair(words, site.place, container.object or name, (patch,), wrong=(wrong,))


def _collector_on(case: Case, container: Container) -> list[Repair]:
    """Whatever switches the cyclic collector off switches it on instead."""
    patches, wrong = [], []
    for file, call, module in _switched_off(case):
        made = f"{module}.set_threshold(700, 10, 10)" if call.args else f"{module}.enable()"
        patch = in_line(case.source, file, call, made)
        # One collection before it begins is of no use.
        same = f"{module}.collect(), {ast.unparse(call)}"
        harmless = in_line(case.source, file, call, same)
        if patch is not None and harmless is not None:
            patches.append((patch, call, made))
            wrong.append(harmless)
    if not patches or len({(each.file, each.first) for each, _, _ in patches}) < len(patches):
        return []
    (first, call, made), *_ = patches
    place = f"{first.file}:{first.first}"
    words = (
        f"let the cyclic collector run, for {container.name} refer to one another: {made} in the place of "
        f"{ast.unparse(call)}: {place.rpartition('/')[2]}"
    )
    # Counted though the collector is on then.
    counted = case.lab.change(objects=(container.object or "",))
    return [
        Repair(
            words,
            place,
            container.object,
            tuple(each for each, _, _ in patches),
            change=counted,
            wrong=tuple(wrong),
        )
    ]


def _switched_off(case: Case) -> Iterator[tuple[str, ast.Call, str]]:
    """The calls that switch the collector off, with the file and an expression that is the module."""
    for file, tree in case.source.trees.items():
        names = {
            each.asname or each.name: each.name
            for node in ast.walk(tree)
            if isinstance(node, ast.Import)
            for each in node.names
        }
        direct = {
            each.asname or each.name: each.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and node.module == "gc"
            for each in node.names
        }
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            called, module = node.func, "__import__('gc')"
            if isinstance(called, ast.Name):
                name = direct.get(called.id)
            elif isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name):
                module = called.value.id
                name = called.attr if names.get(module) == "gc" else None
            else:
                name = None
            never = name == "set_threshold" and node.args and ast.unparse(node.args[0]) == "0"
            if name == "disable" or never:
                yield file, node, module


def _cached(case: Case, container: Container, site: Site, bound: int) -> Repair | None:
    lines = lines_of(case.source, site.file)
    line = lines[site.line - 1]
    text = line.strip()
    if not text.startswith("@"):
        return None
    prefix = text[1:].partition("(")[0].rpartition(".")[0]
    dotted = f"{prefix}." if prefix else ""
    made = f"{margin(line)}@{dotted}lru_cache(maxsize={bound})"
    patches = [replaced(site.file, site.line, made)]
    if not prefix and "lru_cache" not in case.source.texts[site.file].split("@")[0]:
        patches.append(before(site.file, _after_future(case, site.file), "from functools import lru_cache"))
    words = f"bound the cache of {site.name}: @{dotted}lru_cache(maxsize={bound}): {_short(site)}"
    return Repair(words, site.place, container.object or site.name, tuple(patches))


def _after_future(case: Case, file: str) -> int:
    for node in case.source.trees[file].body:
        if isinstance(node, (ast.Import, ast.ImportFrom)) and getattr(node, "module", "") != "__future__":
            return node.lineno
    return 1


def _short(site: Site) -> str:
    return f"{site.file.rpartition('/')[2]}:{site.line}"


__all__ = ["after", "repairs", "sites"]
