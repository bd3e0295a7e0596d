"""Times of stages taken by the machine's own clock: are they possible then?"""

from __future__ import annotations

from diagnosis.experiments.base import Case, Experiment, Finding, compared, told
from diagnosis.symptoms import impossible


class Steady(Experiment):
    name = "steady"
    family = "time"
    question = "the times of stages taken by the machine's own clock and no other: are they possible then?"
    ordinary = {"cured": 0.05, "less": 0.05, "same": 0.9}
    kinds = ("books",)
    intervention = True

    def applies(self, case: Case) -> bool:
        return super().applies(case) and impossible(case.first) is not None

    def carry_out(self, case: Case) -> Finding:
        change = case.lab.change(steady=True)
        found = case.sick(change)
        outcome = compared(case, found)
        return Finding(outcome, told(case, found, "by the machine's clock"), len(found), change)
