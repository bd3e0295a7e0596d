"""Odds: what must hold whatever was seen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnosis.experiments import EXPERIMENTS
from diagnosis.hypotheses import HYPOTHESES
from diagnosis.planner import BY_CAUSE, outcomes
from diagnosis.scoring import Odds, Weighed, expected_information, factors, largest_factor
from metrics.findings import Cause

PRIORS = {each.cause: each.prior for each in HYPOTHESES}
pairs = st.sampled_from([(each, outcome) for each in EXPERIMENTS for outcome in each.ordinary])


def weighed(odds: Odds, seen: list[tuple[object, str]]) -> None:
    for experiment, outcome in seen:
        likelihood = {
            cause: BY_CAUSE[cause].expects(experiment.name, experiment.ordinary)[outcome]  # type: ignore[attr-defined]
            for cause in odds.log
        }
        odds.weigh(
            Weighed(
                experiment.name,  # type: ignore[attr-defined]
                experiment.family,  # type: ignore[attr-defined]
                outcome,
                "",
                likelihood,
                intervention=False,
            )
        )


@given(st.lists(pairs, max_size=20))
def test_probabilities_add_up_whatever_was_seen(seen: list[tuple[object, str]]) -> None:
    odds = Odds.of(PRIORS)
    weighed(odds, seen)
    shares = odds.probabilities()
    assert sum(shares.values()) == pytest.approx(1.0)
    assert all(0 < share < 1 for share in shares.values())


@given(pairs)
def test_no_single_observation_moves_odds_by_more_than_the_largest_factor(pair: tuple[object, str]) -> None:
    before, after = Odds.of(PRIORS), Odds.of(PRIORS)
    weighed(after, [pair])
    causes = list(PRIORS)
    for one in causes:
        for other in causes:
            ratio = after.log[one] - after.log[other] - (before.log[one] - before.log[other])
            assert ratio <= _log(largest_factor(pair[0].family)) + 1e-9  # type: ignore[attr-defined]


def _log(value: float) -> float:
    from math import log

    return log(value)


def test_the_same_thing_said_again_counts_less() -> None:
    once, twice = Odds.of(PRIORS), Odds.of(PRIORS)
    again = next(each for each in EXPERIMENTS if each.name == "again")
    weighed(once, [(again, "differs")])
    weighed(twice, [(again, "differs"), (again, "differs")])
    first = once.log["race"] - PRIORS_LOG["race"] - (once.log["leak"] - PRIORS_LOG["leak"])
    both = twice.log["race"] - PRIORS_LOG["race"] - (twice.log["leak"] - PRIORS_LOG["leak"])
    assert first < both < 2 * first


PRIORS_LOG: dict[Cause, float] = dict(Odds.of(PRIORS).log)


def test_signs_in_the_source_never_count_more_than_three() -> None:
    found = factors({"race": 1.0, "leak": 0.001, "unknown": 0.5}, 3.0)
    assert min(found.values()) == pytest.approx(1 / 3)


def test_an_experiment_that_tells_nothing_is_worth_nothing() -> None:
    shares: dict[Cause, float] = {"race": 0.5, "leak": 0.5}
    nothing: dict[str, dict[Cause, float]] = {
        "yes": {"race": 0.7, "leak": 0.7},
        "no": {"race": 0.3, "leak": 0.3},
    }
    assert expected_information(shares, nothing, 1.0) == pytest.approx(0.0)
    telling: dict[str, dict[Cause, float]] = {
        "yes": {"race": 0.99, "leak": 0.01},
        "no": {"race": 0.01, "leak": 0.99},
    }
    assert expected_information(shares, telling, 1.0) > 0.8


def test_outcomes_are_told_for_each_cause() -> None:
    serial = next(each for each in EXPERIMENTS if each.name == "serial")
    table = outcomes(serial, ["race", "leak"])
    assert table["cured"]["race"] > 0.9 > table["cured"]["leak"]
