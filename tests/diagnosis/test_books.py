"""Books that hold what cannot be: a symptom where nothing else is one, and never in a sound run."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from diagnosis.change import Change
from diagnosis.engine import Diagnoser
from diagnosis.observation import Observation, StageTimes
from diagnosis.symptoms import elapsed, impossible, measure
from metrics.findings import Diagnosis
from pipeline.clock import ManualClock, SystemClock
from run.diagnose.launcher import TrialLauncher
from run.tampering import sealed
from tests.diagnosis.made import Played, Rule, loses_the_last_of_each_batch, sound

SHAPE = Path(__file__).resolve().parents[2] / "benchmarks/diagnosis/shapes/computing.py"
WHAT = "work gave 40 records, the queue before output was given 39"


def _times(longest_s: float) -> StageTimes:
    return StageTimes("work", 600, 600, 0, 0, 0, 0, 0.001, 1.0, 0.0, 0.0, longest_s)


def _diagnosed(*rules: Rule) -> Diagnosis:
    return Diagnoser(Played(*rules), ManualClock(), 1_000.0).run().diagnosis


def _disagree(_change: Change, run: Observation) -> Observation:
    return replace(run, disagreements=(WHAT,))


def test_books_that_disagree_are_a_symptom_of_a_run_that_ended_well() -> None:
    run = sound(Change())
    assert not measure("books", run)
    assert measure("books", replace(run, disagreements=(WHAT,))).amount == 1
    assert not measure("books", replace(run, disagreements=(WHAT,), ending="failed"))


@pytest.mark.parametrize(("longest_s", "sick"), [(0.0, False), (0.5, False), (2.5, False), (60.0, True)])
def test_a_batch_cannot_take_much_longer_than_its_run(longest_s: float, sick: bool) -> None:
    run = replace(sound(Change()), times=(_times(longest_s),))
    assert elapsed(run) < 1
    assert bool(measure("books", run)) is sick
    assert (impossible(run) is not None) is sick


def test_a_difference_is_told_and_is_not_called_healthy() -> None:
    found = _diagnosed(_disagree)
    assert [each.kind for each in found.symptoms] == ["books"]
    assert WHAT in found.symptoms[0].text
    assert found.state != "healthy"


def test_a_difference_that_only_one_order_shows_is_a_race() -> None:
    runs = count()

    def with_threads(change: Change, run: Observation) -> Observation:
        well = change.driver == "serial" or next(runs) % 4 == 3
        return run if well else _disagree(change, run)

    found = _diagnosed(with_threads)
    assert found.state != "healthy"
    assert found.beliefs[0].cause == "race"


def test_a_difference_that_comes_of_lost_records_is_none_of_its_own() -> None:
    found = _diagnosed(loses_the_last_of_each_batch, _disagree)
    assert [each.kind for each in found.symptoms] == ["lost"]


def test_stage_times_by_a_clock_that_is_set_are_found_and_the_steady_clock_mends_them(tmp_path: Path) -> None:
    context = tmp_path / "context"
    context.write_text(sealed(["clock.timer@slim,intensity=high"]), encoding="ascii")
    launcher = TrialLauncher(str(SHAPE), context=context)
    found = Diagnoser(launcher, SystemClock(), 90.0, first=Change(sink="own")).run().diagnosis
    assert [each.kind for each in found.symptoms] == ["books"]
    (clock,) = found.conclusions
    assert (clock.cause, clock.stage, clock.verified) == ("clock", "slim", True)
