"""The wall clock put forward and back on the way: does anything depend on it?"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TypeAlias

from diagnosis.change import Change, ClockChange
from diagnosis.experiments.base import Case, Experiment, Finding, serial
from diagnosis.observation import Observation

STEP_S = 7_200.0
AGAIN = 3
OTHERWISE = 100_000
"""Runs that end in another way are so far apart."""
_NUMBERS = re.compile(r"0x[0-9a-f]+|-?\d+(\.\d+)?")


class ClockStep(Experiment):
    name = "clock_step"
    family = "time"
    question = "the wall clock put two hours forward, or back, half way: does what becomes of records change?"
    ordinary = {"changes": 0.03, "same": 0.97}
    kinds = ("lost", "duplicated", "rejected", "changed", "slow", "stall", "memory", "failed")
    runs = 2.0
    intervention = True

    def applies(self, case: Case) -> bool:
        return super().applies(case) and bool(case.first.clock_reads)

    def carry_out(self, case: Case) -> Finding:
        half = max(1, case.first.read // 2)
        base, known = held_against(case)
        before = {books(run) for run in known}
        half = max(1, half if case.kind != "failed" else _settled(known[0]) // 2)
        seen = []
        changed = base
        for step in (STEP_S, -STEP_S):
            changed = replace(base, clock=ClockChange(step_s=step, step_at=half))
            seen.append(books(case.lab.one(changed)))
        spread = max((apart(a, b) for a in before for b in before), default=0)
        moved = max(min(apart(each, known) for known in before) for each in seen)
        outcome = "changes" if moved > 2 * spread + 1 and not by_chance(case, spread, moved) else "same"
        told = (
            f"delivered, filtered, rejected, rows: {shown(seen[0])} forward, {shown(seen[1])} back, "
            f"{shown(next(iter(before)))} as it is"
        )
        return Finding(outcome, told, 2, changed)


Books: TypeAlias = tuple[str, int, int, int, int, int]


def held_against(case: Case) -> tuple[Change, list[Observation]]:
    """Runs as it is, and what was different in them.

    How far a run comes before it fails is a matter of threads, too. In one thread it is not: what fails
    there at another record, by another clock, does so by the clock.
    """
    base = case.lab.change()
    if case.kind != "failed":
        return base, case.baseline
    alone = serial(base)
    runs = case.lab.run(alone, times=AGAIN)
    if all(run.ending == "failed" for run in runs):
        return alone, runs
    return base, case.lab.run(base, times=AGAIN)


def _settled(run: Observation) -> int:
    return run.delivered + run.filtered + run.rejected


def by_chance(case: Case, spread: int, moved: int) -> bool:
    """Whether a run fails at another record each time as it is, so that another one again tells nothing."""
    return case.kind == "failed" and spread > 0 and moved < OTHERWISE


def books(run: Observation) -> Books:
    """How a run ended, where it failed with what error (its numbers left out), and its counts."""
    ending = f"failed: {_NUMBERS.sub('#', run.problem or '')}" if run.ending == "failed" else run.ending
    return ending, run.delivered, run.filtered, run.rejected, run.lost, len(run.hashes)


def apart(a: Books, b: Books) -> int:
    return sum(abs(x - y) for x, y in zip(a[1:], b[1:], strict=True)) + OTHERWISE * (a[0] != b[0])


def shown(books: Books) -> str:
    return " / ".join(str(each) for each in (*books[1:4], books[5]))
