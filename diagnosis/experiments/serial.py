"""All stages in one thread: does it need two at once?"""

from __future__ import annotations

from diagnosis.experiments.base import Case, Experiment, Finding, compared, told


class Serial(Experiment):
    name = "serial"
    family = "threads"
    question = "everything in one thread, in an order chosen by a seed: does it need two at once?"
    ordinary = {"cured": 0.03, "less": 0.05, "same": 0.92}
    kinds = ("lost", "duplicated", "rejected", "changed", "failed", "stall")
    intervention = True

    def carry_out(self, case: Case) -> Finding:
        change = case.lab.change(driver="serial", workers=1)
        found = case.sick(change)
        return Finding(compared(case, found), told(case, found, "in one thread"), len(found), change)
