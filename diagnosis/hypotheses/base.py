"""What a hypothesis is: a cause, how common it is, and what it says that each experiment will show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from diagnosis.fitted import FITTED
from metrics.findings import Cause

Says = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A possible cause.

    ``says`` gives, by experiment and outcome, how probable the outcome is if this is the cause; outcomes
    that are not named share what is left as they do ordinarily, and experiments that are not named are
    ordinary. ``confirmed_by`` names the interventions, with their outcomes, that confirm it.
    """

    cause: Cause
    prior: float
    claim: str
    says: Says = field(default_factory=dict)
    confirmed_by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def expects(self, experiment: str, ordinary: Mapping[str, float]) -> dict[str, float]:
        """How probable it makes each outcome of an experiment, fitted or else by hand; they add up to 1."""
        fitted = FITTED.row(self.cause, experiment, ordinary)
        if fitted is None:
            return self.by_hand(experiment, ordinary)
        whole = sum(fitted.values())
        return {outcome: share / whole for outcome, share in fitted.items()}

    def by_hand(self, experiment: str, ordinary: Mapping[str, float]) -> dict[str, float]:
        """The same from what it says alone."""
        if not self.says:
            # Whoever says nothing is surprised by nothing.
            return {outcome: 1.0 / len(ordinary) for outcome in ordinary}
        said = self.says.get(experiment, {})
        left = max(0.0, 1.0 - sum(said.values()))
        others = sum(share for outcome, share in ordinary.items() if outcome not in said) or 1.0
        found = {
            outcome: said[outcome] if outcome in said else left * share / others
            for outcome, share in ordinary.items()
        }
        whole = sum(found.values()) or 1.0
        return {outcome: share / whole for outcome, share in found.items()}

    def predicts(self, experiment: str, ordinary: Mapping[str, float]) -> tuple[str, float]:
        """The outcome that it holds for the most probable."""
        return max(self.expects(experiment, ordinary).items(), key=lambda each: each[1])
