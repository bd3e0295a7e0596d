"""Clocks that run twenty times as fast: does the time that work takes decide anything?"""

from __future__ import annotations

from diagnosis.change import ClockChange
from diagnosis.experiments.base import Case, Experiment, Finding
from diagnosis.experiments.clock_step import apart, books, shown

FAST = 20.0


class ClockSlew(Experiment):
    name = "clock_slew"
    family = "rate_of_time"
    question = (
        "clocks that run twenty times as fast: does how long work takes decide what becomes of records?"
    )
    ordinary = {"changes": 0.02, "same": 0.98}
    kinds = ("lost", "duplicated", "rejected", "changed", "slow", "stall", "memory", "failed")
    intervention = True

    def applies(self, case: Case) -> bool:
        return super().applies(case) and bool(case.first.clock_reads)

    def carry_out(self, case: Case) -> Finding:
        change = case.lab.change(clock=ClockChange(slew=FAST))
        before = [books(run) for run in case.baseline]
        fast = books(case.lab.one(change))
        spread = max((apart(a, b) for a in before for b in before), default=0)
        moved = min(apart(fast, known) for known in before)
        outcome = "changes" if moved > 3 * spread + 3 else "same"
        told = f"delivered, filtered, rejected, rows: {shown(fast)} then, {shown(before[0])} as it is"
        return Finding(outcome, told, 1, change)
