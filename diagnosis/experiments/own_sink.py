"""The sink that only counts against the pipeline's own: is it the sink?"""

from __future__ import annotations

from diagnosis.experiments.base import Case, Experiment, Finding, compared, told


class OwnSink(Experiment):
    name = "null_sink"
    family = "sink"
    question = "a sink that only counts, in the place of the pipeline's own: is it cured?"
    ordinary = {"cured": 0.05, "less": 0.05, "same": 0.9}
    intervention = True

    def applies(self, case: Case) -> bool:
        return case.lab.base.sink == "own"

    def carry_out(self, case: Case) -> Finding:
        change = case.lab.change(sink="count")
        found = case.sick(change)
        return Finding(
            compared(case, found), told(case, found, "with a sink that only counts"), len(found), change
        )
