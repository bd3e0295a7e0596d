"""Garbage collected after every few batches: does it free what is left?"""

from __future__ import annotations

from diagnosis.experiments.base import Case, Experiment, Finding
from diagnosis.experiments.uncollected import lies_about


class Collect(Experiment):
    name = "collect"
    family = "garbage"
    question = "garbage collected all the time: is what is left held by somebody, or only not collected yet?"
    ordinary = {"held": 0.9, "freed": 0.1}
    kinds = ("memory", "handles")
    intervention = True

    def applies(self, case: Case) -> bool:
        return super().applies(case) and not lies_about(case)

    def carry_out(self, case: Case) -> Finding:
        change = case.lab.change(collector="each_batch")
        sick = case.measure(change, case.lab.one(change))
        outcome = "freed" if sick.amount < 0.4 * case.amount else "held"
        return Finding(outcome, f"{sick.amount:.3g} with collections, {case.amount:.3g} without", 1, change)
