"""Whether the pipeline's own code asked for the time."""

from __future__ import annotations

from diagnosis.experiments.base import Case, Experiment, Finding


class TimeAsked(Experiment):
    name = "time_asked"
    family = "time_asked"
    question = "did the pipeline's own code ask for the time?"
    ordinary = {"asked": 0.25, "never": 0.75}
    kinds = ("lost", "duplicated", "rejected", "changed", "failed", "slow", "stall")
    runs = 0.05

    def carry_out(self, case: Case) -> Finding:
        reads = case.first.clock_reads
        if not reads:
            # Not every way to ask is heard: a module may have got its `datetime` before.
            written = case.source.of_kind("clock")
            if not written:
                return Finding("never", "no line of it did", 1)
            told = f"{written[0].place.rpartition('/')[2]} may have: {written[0].name}()"
            return Finding("asked", told, 1)
        place, times = max(reads.items(), key=lambda each: each[1])
        where, _, function = place.partition(" ")
        return Finding("asked", f"{where.rpartition('/')[2]} did, {function}(), {times:,} times", 1)
