"""Where the time goes in a run that is slow."""

from __future__ import annotations

from diagnosis.experiments.base import Case, Experiment, Finding
from diagnosis.symptoms import GC_SHARE, SINK_SHARE, SLOWER, collecting, slowing


class WhereTime(Experiment):
    name = "where"
    family = "time_spent"
    question = "where does the time go?"
    ordinary = {"sink": 0.1, "collector": 0.1, "more_and_more": 0.3, "elsewhere": 0.5}
    kinds = ("slow",)
    runs = 0.05

    def carry_out(self, case: Case) -> Finding:
        run = case.first
        took = max(1e-6, run.duration_s)
        if run.sink_waits_s / took >= SINK_SHARE:
            return Finding("sink", f"{run.sink_waits_s / took:.0%} of it goes into the sink", 1)
        if collecting(run) >= GC_SHARE:
            return Finding("collector", f"{collecting(run):.0%} of it goes into collecting garbage", 1)
        if slowing(run) >= SLOWER:
            return Finding("more_and_more", f"a record takes {slowing(run):.1f} times as long at the end", 1)
        return Finding("elsewhere", "into the stages, evenly", 1)
