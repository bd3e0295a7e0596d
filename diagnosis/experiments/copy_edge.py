"""Deep copies between the stages: is something changed that somebody else still uses?"""

from __future__ import annotations

from diagnosis.experiments.base import Case, Experiment, Finding, compared, told
from pipeline.pipeline import INGESTION


class CopyEdge(Experiment):
    name = "copy"
    family = "sharing"
    question = "a deep copy of every record between the stages: is something changed that others still use?"
    ordinary = {"cured": 0.02, "less": 0.03, "same": 0.95}
    kinds = ("lost", "duplicated", "rejected", "changed", "failed")
    runs = 1.5
    intervention = True

    def carry_out(self, case: Case) -> Finding:
        everywhere = (INGESTION, *case.stages)
        change = case.lab.change(copy=everywhere)
        found = case.sick(change)
        outcome = compared(case, found)
        if outcome == "cured" and len(everywhere) > 1:
            case.edges = tuple(
                edge
                for edge in everywhere
                if compared(case, case.sick(case.lab.change(copy=(edge,)))) == "cured"
            )
        elif outcome == "cured":
            case.edges = everywhere
        where = f" (behind {' or '.join(case.edges)} is enough)" if case.edges else ""
        return Finding(outcome, told(case, found, "with copies") + where, len(found), change)
