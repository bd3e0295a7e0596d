"""A clock that ticks once a reading: does that make the outcome the same every time, or right?"""

from __future__ import annotations

from diagnosis.change import ClockChange
from diagnosis.experiments.base import Case, Experiment, Finding, compared, told


class ClockFrozen(Experiment):
    name = "clock_frozen"
    family = "time"
    question = "a clock that moves only by being read: is it cured, or steady then?"
    ordinary = {"cured": 0.03, "steadies": 0.04, "same": 0.93}
    kinds = ("lost", "duplicated", "rejected", "changed", "failed", "stall", "slow")
    runs = 2.0
    intervention = True

    def applies(self, case: Case) -> bool:
        return super().applies(case) and bool(case.first.clock_reads)

    def carry_out(self, case: Case) -> Finding:
        change = case.lab.change(clock=ClockChange(frozen=True))
        found = case.sick(change, times=max(2, case.repeats()))
        outcome = compared(case, found)
        if outcome != "cured":
            before = {case.trouble.measure(run).ids for run in case.baseline}
            steady = len({each.ids for each in found}) == 1 and len(before) > 1
            outcome = "steadies" if steady else "same"
        return Finding(outcome, told(case, found, "with a clock of its own"), len(found), change)
