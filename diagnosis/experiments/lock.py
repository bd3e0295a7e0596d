"""A lock around the stages: does keeping their calls apart cure it?"""

from __future__ import annotations

from diagnosis.experiments.base import Case, Experiment, Finding, compared, own_threads, told


class Lock(Experiment):
    name = "lock"
    family = "threads"
    question = "a lock around every stage's calls, with as many threads as before: does that cure it?"
    ordinary = {"cured": 0.03, "less": 0.05, "same": 0.92}
    kinds = ("lost", "duplicated", "rejected", "changed", "failed")
    intervention = True

    def applies(self, case: Case) -> bool:
        if own_threads(case):
            # A stage that divides its records among threads is one call: no lock is between them.
            return False
        threads = any(each.workers > 1 for each in case.first.stages) or len(case.stages) > 1
        return super().applies(case) and threads

    def carry_out(self, case: Case) -> Finding:
        change = case.lab.change(lock=case.stages)
        found = case.sick(change)
        return Finding(compared(case, found), told(case, found, "behind a lock"), len(found), change)
