"""More of the input: does it level off?"""

from __future__ import annotations

from diagnosis.experiments.base import Case, Experiment, Finding
from diagnosis.symptoms import growth, slowing

TIMES = 3
FEW = 60


class Longer(Experiment):
    name = "longer"
    family = "growth"
    question = "three times as many records: does it level off?"
    ordinary = {"goes_on": 0.5, "levels_off": 0.4, "no_more": 0.1}
    kinds = ("memory", "slow", "handles")
    runs = 2.0

    def carry_out(self, case: Case) -> Finding:
        limit = case.lab.base.limit or case.first.read
        if case.kind == "handles":
            return self._shorter(case)
        change = case.lab.change(limit=limit * TIMES)
        run = case.lab.one(change)
        if run.read < 1.5 * limit:
            return Finding("no_more", f"there are no more than {run.read:,} records", 1, change)
        if case.kind == "slow":
            now, before = slowing(run), case.amount
            outcome = "goes_on" if now > 1.15 * before else "levels_off"
            return Finding(outcome, f"{before:.1f} times as long a record, then {now:.1f}", 1, change)
        now = case.trouble.measure(run).amount
        outcome = "goes_on" if now > 0.4 * case.amount else "levels_off"
        ends = [each for each in run.containers if growth(run, each) > 0]
        what = f" ({ends[0].name}: {ends[0].lengths[-1]:,} items)" if ends else ""
        return Finding(
            outcome,
            f"{case.amount:.2f} items a record, then {now:.2f} with {run.read:,} records{what}",
            1,
            change,
        )

    def _shorter(self, case: Case) -> Finding:
        """Few records: a process may not hold many more handles than it has by now."""
        change = case.lab.change(limit=max(1, min(FEW, case.first.read // TIMES)))
        run = case.lab.one(change)
        # Few may be left open then, too few to be called a symptom.
        few = max((each.left for each in run.opened), default=0)
        most = max((each.left for each in case.first.opened), default=0)
        outcome = "goes_on" if most > 1.7 * max(1, few) else "levels_off"
        return Finding(
            outcome,
            f"{few} left open after {run.read:,} records, {most} after {case.first.read:,}",
            1,
            change,
        )
