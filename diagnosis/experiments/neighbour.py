"""How fast the machine was meanwhile: is it somebody else?"""

from __future__ import annotations

from diagnosis.experiments.base import Case, Experiment, Finding

BUSY = 1.8


class Neighbour(Experiment):
    name = "neighbour"
    family = "machine"
    question = "a fixed piece of work, timed in another process meanwhile: is the machine busy with others?"
    ordinary = {"busy": 0.12, "calm": 0.88}
    kinds = ("slow", "stall")
    runs = 0.3

    def carry_out(self, case: Case) -> Finding:
        runs = [*case.baseline, case.lab.fresh(case.lab.change())]
        spin = max(run.machine.spin for run in runs)
        cpu = max(run.machine.run_wait for run in runs)
        outcome = "busy" if spin >= BUSY and cpu > 0.3 else "calm"
        return Finding(
            outcome,
            f"the fixed work took {spin:.2f} times its best; threads waited {cpu:.0%} of the time",
            len(runs),
        )
