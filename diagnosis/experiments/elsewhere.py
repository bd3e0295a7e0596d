"""The input from a later record on: does it stay with the records, or with their places?"""

from __future__ import annotations

from diagnosis.experiments.base import WITH_IDS, Case, Experiment, Finding
from diagnosis.symptoms import placed, root

NEARLY_ALL = 0.9


class Elsewhere(Experiment):
    name = "elsewhere"
    family = "input"
    question = "the input without its beginning: is it the same records, or the same places?"
    ordinary = {"records": 0.45, "places": 0.45, "gone": 0.1}
    kinds = WITH_IDS
    intervention = True

    def applies(self, case: Case) -> bool:
        if not super().applies(case) or not case.trouble.sick.ids or case.first.read < 8:
            return False
        # Where it is nearly all of them, they are the same ones wherever the input begins.
        return len({root(id) for id in case.trouble.sick.ids}) < NEARLY_ALL * case.first.read

    def carry_out(self, case: Case) -> Finding:
        # Half a batch beside where batches began, so that places are others.
        size = case.lab.base.batch_size or case.first.batch_size or 2
        skip = max(1, case.first.read // 5 // size * size + size // 2) | 1
        # As far as before, and no further: what is behind that was not looked at.
        limit = case.lab.base.limit
        rest = max(1, limit - skip * max(1, len(case.first.partitions))) if limit is not None else None
        change = case.lab.change(start=skip, limit=rest)
        found = case.measure(change, case.lab.one(change))
        before = {id for id in case.trouble.sick.ids if placed(id)[1] >= skip}
        both = found.ids & before
        most = max(1, len(before | found.ids))
        if not found.ids:
            outcome = "gone" if before else "records"
        else:
            outcome = "records" if len(both) / most > 0.8 else "places"
        told = f"{len(both)} of {len(before)} records show it again without the first {skip}"
        told += f", {len(found.ids - before)} others do"
        return Finding(outcome, told, 1, change)
