"""What fails at another record by another clock fails by the clock; what fails at its record does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from diagnosis.change import Change
from diagnosis.experiments import Case
from diagnosis.experiments.clock_slew import ClockSlew
from diagnosis.experiments.clock_step import ClockStep
from diagnosis.lab import Lab
from diagnosis.screening import described
from diagnosis.source import Source
from diagnosis.symptoms import Trouble, measure
from pipeline.clock import SystemClock
from run.diagnose.launcher import TrialLauncher

PIPELINE = """
import threading
import time

from pipeline import Pipeline, Stage, count, values

pause = threading.Event()
made = Pipeline("made", batch_size=20)
made.read(values(lambda: ((number, {{"number": number}}) for number in range(20000))))


@made.stage
class Session(Stage):
    def open(self):
        self.began = time.{clock}()

    def process(self, records):
        for record in records:
            row = record.value
            # So that it takes its time on the quickest machine, too.
            pause.wait(0.0005)
            open_for = time.{clock}() - self.began
            if {fails}:
                raise RuntimeError(f"session is {{open_for:.3f}} s old")
        return records


made.write(count())
"""


def _case(tmp_path: Path, clock: str, fails: str) -> Case:
    file = tmp_path / "made.py"
    file.write_text(PIPELINE.format(clock=clock, fails=fails), encoding="utf-8")
    clocked = SystemClock()
    base = Change(limit=20_000)
    lab = Lab(TrialLauncher(str(file)), clocked, clocked.monotonic() + 90.0, base)
    run = lab.one(base)
    assert run.ending == "failed", run.problem
    sick = measure("failed", run)
    return Case(lab, Trouble("failed", described("failed", run, sick), sick), [run], Source.of(run.files))


@pytest.mark.parametrize(
    ("clock", "fails", "slew", "step"),
    [
        ("monotonic", "open_for > 0.6", "changes", "same"),
        ("time", "open_for > 1000 or row['number'] == 300", "same", "changes"),
        ("time", "row['number'] == 300", "same", "same"),
    ],
    ids=["how long it took", "the time of day", "its record"],
)
def test_a_failure_is_of_the_clock_where_it_comes_at_another_record(
    clock: str, fails: str, slew: str, step: str, tmp_path: Path
) -> None:
    case = _case(tmp_path, clock, fails)
    assert ClockSlew().carry_out(case).outcome == slew
    assert ClockStep().carry_out(case).outcome == step
