"""What was fitted to the benchmark: it fits what there is, and the command that fits is fair."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmarks.diagnosis import fit
from benchmarks.diagnosis.baselines import robust_score, series, stands_out, z_score
from benchmarks.diagnosis.weighing import Numbers, replayed
from diagnosis.change import Change
from diagnosis.experiments import EXPERIMENTS
from diagnosis.fitted import COOLEST, FITTED, HOTTEST, Fitted, load
from diagnosis.hypotheses import HYPOTHESES
from tests.diagnosis.made import keeps_every_record, loses_the_last_of_each_batch, sound

BY_NAME = {each.name: each for each in EXPERIMENTS}
CAUSES = {each.cause for each in HYPOTHESES}
RACE = [["symptom", "changed"], ["again", "differs"], ["serial", "cured"], ["lock", "cured"]]
OFTEN_SAME = [["symptom", "changed"], ["again", "same"], ["serial", "cured"], ["lock", "cured"]]
BATCHING = [["symptom", "lost"], ["again", "same"], ["serial", "same"], ["batches", "boundary"]]


def holds(fitted: Fitted) -> None:
    assert COOLEST <= fitted.temperature <= HOTTEST
    for cause, table in fitted.likelihoods.items():
        assert cause in CAUSES
        for name, row in table.items():
            # Where an experiment has other outcomes by now, its rows go: fit again, or delete them.
            assert set(row) == set(BY_NAME[name].ordinary), (cause, name)
            assert sum(row.values()) == pytest.approx(1.0, abs=1e-3), (cause, name)
            assert all(0 < share < 1 for share in row.values()), (cause, name)


def test_every_fitted_row_is_of_a_cause_and_an_experiment_that_there_is() -> None:
    holds(FITTED)


def result(name: str, part: str, right: str, seen: Sequence[Sequence[str]]) -> dict[str, Any]:
    return {
        "name": name,
        "kind": "by_hand",
        "part": part,
        "right": [right] if right else [],
        "seen": seen,
        "ranked": [[right or "healthy", 0.9]],
    }


def results(part: str = "development", races: Sequence[Sequence[str]] = OFTEN_SAME) -> list[dict[str, Any]]:
    return [
        *(result(f"race {number}", part, "race", races) for number in range(10)),
        *(result(f"batching {number}", part, "batching", BATCHING) for number in range(6)),
    ]


def test_what_comes_often_becomes_probable_and_the_rest_stays() -> None:
    fitted, numbers = fit.fit(results())
    holds(fitted)
    before = Numbers().row("race", "again")["same"]
    assert numbers.row("race", "again")["same"] > 2 * before
    assert fitted.basis.development_loss < fitted.basis.development_loss_by_hand
    assert "leak" not in fitted.likelihoods
    assert "flush" not in fitted.likelihoods["race"]
    assert fit.fit(results())[0] == fitted


def test_what_was_put_in_counts_little_and_says_nothing_of_sources_and_symptoms() -> None:
    signs = [["symptom", "lost"], ["smell_write", "not_there"], ["lock", "same"]]
    injected = [{**each, "kind": "fault"} for each in results(races=signs)]
    ten = fit.rows(fit.counted(fit.told(injected, "development")), 4.0)
    one = fit.rows(fit.counted(fit.told(injected[:1], "development")), 4.0)
    assert ten["race", "lock"] == pytest.approx(one["race", "lock"])
    assert ten["race", "lock"]["same"] > Numbers().row("race", "lock")["same"]
    assert ("race", "smell_write") not in ten
    assert ("race", "symptom") not in ten


def test_the_held_out_part_is_not_looked_at() -> None:
    other = [*results(), *results("held_out", BATCHING)]
    assert fit.fit(other)[0] == fit.fit(results())[0]


@pytest.mark.parametrize("some", [[], results()[:3]], ids=["none", "few"])
def test_of_few_cases_nothing_is_fitted(some: list[dict[str, Any]]) -> None:
    fitted, _ = fit.fit(some)
    assert fitted.likelihoods == {}
    assert fitted.temperature == 1.0


def test_what_was_too_timid_is_made_bolder() -> None:
    fitted, numbers = fit.fit(results("calibration", RACE))
    assert fitted.temperature > 1.0
    assert fitted.likelihoods == {}
    plain = replayed(RACE, Numbers()).probabilities()["race"]
    assert replayed(RACE, numbers).probabilities()["race"] > plain


def test_what_was_too_bold_is_made_more_timid() -> None:
    wrong = [result(f"wrong {number}", "calibration", "clock", RACE) for number in range(6)]
    fitted, _ = fit.fit([*results("calibration", RACE), *wrong])
    assert fitted.temperature < 1.0


def test_the_command_writes_what_can_be_read_again(tmp_path: Path) -> None:
    source, target = tmp_path / "results.jsonl", tmp_path / "fitted.json"
    source.write_text("".join(json.dumps(each) + "\n" for each in results()), encoding="utf-8")
    assert fit.main([str(source), "--out", str(target)]) == 0
    written = load(target)
    holds(written)
    assert written.basis.development_cases == 16
    assert written.likelihoods["race"]["again"]["same"] > 0.5
    first = target.read_bytes()
    assert fit.main([str(source), "--out", str(target)]) == 0
    assert target.read_bytes() == first


@pytest.mark.parametrize("score", [z_score, robust_score])
def test_a_metric_that_stands_out_names_its_usual_cause(score: Any) -> None:
    run = sound(Change())
    clean = series(run)
    assert stands_out(score, clean, clean) is None
    grown = series(keeps_every_record(Change(), run))
    assert stands_out(score, grown, None) == "leak"
    lost = series(loses_the_last_of_each_batch(Change(), run))
    assert sum(lost["lost"]) == 12
    assert stands_out(score, lost, clean) == "batching"
