"""The input from other places on: does what a stage makes of a record depend on those before it?"""

from __future__ import annotations

from dataclasses import replace

from diagnosis.experiments.base import Case, Experiment, Finding, serial


class Beginning(Experiment):
    name = "beginning"
    family = "beginning"
    question = (
        "the input from other places on: does what a stage makes of a record depend on those before it?"
    )
    ordinary = {"depends": 0.05, "steady": 0.95}
    kinds = ("history",)
    runs = 2.0
    intervention = True

    def carry_out(self, case: Case) -> Finding:
        skip = max(1, case.trouble.skip // 2) | 1
        change = replace(serial(case.lab.change()), start=skip)
        later = case.lab.one(change)
        known = case.lab.one(serial(case.lab.change()))
        apart = replace(case.trouble, reference=later).measure(known).amount
        again = case.trouble.measure(case.lab.run(serial(case.lab.change()), times=2)[1]).amount
        told = (
            f"{apart:,.0f} records are made otherwise without the first {skip:,}, {case.amount:,.0f} without "
        )
        told += f"the first {case.trouble.skip:,}, as again ({again:,.0f})"
        return Finding("depends" if apart and again else "steady", told, 3, change)
