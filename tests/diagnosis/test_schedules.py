"""Many orders in one thread: what each outcome looks like, and that a seed repeats an order."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from diagnosis.change import Change
from diagnosis.experiments import Case, Finding
from diagnosis.experiments.schedules import SEEDS, Schedules
from diagnosis.lab import Lab
from diagnosis.launcher import Launcher
from diagnosis.observation import Observation
from diagnosis.screening import described
from diagnosis.source import Source
from diagnosis.symptoms import Kind, Trouble, measure
from pipeline.clock import ManualClock
from run.diagnose.launcher import TrialLauncher
from tests.diagnosis.made import Played, Rule, sound, without

ORDER_DECIDES = """
from pipeline import Pipeline, count

rates = {}


def prices():
    for offset in range(40):
        yield offset, {"price": offset}


def settings():
    yield 0, {"rate": 2}


made = Pipeline("made", batch_size=4)
made.read(prices)
made.read(settings)


@made.stage(workers=2)
def convert(record):
    if "rate" in record:
        rates["now"] = record["rate"]
        return None
    return {"price": record["price"] * rates["now"]}


made.write(count())
"""


def carried_out(launcher: Launcher, sick: Observation) -> Finding:
    lab = Lab(launcher, ManualClock(), 1_000.0)
    kind: Kind = "lost"
    found = measure(kind, sick)
    case = Case(lab, Trouble(kind, described(kind, sick, found), found), [sick], Source.of(()))
    assert Schedules().applies(case)
    return Schedules().carry_out(case)


def loses_one(when: str) -> Rule:
    def rule(change: Change, run: Observation) -> Observation:
        one_thread = change.driver == "serial"
        well = {"two at once": one_thread, "an order": one_thread and change.seed != 3, "always": False}
        return run if well[when] else without(run, list(run.hashes)[:1])

    return rule


@pytest.mark.parametrize(
    ("when", "outcome", "runs"),
    [("two at once", "none", SEEDS), ("an order", "by_order", 3), ("always", "all", SEEDS)],
)
def test_what_it_needs_tells_in_which_orders_it_is_there(when: str, outcome: str, runs: int) -> None:
    played = Played(loses_one(when))
    sick = without(sound(Change()), ["made/values:0"])
    found = carried_out(played, sick)
    assert (found.outcome, found.n) == (outcome, runs)
    # Every other thing is as it is: the workers, and the size of batches.
    assert {replace(each, seed=0) for each in played.changes} == {Change(driver="serial")}
    if outcome == "by_order":
        assert found.change.seed == 3
        assert "seed 3" in found.told


def test_of_a_pipeline_whose_order_decides_some_orders_are_sick_and_each_can_be_repeated(
    tmp_path: Path,
) -> None:
    file = tmp_path / "made.py"
    file.write_text(ORDER_DECIDES, encoding="utf-8")
    launcher = TrialLauncher(str(file))
    runs = [launcher.launch(Change(driver="serial", seed=seed), 60.0) for seed in (1, 2, 3, 4, 5, 6)]
    amounts = [measure("rejected", run).amount for run in runs]
    assert any(amounts), amounts
    assert len(set(amounts)) > 1, amounts
    again = launcher.launch(Change(driver="serial", seed=1), 60.0)
    assert (again.hashes, again.rejected) == (runs[0].hashes, runs[0].rejected)
