"""Which experiment next, and when to stop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from diagnosis.experiments import Case, Experiment
from diagnosis.hypotheses import HYPOTHESES, Hypothesis
from diagnosis.scoring import Odds, expected_information
from metrics.findings import Cause

SURE = 0.95
AHEAD = 20.0
RULED_OUT = 0.02
LEAST_BITS = 0.005
SECONDS_BEFORE = 0.3
"""Added to each experiment's cost, so that cheap ones that tell nothing do not come first."""

BY_CAUSE: Mapping[Cause, Hypothesis] = {each.cause: each for each in HYPOTHESES}


@dataclass(frozen=True, slots=True)
class Choice:
    """An experiment with the bits that are expected of it, and those a second."""

    experiment: Experiment
    bits: float
    worth: float


def outcomes(experiment: Experiment, causes: Sequence[Cause]) -> dict[str, dict[Cause, float]]:
    """How probable each cause makes each outcome."""
    table = {cause: BY_CAUSE[cause].expects(experiment.name, experiment.ordinary) for cause in causes}
    return {outcome: {cause: table[cause][outcome] for cause in causes} for outcome in experiment.ordinary}


def choose(odds: Odds, left: Sequence[Experiment], case: Case) -> Choice | None:
    """The experiment that is worth most; None where none is expected to tell anything."""
    probabilities = odds.probabilities()
    best: Choice | None = None
    top = odds.ranked()[0][0]
    confirming = BY_CAUSE[top].confirmed_by
    settled = probabilities[top] >= SURE
    for experiment in left:
        if not experiment.applies(case):
            continue
        bits = expected_information(
            probabilities,
            outcomes(experiment, list(probabilities)),
            odds.temper(experiment.family) * odds.temperature,
        )
        cost = experiment.runs * case.lab.cost_of_a_run() * (1 + experiment.risk) + SECONDS_BEFORE
        worth = bits / cost
        if settled and not confirmed(odds, top) and experiment.name in confirming:
            # It is nearly certain already; what is wanted is to have changed it.
            worth, bits = 10.0 + 1 / cost, max(bits, 1.0)
        if bits >= LEAST_BITS and (best is None or worth > best.worth):
            best = Choice(experiment, bits, worth)
    return best


def confirmed(odds: Odds, cause: Cause) -> bool:
    """Whether an intervention showed what this cause said it would."""
    wanted = {**BY_CAUSE[cause].confirmed_by, "repair": ("cured",)}
    return any(seen.outcome in wanted.get(seen.experiment, ()) for seen in odds.seen)


def concluded(odds: Odds) -> bool:
    """Whether it is sure enough to stop: 0.95, twenty times the next one, and an intervention."""
    (top, first), (_, second) = odds.ranked()[:2]
    return first >= SURE and first >= AHEAD * second and confirmed(odds, top)
