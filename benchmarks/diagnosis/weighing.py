"""The odds of a diagnosis worked out again from what was seen in it, with these numbers or others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from diagnosis.engine import PASSIVE, REPAIR_BY_CHANCE, REPAIR_WORKS
from diagnosis.experiments import EXPERIMENTS
from diagnosis.fitted import FITTED
from diagnosis.hypotheses import HYPOTHESES
from diagnosis.planner import concluded
from diagnosis.scoring import Odds, Weighed
from metrics.findings import Cause

Seen = Sequence[Sequence[str]]
"""Pairs of an experiment and its outcome."""
Row = Mapping[str, float]

BY_NAME = {each.name: each for each in EXPERIMENTS}
PRIORS: Mapping[Cause, float] = {each.cause: each.prior for each in HYPOTHESES}
BY_HAND: Mapping[tuple[Cause, str], Row] = {
    (cause.cause, each.name): cause.by_hand(each.name, each.ordinary)
    for cause in HYPOTHESES
    for each in EXPERIMENTS
}
IN_USE: Mapping[tuple[Cause, str], Row] = {
    (cause.cause, each.name): cause.expects(each.name, each.ordinary)
    for cause in HYPOTHESES
    for each in EXPERIMENTS
}
SIGNS = {"serial": "smell_write", "clock_step": "smell_clock"}
"""Experiments that are made for a sign in the source, though all is settled."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """What odds are worked out with: rows that stand in for those set by hand, and a temperature."""

    rows: Mapping[tuple[Cause, str], Row] = field(default_factory=dict)
    temperature: float = 1.0

    def row(self, cause: Cause, experiment: str) -> Row:
        return self.rows.get((cause, experiment)) or BY_HAND[cause, experiment]


NOW = Numbers(IN_USE, FITTED.temperature)
"""What the program uses."""


def known(seen: Seen) -> list[tuple[str, str]]:
    """Without experiments and outcomes that there are no more."""
    return [
        (name, outcome)
        for name, outcome in seen
        if name == "repair" or (name in BY_NAME and outcome in BY_NAME[name].ordinary)
    ]


def replayed(
    seen: Seen, numbers: Numbers = NOW, *, repaired: Cause | None = None, stops: bool = False
) -> Odds:
    """The odds after all of it; where it ``stops``, after what would have been made before it was sure.

    ``repaired`` is the cause that the repair was made for. What would have been made instead of something
    else nobody knows: the order is that of the diagnosis.
    """
    odds = Odds.of(PRIORS, numbers.temperature)
    causes = list(odds.log)
    signs: set[str] = set()
    over = False
    for name, outcome in known(seen):
        if name == "repair":
            if repaired is not None:
                row = {cause: REPAIR_WORKS if cause == repaired else REPAIR_BY_CHANCE for cause in causes}
                odds.weigh(Weighed("repair", "repair", outcome, "", row, intervention=True))
            continue
        experiment = BY_NAME[name]
        if outcome == "there":
            signs.add(name)
        made = experiment.runs < PASSIVE
        over = over or (stops and not made and concluded(odds))
        if over and SIGNS.get(name) not in signs:
            continue
        likelihood = {cause: numbers.row(cause, name)[outcome] for cause in causes}
        odds.weigh(
            Weighed(
                name,
                experiment.family,
                outcome,
                "",
                likelihood,
                experiment.intervention,
            )
        )
    return odds


def calibration_error(sure: Sequence[tuple[float, bool]]) -> float:
    """Expected calibration error of shares and whether they were right, in ten bins."""
    bins: dict[int, list[tuple[float, bool]]] = defaultdict(list)
    for share, is_right in sure:
        bins[min(9, int(share * 10))].append((share, is_right))
    off = (
        abs(sum(share for share, _ in some) - sum(is_right for _, is_right in some)) for some in bins.values()
    )
    return sum(off) / len(sure)
