"""More of the input: does it level off?"""

from __future__ import annotations

from diagnosis.experiments.base import Case, Experiment, Finding
from diagnosis.symptoms import growth, slowing

TIMES = 3


class Longer(Experiment):
    name = "longer"
    family = "growth"
    question = "three times as many records: does it level off?"
    ordinary = {"goes_on": 0.5, "levels_off": 0.4, "no_more": 0.1}
    kinds = ("memory", "slow", "handles")
    runs = 2.0

    def carry_out(self, case: Case) -> Finding:
        limit = case.lab.base.limit or case.first.read
        change = case.lab.change(limit=limit * TIMES)
        run = case.lab.one(change)
        if run.read < 1.5 * limit:
            change = case.lab.change(limit=limit * TIMES, repeat=TIMES)
            if case.kind != "handles":
                return Finding("no_more", f"there are no more than {run.read:,} records", 1, change)
            # What is opened does not depend on which records they are: the same ones do.
            run = case.lab.one(change)
        if case.kind == "slow":
            now, before = slowing(run), case.amount
            outcome = "goes_on" if now > 1.15 * before else "levels_off"
            return Finding(outcome, f"{before:.1f} times as long a record, then {now:.1f}", 1, change)
        now = case.trouble.measure(run).amount
        if case.kind == "handles":
            outcome = "goes_on" if now > 1.8 * case.amount else "levels_off"
            return Finding(outcome, f"{case.amount:g} left open, then {now:g} with more records", 1, change)
        outcome = "goes_on" if now > 0.4 * case.amount else "levels_off"
        ends = [each for each in run.containers if growth(run, each) > 0]
        what = f" ({ends[0].name}: {ends[0].lengths[-1]:,} items)" if ends else ""
        return Finding(
            outcome,
            f"{case.amount:.2f} items a record, then {now:.2f} with {run.read:,} records{what}",
            1,
            change,
        )
