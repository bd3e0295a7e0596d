"""Without the cyclic collector: is it its pauses?"""

from __future__ import annotations

from diagnosis.experiments.base import Case, Experiment, Finding


class CollectorOff(Experiment):
    name = "collector_off"
    family = "garbage"
    question = "the cyclic collector switched off: is it faster, and even?"
    ordinary = {"cured": 0.04, "same": 0.96}
    kinds = ("slow",)
    intervention = True

    def carry_out(self, case: Case) -> Finding:
        change = case.lab.change(collector="off")
        run = case.lab.one(change)
        sick = case.trouble.measure(run)
        faster = run.records_per_s / max(1e-9, case.first.records_per_s)
        outcome = "cured" if not sick and faster > 1.2 else "same"
        told = (
            f"{faster:.2f} times the speed without it; it took {case.first.machine.gc_s:.2f} s "
            f"of {case.first.duration_s:.2f} s"
        )
        return Finding(outcome, told, 1, change)
