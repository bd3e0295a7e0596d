"""How much of what was opened at a line is left open."""

from __future__ import annotations

from diagnosis.experiments.base import Case, Experiment, Finding
from diagnosis.symptoms import kept

NEARLY = 0.9


class AllLeft(Experiment):
    name = "all_left"
    family = "left"
    question = "is everything open that a line ever opened, or only as much as is in use?"
    ordinary = {"left_all": 0.25, "left_some": 0.75}
    kinds = ("handles",)
    runs = 0.05

    def applies(self, case: Case) -> bool:
        return super().applies(case) and bool(kept(case.first))

    def carry_out(self, case: Case) -> Finding:
        most = kept(case.first)[0]
        # A pipe has two ends, and a connection too.
        outcome = "left_all" if most.left >= NEARLY * most.times else "left_some"
        return Finding(outcome, f"{most.left:,} are open of {most.times:,} that were opened at that line", 1)
