"""Whether a stage gave one and the same object for several records."""

from __future__ import annotations

from diagnosis.experiments.base import Case, Experiment, Finding
from diagnosis.observation import SharedObject

SOME = 4
SHARE = 0.005


class OneObject(Experiment):
    name = "one_object"
    family = "identity"
    question = "did a stage give one object for several records, and write to it in between?"
    ordinary = {"rewritten": 0.01, "shared": 0.09, "apart": 0.9}
    kinds = ("lost", "duplicated", "rejected", "changed", "failed")
    runs = 0.05

    def carry_out(self, case: Case) -> Finding:
        found = [each for run in case.baseline for each in run.shared]
        most = max(found, key=lambda each: (each.rewritten, each.times), default=SharedObject("", 0, 0, 1))
        enough = max(SOME, SHARE * most.given)
        if most.times < enough:
            return Finding("apart", "each record that a stage gave was an object of its own", 1)
        told = f"{most.stage} gave an object again that it had given just before, {most.times:,} times "
        told += f"in {most.given:,} records"
        if most.rewritten < enough:
            return Finding("shared", f"{told}, with the same contents", 1)
        case.notes["one object"] = most.stage
        return Finding("rewritten", f"{told}, {most.rewritten:,} times with other contents", 1)
