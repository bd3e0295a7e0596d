"""What every hypothesis and every experiment must keep to."""

from __future__ import annotations

import pytest

from diagnosis.experiments import EXPERIMENTS, Experiment
from diagnosis.experiments.batches import _stride
from diagnosis.hypotheses import HYPOTHESES, Hypothesis
from diagnosis.repairs import REPAIRS
from diagnosis.symptoms import KINDS

BY_NAME = {each.name: each for each in EXPERIMENTS}


@pytest.mark.parametrize("hypothesis", HYPOTHESES, ids=lambda each: each.cause)
def test_a_hypothesis_speaks_of_outcomes_that_there_are(hypothesis: Hypothesis) -> None:
    assert 0 < hypothesis.prior < 1
    assert hypothesis.claim
    for name, said in hypothesis.says.items():
        assert set(said) <= set(BY_NAME[name].ordinary), name
        assert all(0 < share <= 1 for share in said.values()), name
        assert sum(said.values()) <= 1 + 1e-9, name


@pytest.mark.parametrize("hypothesis", HYPOTHESES, ids=lambda each: each.cause)
def test_what_a_hypothesis_expects_adds_up(hypothesis: Hypothesis) -> None:
    for experiment in EXPERIMENTS:
        expected = hypothesis.expects(experiment.name, experiment.ordinary)
        assert set(expected) == set(experiment.ordinary)
        assert sum(expected.values()) == pytest.approx(1.0)
        assert all(share >= 0 for share in expected.values())


@pytest.mark.parametrize("hypothesis", HYPOTHESES, ids=lambda each: each.cause)
def test_a_hypothesis_is_confirmed_by_what_can_happen(hypothesis: Hypothesis) -> None:
    for name, outcomes in hypothesis.confirmed_by.items():
        assert outcomes
        assert set(outcomes) <= set(BY_NAME[name].ordinary), name


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda each: each.name)
def test_an_experiment_says_what_it_asks_and_what_can_come_of_it(experiment: Experiment) -> None:
    assert experiment.question.endswith("?")
    assert experiment.family
    assert len(experiment.ordinary) >= 2
    assert sum(experiment.ordinary.values()) == pytest.approx(1.0)
    assert set(experiment.kinds) <= set(KINDS)
    assert experiment.runs >= 0


def test_names_are_there_once() -> None:
    assert len({each.cause for each in HYPOTHESES}) == len(HYPOTHESES)
    assert len(BY_NAME) == len(EXPERIMENTS)
    assert sum(each.prior for each in HYPOTHESES) == pytest.approx(1.3, abs=0.4)


def test_every_cause_that_is_a_bug_has_repairs() -> None:
    for cause in ("race", "leak", "batching", "shared_state", "clock", "handles"):
        assert cause in REPAIRS


def test_neighbours_are_no_stride() -> None:
    assert _stride([3, 4, 5, 6, 7]) is None
    assert _stride([30, 61, 92, 123]) == 31
    assert _stride([1, 5, 8, 30]) is None
