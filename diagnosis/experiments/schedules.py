"""Many orders in one thread, each chosen by a seed: is it the order in which batches come, or two at once?"""

from __future__ import annotations

from collections.abc import Hashable

from diagnosis.experiments.base import Case, Experiment, Finding
from diagnosis.observation import Observation
from diagnosis.symptoms import Sickness

SEEDS = 6
SHARE = 0.5
"""Of the time that is left, it may take this much."""


class Schedules(Experiment):
    """As many workers as ever take turns in one thread, a batch a turn, in an order that a seed repeats.

    Two calls are never under way at once, so that what needs that is gone in every order; what needs one
    batch before another is there in some, or on other records; what needs neither is the same in all. It
    ends as soon as two orders differ.
    """

    name = "schedules"
    family = "threads"
    question = "all workers in one thread, in many orders chosen by seeds: in which of them is it there?"
    ordinary = {"none": 0.04, "by_order": 0.12, "all": 0.84}
    kinds = ("lost", "duplicated", "rejected", "changed", "failed")
    runs = 5.0
    intervention = True

    def applies(self, case: Case) -> bool:
        left = case.lab.deadline - case.lab.clock.monotonic()
        return super().applies(case) and SEEDS * case.lab.cost_of_a_run() <= SHARE * left

    def carry_out(self, case: Case) -> Finding:
        change = case.lab.change(driver="serial", seed=1)
        found: dict[int, Sickness] = {}
        ways: set[Hashable] = set()
        for seed in range(1, SEEDS + 1):
            one = case.lab.change(driver="serial", seed=seed)
            run = case.lab.one(one)
            found[seed] = case.measure(one, run)
            if found[seed]:
                # What repeats it, whenever it is wanted.
                change = one
            ways.add(_way(case, found[seed], run))
            if len(ways) > 1:
                break
        sick = [seed for seed, each in found.items() if each]
        outcome = "by_order" if len(ways) > 1 else "all" if sick else "none"
        told = f"{len(sick)} of {len(found)} orders in one thread show it"
        if outcome == "by_order" and sick:
            told += f"; that of seed {sick[-1]} does each time"
        if outcome == "by_order" and len(sick) == len(found):
            told += ", each on other records or with other contents"
        return Finding(outcome, told, len(found), change)


def _way(case: Case, sick: Sickness, run: Observation) -> Hashable:
    """How it went: on which records, and with which contents where those are compared."""
    if case.kind == "failed":
        return bool(sick)
    if case.kind != "changed" or not case.trouble.by_content:
        return sick.amount, sick.ids
    return frozenset((id, run.hashes.get(id)) for id in sick.ids)
