"""Odds: what each hypothesis said an experiment would show, against what it did show.

Bayes' rule over finite outcomes. A factor is bounded, so that no single observation settles a matter, and
tempered by its family: observations of one family say partly the same (see Good, *Probability and the
Weighing of Evidence*, 1950, for the arithmetic).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from metrics.findings import Cause

LARGEST_FACTOR = 50.0
SMELL_FACTOR = 3.0
"""The most that a sign in the source counts."""
SYMPTOM_FACTOR = 500.0
"""The kind of trouble is what is to be explained, and no evidence among others: a leak loses no records."""
FLOOR = 0.001
SAME_FAMILY = 0.6
"""What a further observation of a family still counts."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """An observation with what each hypothesis had said of it."""

    experiment: str
    family: str
    outcome: str
    told: str
    likelihood: Mapping[Cause, float]
    intervention: bool

    @property
    def factors(self) -> dict[Cause, float]:
        """What it does to the odds of each cause, against the best one."""
        return factors(self.likelihood, largest_factor(self.family))


@dataclass(slots=True)
class Odds:
    """The hypotheses and how probable they are.

    ``temperature`` is the power to which all odds are raised, that they may mean what they say; see Guo et
    al., *On Calibration of Modern Neural Networks*, 2017 (there, one over it).
    """

    log: dict[Cause, float]
    seen: list[Weighed]
    temperature: float = 1.0

    @classmethod
    def of(cls, priors: Mapping[Cause, float], temperature: float = 1.0) -> Odds:
        """Before anything was seen."""
        return cls({cause: math.log(prior) for cause, prior in priors.items()}, [], temperature)

    def probabilities(self) -> dict[Cause, float]:
        """They add up to 1."""
        top = max(self.log.values())
        weights = {cause: math.exp((value - top) * self.temperature) for cause, value in self.log.items()}
        whole = sum(weights.values())
        return {cause: weight / whole for cause, weight in weights.items()}

    def weigh(self, seen: Weighed) -> None:
        """Take an observation in."""
        for cause, factor in seen.factors.items():
            self.log[cause] += self.temper(seen.family) * math.log(factor)
        self.seen.append(seen)

    def temper(self, family: str) -> float:
        """How much another observation of a family counts: less each time."""
        before = sum(each.family == family for each in self.seen)
        return SAME_FAMILY**before

    def odds(self, cause: Cause) -> float:
        """Probability for against probability against."""
        p = self.probabilities()[cause]
        return p / max(1e-9, 1 - p)

    def ranked(self) -> list[tuple[Cause, float]]:
        """The most probable first."""
        return sorted(self.probabilities().items(), key=lambda each: -each[1])


def largest_factor(family: str) -> float:
    """The most that one observation of a family counts."""
    return {"source": SMELL_FACTOR, "symptom": SYMPTOM_FACTOR}.get(family, LARGEST_FACTOR)


def factors(likelihood: Mapping[Cause, float], largest: float = LARGEST_FACTOR) -> dict[Cause, float]:
    """Each likelihood against the best one, none worse than 1 in ``largest``."""
    best = max(likelihood.values())
    return {cause: max(max(value, FLOOR) / best, 1 / largest) for cause, value in likelihood.items()}


def expected_information(
    probabilities: Mapping[Cause, float], outcomes: Mapping[str, Mapping[Cause, float]], temper: float
) -> float:
    """Bits that an experiment is expected to tell (mutual information of its outcome and the cause)."""
    before = _entropy(list(probabilities.values()))
    after = 0.0
    for likelihood in outcomes.values():
        joint = {cause: probabilities[cause] * likelihood[cause] for cause in probabilities}
        weight = sum(joint.values())
        if weight <= 0:
            continue
        bounded = factors(likelihood)
        posterior = {cause: probabilities[cause] * bounded[cause] ** temper for cause in probabilities}
        whole = sum(posterior.values())
        after += weight * _entropy([value / whole for value in posterior.values()])
    return max(0.0, before - after)


def _entropy(shares: Sequence[float]) -> float:
    return -sum(share * math.log2(share) for share in shares if share > 0)
