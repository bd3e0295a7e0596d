"""Garbage collected where nothing else collects it: does what grows stop growing?"""

from __future__ import annotations

from diagnosis.experiments.base import Case, Experiment, Finding
from diagnosis.observation import GARBAGE
from diagnosis.symptoms import growing


class Uncollected(Experiment):
    name = "uncollected"
    family = "garbage"
    question = "the cyclic collector is off: with garbage collected every few batches, does the growth stop?"
    ordinary = {"freed": 0.15, "held": 0.85}
    kinds = ("memory",)
    intervention = True

    def applies(self, case: Case) -> bool:
        return super().applies(case) and lies_about(case)

    def carry_out(self, case: Case) -> Finding:
        classes = tuple(each.object or "" for each in growing(case.first) if each.type == GARBAGE)
        change = case.lab.change(collector="each_batch", objects=classes)
        sick = case.measure(change, case.lab.one(change))
        outcome = "freed" if sick.amount < 0.4 * case.amount else "held"
        told = f"{sick.amount:.3g} items a record with collections, {case.amount:.3g} without"
        return Finding(outcome, told, 1, change)


def lies_about(case: Case) -> bool:
    """Whether what grows most is garbage that no collector takes away."""
    return any(each.type == GARBAGE for each in growing(case.first)[:1])
