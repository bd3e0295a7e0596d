"""Where in the input it is: everywhere, or from one record on?"""

from __future__ import annotations

from collections.abc import Sequence

from diagnosis.experiments.base import Case, Experiment, Finding
from diagnosis.experiments.batches import offsets


class Drift(Experiment):
    name = "drift"
    family = "input"
    question = "where in the input are they: anywhere, a few, or all (or more and more) from one record on?"
    ordinary = {"from_one_on": 0.05, "few": 0.35, "anywhere": 0.6}
    kinds = ("rejected", "changed")
    runs = 0.1

    def applies(self, case: Case) -> bool:
        return super().applies(case) and bool(case.trouble.sick.ids)

    def carry_out(self, case: Case) -> Finding:
        found = offsets(case.trouble.sick)
        first, read = found[0], max(1, case.first.read)
        behind = read - first
        share = case.trouble.sick.amount / max(1, behind)
        if (first > 0.15 * read and share > 0.6 and behind > 10) or _more_and_more(found, read):
            outcome = "from_one_on"
        elif case.trouble.sick.amount <= max(5, 0.02 * read):
            outcome = "few"
        else:
            outcome = "anywhere"
        told = f"{case.trouble.sick.amount:g} of {read:,} records, the first at offset {first}"
        told += f", {share:.0%} of those from there on"
        return Finding(outcome, told, 1)


def _more_and_more(found: Sequence[int], read: int) -> bool:
    """Whether by far more are sick in the later half of the input than in its first eighth."""
    eighth = read / 8
    early = sum(offset < eighth for offset in found) / eighth
    late = sum(offset >= 4 * eighth for offset in found) / (4 * eighth)
    return late > 0.2 and late > 3 * early
