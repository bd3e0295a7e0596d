"""All stages in one thread: does it need two at once?"""

from __future__ import annotations

from diagnosis.experiments.base import Case, Experiment, Finding, compared, told
from diagnosis.symptoms import impossible


class Serial(Experiment):
    name = "serial"
    family = "threads"
    question = "everything in one thread, in an order chosen by a seed: does it need two at once?"
    ordinary = {"cured": 0.03, "less": 0.05, "same": 0.92}
    kinds = ("lost", "duplicated", "rejected", "changed", "failed", "stall", "books")
    intervention = True

    def applies(self, case: Case) -> bool:
        # In one thread, time is made up.
        return super().applies(case) and (case.kind != "books" or impossible(case.first) is None)

    def carry_out(self, case: Case) -> Finding:
        change = case.lab.change(driver="serial", workers=1)
        found = case.sick(change)
        return Finding(compared(case, found), told(case, found, "in one thread"), len(found), change)
