"""The same keys again, against new ones: does what grows follow what is new?"""

from __future__ import annotations

from diagnosis.experiments.base import Case, Experiment, Finding

TURNS = 8


class Keys(Experiment):
    name = "keys"
    family = "growth"
    question = "the same few records again and again instead of new ones: does it still grow?"
    ordinary = {"follows_keys": 0.2, "grows_anyway": 0.6, "levels": 0.2}
    kinds = ("memory",)
    intervention = True

    def carry_out(self, case: Case) -> Finding:
        limit = case.lab.base.limit or case.first.read
        change = case.lab.change(repeat=TURNS, limit=limit)
        again = case.measure(change, case.lab.one(change)).amount
        new = case.amount
        outcome = "follows_keys" if again < 0.3 * new else "grows_anyway"
        told = (
            f"{new:.2f} items a record with new records, {again:.2f} when the first "
            f"{limit // TURNS:,} come {TURNS} times"
        )
        return Finding(outcome, told, 2, change)
