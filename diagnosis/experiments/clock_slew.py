"""Clocks that run twenty times as fast: does the time that work takes decide anything?"""

from __future__ import annotations

from dataclasses import replace

from diagnosis.change import ClockChange
from diagnosis.experiments.base import Case, Experiment, Finding
from diagnosis.experiments.clock_step import Books, apart, books, by_chance, held_against, shown

FAST = 20.0
FAR = 3
LEAST = 10
"""Records."""


class ClockSlew(Experiment):
    name = "clock_slew"
    family = "rate_of_time"
    question = (
        "clocks that run twenty times as fast: does how long work takes decide what becomes of records?"
    )
    ordinary = {"changes": 0.02, "same": 0.98}
    kinds = ("lost", "duplicated", "rejected", "changed", "slow", "stall", "memory", "failed")
    intervention = True

    def applies(self, case: Case) -> bool:
        return super().applies(case) and bool(case.first.clock_reads)

    def carry_out(self, case: Case) -> Finding:
        base, known = held_against(case)
        change = replace(base, clock=ClockChange(slew=FAST))
        before = [books(run) for run in known]
        fast = books(case.lab.one(change))
        spread = max((apart(a, b) for a in before for b in before), default=0)
        moved = min(apart(fast, known) for known in before)
        changes = moved > 3 * spread + 3 and not by_chance(case, spread, moved)
        runs = 1
        if case.kind == "failed" and not changes and _far(fast, before):
            # How far it comes differs from run to run: once could be chance.
            runs = 2
            changes = _far(books(case.lab.run(change, times=2)[1]), before)
        outcome = "changes" if changes else "same"
        told = f"delivered, filtered, rejected, rows: {shown(fast)} then, {shown(before[0])} as it is"
        return Finding(outcome, told, runs, change)


def _far(fast: Books, before: list[Books]) -> bool:
    """Whether it came a third of the way at the most, or three times as far, before it failed."""
    known = [sum(each[1:4]) for each in before]
    came = sum(fast[1:4])
    return came < min(known) / FAR - LEAST or came > FAR * max(known) + LEAST
