"""A short wait at the lines that touch what is shared: does that make it worse?"""

from __future__ import annotations

from diagnosis.change import Delay
from diagnosis.experiments.base import Case, Experiment, Finding, own_threads, told
from diagnosis.source import Site

WAIT_S = 0.0005
MOST_LINES = 12


class DelayLines(Experiment):
    name = "delay"
    family = "timing"
    question = "a short wait before each line that touches what is shared: does that make it worse?"
    ordinary = {"worse": 0.05, "better": 0.05, "same": 0.9}
    kinds = ("lost", "duplicated", "rejected", "changed", "failed")
    runs = 3.0
    intervention = True

    def applies(self, case: Case) -> bool:
        if not super().applies(case) or not suspects(case):
            return False
        # Where nearly every record is sick already, nothing can make it worse.
        return case.kind == "failed" or _limit(case) < max(1, case.first.read)

    def carry_out(self, case: Case) -> Finding:
        lines = [(site.file, site.line) for site in suspects(case)]
        change = case.lab.change(delays=tuple(Delay(file, line, WAIT_S) for file, line in lines))
        found = case.sick(change, times=2)
        mean = sum(each.amount for each in found) / len(found)
        before = case.amount * case.share
        outcome = "worse" if mean > _limit(case) else "better" if mean < 0.4 * before else "same"
        if outcome == "worse":
            case.lines = _worst(case, lines)
        return Finding(outcome, told(case, found, f"with waits at {len(lines)} lines"), len(found), change)


def _limit(case: Case) -> float:
    """More than so much is worse."""
    return 1.5 * case.amount * case.share + 2


def suspects(case: Case) -> list[Site]:
    """The lines that write what other calls read too, and are not behind a lock."""
    sites = case.source.of_kind("check_then_act", "write")
    mine: set[str] = set()
    for shape in case.first.stages:
        if shape.kind in ("function", "batch") or (shape.kind == "stateful" and own_threads(case)):
            mine |= case.source.reach(shape)
    found: dict[tuple[str, int], Site] = {}
    for site in sites:
        if site.function in mine and not site.locked and site.function != "__init__":
            found.setdefault((site.file, site.line), site)
    return list(found.values())[:MOST_LINES]


def _worst(case: Case, lines: list[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
    """The lines by how much a wait at each alone makes it worse."""
    if len(lines) == 1:
        return tuple(lines)
    scored = []
    for file, line in lines[:6]:
        found = case.sick(case.lab.change(delays=(Delay(file, line, WAIT_S),)), times=1)
        scored.append((found[0].amount, file, line))
    scored.sort(key=lambda each: -each[0])
    return tuple((file, line) for amount, file, line in scored if amount > 0)
