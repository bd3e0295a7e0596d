"""The records at fault alone: are they enough?"""

from __future__ import annotations

from diagnosis.experiments.base import WITH_IDS, Case, Experiment, Finding
from diagnosis.symptoms import root

LARGEST = 512


class Subset(Experiment):
    """Delta debugging on the input (Zeller and Hildebrandt, *Simplifying and Isolating Failure-Inducing
    Input*, 2002), begun with the records that show it."""

    name = "subset"
    family = "input"
    question = "the records that show it, alone: are they enough, each by itself?"
    ordinary = {"alone": 0.25, "needs_others": 0.75}
    kinds = (*WITH_IDS, "failed", "stall")
    runs = 3.0
    intervention = True

    def applies(self, case: Case) -> bool:
        return super().applies(case) and (bool(case.trouble.sick.ids) or case.first.read <= LARGEST)

    def carry_out(self, case: Case) -> Finding:
        # What is read is the record from which the others descend.
        ids = sorted({root(id) for id in case.trouble.sick.ids})
        if ids:
            few = (ids[0], ids[len(ids) // 2], ids[-1])
            change = case.lab.change(only=few[:1])
            hits = 0
            for each in dict.fromkeys(few):
                change = case.lab.change(only=(each,))
                hits += bool(case.measure(change, case.lab.one(change)))
            alone = hits == len(set(few))
            if alone:
                case.records = tuple(ids)
            told = f"{hits} of {len(set(few))} records show it when each comes alone"
            return Finding("alone" if alone else "needs_others", told, len(set(few)), change)
        return self._narrowed(case)

    def _narrowed(self, case: Case) -> Finding:
        first = case.first
        everything = (
            [f"{first.partitions[0]}:{number}" for number in range(first.read)] if first.partitions else []
        )
        if not everything:
            return Finding("needs_others", "no records were read", 0)
        change, left = case.lab.change(), everything
        tries = 0
        while len(left) > 1 and tries < 24:
            half = len(left) // 2
            for part in (left[:half], left[half:]):
                tries += 1
                change = case.lab.change(only=tuple(part))
                if case.measure(change, case.lab.one(change)):
                    left = part
                    break
            else:
                break
        alone = len(left) == 1
        if alone:
            case.records = tuple(left)
        told = f"{left[0]} alone shows it" if alone else f"no fewer than {len(left)} records show it"
        return Finding("alone" if alone else "needs_others", told, tries, change)
