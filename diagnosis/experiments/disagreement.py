"""Books that hold what cannot be: is it times, or counts?"""

from __future__ import annotations

from diagnosis.experiments.base import Case, Experiment, Finding
from diagnosis.symptoms import elapsed, impossible


class Disagreement(Experiment):
    name = "disagreement"
    family = "disagreement"
    question = "what in the books cannot be: times, or counts?"
    ordinary = {"times": 0.1, "counts": 0.9}
    kinds = ("books",)
    runs = 0.05

    def carry_out(self, case: Case) -> Finding:
        stage = impossible(case.first)
        if stage is not None:
            took = f"{stage.longest_s:,.1f} s, in a run of {elapsed(case.first):.1f} s"
            return Finding("times", f"a batch in {stage.name} took {took}", 1)
        return Finding("counts", "; ".join(case.first.disagreements)[:300], 1)
