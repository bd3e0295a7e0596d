"""The same input again: does the same happen?"""

from __future__ import annotations

from collections.abc import Sequence

from diagnosis.experiments.base import Case, Experiment, Finding
from diagnosis.observation import Observation

TIMES = 4


def _contents(case: Case, runs: Sequence[Observation]) -> set[frozenset[tuple[str, str]]]:
    """What became of the sick records, once for each way in which it went.

    Only of records that several workers had at once: in one thread they were the same twice.
    """
    trouble = case.trouble
    several = any(each.workers > 1 for each in case.first.stages)
    if trouble.kind != "changed" or not trouble.by_content or not several:
        return {frozenset()}
    ids = frozenset(case.trouble.sick.ids) - trouble.unsteady
    return {frozenset((id, run.hashes[id]) for id in ids if id in run.hashes) for run in runs}


class Again(Experiment):
    name = "again"
    family = "repetition"
    question = "the same input again: does the same happen?"
    ordinary = {"same": 0.88, "differs": 0.09, "gone": 0.03}
    kinds = ("lost", "duplicated", "rejected", "changed", "failed", "stall", "books")
    runs = 3.0

    def carry_out(self, case: Case) -> Finding:
        times = 3 if case.kind == "stall" else TIMES
        runs = case.lab.run(
            case.lab.base if case.lab.cure == type(case.lab.cure)() else case.lab.change(), times=times
        )
        found = [case.trouble.measure(run) for run in runs]
        sick = [each for each in found if each]
        case.share = len(sick) / len(found)
        case.baseline = list(runs)
        alike = len({each.ids for each in found}) == 1 and len({each.amount for each in found}) == 1
        contents = _contents(case, runs)
        alike = alike and len(contents) == 1
        outcome = "same" if alike else "differs"
        if case.kind in ("failed", "stall", "books"):
            outcome = "same" if len(sick) == len(found) else "differs"
        if not sick:
            outcome = "gone"
        amounts = ", ".join(f"{each.amount:g}" for each in found)
        told = f"{len(sick)} of {len(found)} runs of the same input show it ({case.kind}: {amounts})"
        if outcome == "differs" and len(sick) == len(found):
            other = len({each.ids for each in found}) > 1
            told += ", each time on other records" if other else f", with {len(contents)} different contents"
        return Finding(outcome, told, len(found), case.lab.base)
