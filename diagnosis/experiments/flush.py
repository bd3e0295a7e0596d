"""The container that grows, emptied now and then: is that what grows, and does anything need it?"""

from __future__ import annotations

from diagnosis.experiments.base import Case, Experiment, Finding
from diagnosis.symptoms import growing

ABOVE = 32


class Flush(Experiment):
    name = "flush"
    family = "container"
    question = "the container that grows, emptied now and then: does the growth stop, and is anything missed?"
    ordinary = {"level": 0.1, "breaks": 0.2, "grows": 0.7}
    kinds = ("memory", "slow")
    intervention = True

    def applies(self, case: Case) -> bool:
        return super().applies(case) and any(each.clearable for each in growing(case.first))

    def carry_out(self, case: Case) -> Finding:
        names = tuple(each.name for each in growing(case.first) if each.clearable)
        change = case.lab.change(clear=names, clear_above=ABOVE)
        run = case.lab.one(change)
        sick = case.trouble.measure(run)
        sound = (
            run.ending == case.first.ending
            and (run.lost, run.duplicated) == (case.first.lost, case.first.duplicated)
            and (run.delivered, run.rejected) == (case.first.delivered, case.first.rejected)
        )
        outcome = "grows" if sick.amount > 0.5 * case.amount else "level" if sound else "breaks"
        told = (
            f"{', '.join(names)} emptied above {ABOVE} items: {sick.amount:.2g} (as it is: {case.amount:.2g})"
        )
        told += (
            "; records and rejections as before"
            if sound
            else f"; records changed: {run.problem or 'other counts'}"
        )
        return Finding(outcome, told, 1, change)
