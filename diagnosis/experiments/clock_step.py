"""The wall clock put forward and back on the way: does anything depend on it?"""

from __future__ import annotations

from typing import TypeAlias

from diagnosis.change import ClockChange
from diagnosis.experiments.base import Case, Experiment, Finding
from diagnosis.observation import Observation

STEP_S = 7_200.0


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
        before = {books(run) for run in case.baseline}
        seen = []
        changed = case.lab.change(clock=ClockChange(step_s=STEP_S, step_at=half))
        for step in (STEP_S, -STEP_S):
            changed = case.lab.change(clock=ClockChange(step_s=step, step_at=half))
            seen.append(books(case.lab.one(changed)))
        spread = max((apart(a, b) for a in before for b in before), default=0)
        moved = max(min(apart(each, known) for known in before) for each in seen)
        outcome = "changes" if moved > 2 * spread + 1 else "same"
        told = (
            f"delivered, filtered, rejected, rows: {shown(seen[0])} forward, {shown(seen[1])} back, "
            f"{shown(next(iter(before)))} as it is"
        )
        return Finding(outcome, told, 2, changed)


Books: TypeAlias = tuple[str, int, int, int, int, int]


def books(run: Observation) -> Books:
    return run.ending, run.delivered, run.filtered, run.rejected, run.lost, len(run.hashes)


def apart(a: Books, b: Books) -> int:
    return sum(abs(x - y) for x, y in zip(a[1:], b[1:], strict=True)) + 1000 * (a[0] != b[0])


def shown(books: Books) -> str:
    return " / ".join(str(each) for each in (*books[1:4], books[5]))
