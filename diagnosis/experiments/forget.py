"""Functions that forget: does a record come out otherwise because of what an earlier one left behind?"""

from __future__ import annotations

from dataclasses import replace

from diagnosis.change import ALL
from diagnosis.experiments.base import Case, Experiment, Finding, compared, told
from diagnosis.observation import Remembered

_PLAIN = ("int", "float", "str", "bool", "bytes", "tuple", "NoneType")
_TRIED = 6


class Forget(Experiment):
    name = "forget"
    family = "sharing"
    question = "what functions remember is set back before each record: is it what earlier ones left behind?"
    ordinary = {"cured": 0.02, "less": 0.03, "same": 0.95}
    kinds = ("history",)
    intervention = True

    def carry_out(self, case: Case) -> Finding:
        change = case.lab.change(forget=(ALL,))
        found = case.sick(change)
        outcome = compared(case, found)
        if outcome != "same":
            case.remembered = _alone(case)
        where = f" (to set back {case.remembered.name} is enough)" if case.remembered is not None else ""
        if case.remembered is not None:
            change = replace(change, forget=(case.remembered.name,))
        return Finding(outcome, told(case, found, "set back") + where, len(found), change)


def _alone(case: Case) -> Remembered | None:
    """The one thing that, set back alone, cures it: a container rather than a count of calls."""
    run = case.lab.one(case.lab.change(forget=(ALL,)))
    for each in sorted(run.remembered, key=lambda each: each.type in _PLAIN)[:_TRIED]:
        if compared(case, case.sick(case.lab.change(forget=(each.name,)))) == "cured":
            return each
    return None
