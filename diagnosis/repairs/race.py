"""A lock around what only one thread may be in."""

from __future__ import annotations

import ast
from dataclasses import replace

from diagnosis.experiments import Case
from diagnosis.experiments.delay import suspects
from diagnosis.observation import StageShape
from diagnosis.repairs.base import (
    Repair,
    before,
    body_lines,
    function_node,
    head_line,
    in_line,
    indented,
    lines_of,
    margin,
    replaced,
    top_of,
)
from diagnosis.source import Site

NAME = "_one_at_a_time"


def repairs(case: Case) -> list[Repair]:
    sites = suspects(case)
    rank = {place: number for number, place in enumerate(case.lines)}
    sites.sort(key=lambda site: rank.get((site.file, site.line), 99))
    found = []
    done: set[tuple[str, str]] = set()
    for site in sites:
        if (site.file, site.function) in done:
            continue
        done.add((site.file, site.function))
        repair = _locked(case, [site], site)
        if repair is not None:
            found.append(repair)
    found += _together(case, sites)
    if len(done) > 1:
        one = {(site.file, site.function): site for site in sites}
        repair = _locked(case, list(one.values()), sites[0])
        if repair is not None:
            found.append(repair)
    return [*found, *_alone(case)]


def _together(case: Case, sites: list[Site]) -> list[Repair]:
    """One lock for all functions that change, or go over, the same thing, if none of them calls another.

    One that does would wait for itself.
    """
    found = []
    for first in {(site.file, site.name): site for site in reversed(sites)}.values():
        mine: dict[str, Site] = {}
        for site in sites:
            if (site.file, site.name) == (first.file, first.name):
                mine.setdefault(site.function, site)
        for file, node, _ in case.source.functions():
            if file == first.file and node.name not in ("__init__", *mine) and _goes_over(node, first.name):
                mine[node.name] = replace(first, line=node.body[0].lineno, function=node.name)
        nodes = [function_node(case.source, each.file, each.line) for each in mine.values()]
        calls = {
            each.func.attr if isinstance(each.func, ast.Attribute) else getattr(each.func, "id", "")
            for node in nodes
            if node is not None
            for each in ast.walk(node)
            if isinstance(each, ast.Call)
        }
        if len(mine) < 2 or calls & set(mine):
            continue
        repair = _locked(case, list(mine.values()), first)
        if repair is not None:
            found.append(repair)
    return found


def _goes_over(node: ast.FunctionDef, name: str) -> bool:
    """Whether a function has a loop over something."""
    return any(
        isinstance(each, (ast.Name, ast.Attribute)) and ast.unparse(each) == name
        for loop in ast.walk(node)
        if isinstance(loop, (ast.For, ast.comprehension))
        for each in ast.walk(loop.iter)
    )


def _alone(case: Case) -> list[Repair]:
    """One worker for a stage whose outcome depends on the order in which records come."""
    found = []
    for shape in case.first.stages:
        if (
            shape.workers <= 1
            or shape.file is None
            or shape.line is None
            or shape.file not in case.source.trees
        ):
            continue
        for file, node, _ in case.source.functions():
            if file != shape.file or not head_line(node) <= shape.line <= node.lineno:
                continue
            for each in node.decorator_list:
                for word in each.keywords if isinstance(each, ast.Call) else ():
                    patch = in_line(case.source, file, word.value, "1") if word.arg == "workers" else None
                    if patch is not None:
                        text = (
                            f"one worker for {shape.name}, for what it does depends on the order: workers=1: "
                        )
                        text += f"{file.rpartition('/')[2]}:{each.lineno}"
                        place = _racing(case, shape) or f"{file}:{each.lineno}"
                        found.append(Repair(text, place, shape.name, (patch,)))
    return found


def _racing(case: Case, shape: StageShape) -> str | None:
    """The line of a stage's code that writes what is shared, the one at which a wait made it worst first."""
    rank = {place: number for number, place in enumerate(case.lines)}
    reached = case.source.reach(shape)
    sites = [site for site in suspects(case) if site.function in reached]
    sites.sort(key=lambda site: (rank.get((site.file, site.line), 99), site.kind != "check_then_act"))
    return sites[0].place if sites else None


def _locked(case: Case, sites: list[Site], site: Site) -> Repair | None:
    file = site.file
    patches, wrong = [], []
    top = min(top_of(case.source, file, each.line) for each in sites)
    lines = lines_of(case.source, file)
    for each in sites:
        node = function_node(case.source, each.file, each.line)
        if node is None or each.file != file:
            return None
        first, last = body_lines(node)
        at = margin(lines[first - 1])
        inner = indented(lines[first - 1 : last])
        patches.append(replaced(file, first, "\n".join([f"{at}with {NAME}:", *inner]), last))
        wrong.append(replaced(file, first, "\n".join([f"{at}with threading.Lock():", *inner]), last))
    declared = before(file, top, f"import threading\n\n{NAME} = threading.Lock()\n\n")
    functions = " and ".join(dict.fromkeys(each.function for each in sites))
    text = (
        f"hold one lock while {functions} reads and writes {site.name}: {file.rpartition('/')[2]}:{site.line}"
    )
    return Repair(text, site.place, site.name, (declared, *patches), wrong=(declared, *wrong))
