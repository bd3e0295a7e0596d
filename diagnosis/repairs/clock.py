"""The steady clock for intervals; the record's own time instead of the moment at which it is worked on."""

from __future__ import annotations

import ast

from diagnosis.change import ClockChange
from diagnosis.experiments import Case
from diagnosis.experiments.clock_step import STEP_S
from diagnosis.repairs import own
from diagnosis.repairs.base import Repair, in_line


def repairs(case: Case) -> list[Repair]:
    found: list[Repair] = own.deadlines(case.source) if case.kind == "rejected" else []
    calls = list(_calls(case))
    half = max(1, case.first.read // 2)
    if case.kind == "books":
        return _steady(case)
    for step in (STEP_S, -STEP_S):
        under = ClockChange(step_s=step, step_at=half)
        patches = []
        for file, node in calls:
            name = ast.unparse(node.func)
            steady = {"time.time": "time.monotonic", "time": "monotonic"}.get(name)
            if steady is None:
                continue
            made = f"{steady}()" if steady != "monotonic" else "__import__('time').monotonic()"
            patch = in_line(case.source, file, node, made)
            if patch is not None:
                patches.append(patch)
        if patches and len({(patch.file, patch.first) for patch in patches}) == len(patches):
            file, node = calls[0]
            found.append(
                Repair(
                    f"measure intervals with time.monotonic(), not {ast.unparse(node.func)}(): "
                    f"{file.rpartition('/')[2]}:{node.lineno}",
                    f"{file}:{node.lineno}",
                    ast.unparse(node.func),
                    tuple(patches),
                    under=under,
                )
            )
    if calls:
        file, node = calls[0]
        found.append(
            Repair(
                "decide by the time that the record itself carries, not by when it is worked on "
                f"({ast.unparse(node.func)}()): {file.rpartition('/')[2]}:{node.lineno}",
                f"{file}:{node.lineno}",
                ast.unparse(node.func),
                change=case.lab.change(clock=ClockChange(frozen=True)),
            )
        )
    return found


def _steady(case: Case) -> list[Repair]:
    """Stage times by a clock that cannot be set."""
    clocks = [
        f"{file}:{node.lineno}"
        for file, node, owner in case.source.functions()
        if owner and node.name == "monotonic"
    ]
    place = clocks[0] if clocks else None
    text = "take the times of a stage from a steady clock, which nobody sets"
    if place is not None:
        text += f": {place.rpartition('/')[2]}"
    return [Repair(text, place, None, change=case.lab.change(steady=True))]


def _calls(case: Case) -> list[tuple[str, ast.Call]]:
    """The calls that ask for the time, those that were really made, the most frequent first."""
    reads: dict[tuple[str, int], int] = {}
    for key, times in case.first.clock_reads.items():
        file, _, number = key.partition(" ")[0].rpartition(":")
        reads[file, int(number)] = reads.get((file, int(number)), 0) + times
    found: list[tuple[int, str, ast.Call]] = []
    for site in case.source.of_kind("clock"):
        times = reads.get((site.file, site.line), 0)
        if not times:
            continue
        for node in ast.walk(case.source.trees[site.file]):
            if (
                isinstance(node, ast.Call)
                and node.lineno == site.line
                and ast.unparse(node.func) == site.name
            ):
                found.append((times, site.file, node))
                break
    found.sort(key=lambda each: -each[0])
    return [(file, node) for _, file, node in found]
