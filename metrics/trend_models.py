"""Which curve a floor follows: none, a line, one that levels off, or a step.

Each is fitted so that single points do not matter: slopes are medians of pairwise slopes (Theil 1950, Sen
1968), the loss is that of absolute residuals (Laplace noise). They are ranked by the Bayesian information
criterion (Schwarz 1978): a curve with more to choose must fit better by so much. A curve that levels off is
``a + b (1 - exp(-x / t))``, with ``t`` out of a few shares of the range.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from math import exp, log
from statistics import median
from typing import Literal, NamedTuple

Kind = Literal["flat", "linear", "saturating", "step"]

TIMES = (0.1, 0.25, 0.6)
"""After these shares of the range a curve has come within a third of its end. Slower ones are lines."""
LEAST_LOSS = 32 * 1024.0
"""Bytes. Residuals below the noise of the allocator's pages prove nothing."""
_PARAMETERS: dict[Kind, int] = {"flat": 1, "linear": 2, "saturating": 3, "step": 3}
_CURVES: dict[str, tuple[Kind, ...]] = {
    "growing": ("linear",),
    "shrinking": ("linear",),
    "warming": ("saturating", "step"),
    "stable": ("flat", "step"),
}


class Fit(NamedTuple):
    """A curve with its criterion: the lower, the better."""

    kind: Kind
    criterion: float


def fits(records: Sequence[float], floor: Sequence[float]) -> list[Fit]:
    """All curves, the best first; at least three points, ``records`` strictly rising."""
    first, span = records[0], records[-1] - records[0]
    shares = [(at - first) / span for at in records]
    losses: dict[Kind, float] = {
        "flat": _loss(floor, [median(floor)] * len(floor)),
        "linear": _along(shares, floor),
        "saturating": min(_along([1 - exp(-at / time) for at in shares], floor) for time in TIMES),
        "step": min(_step(floor, at) for at in range(1, len(floor))),
    }
    count = len(floor)
    found = [
        Fit(kind, 2 * count * log(loss) + _PARAMETERS[kind] * log(count)) for kind, loss in losses.items()
    ]
    return sorted(found, key=lambda fit: fit.criterion)


def confidence(models: Sequence[Fit], verdict: str) -> float:
    """How probable the curves behind a verdict are, against the others, for equal odds beforehand."""
    best = models[0].criterion
    weights = {fit.kind: exp((best - fit.criterion) / 2) for fit in models}
    mine = sum(weights[kind] for kind in _CURVES.get(verdict, ()))
    return min(0.99, mine / sum(weights.values()))


def _along(at: Sequence[float], floor: Sequence[float]) -> float:
    pairs = combinations(zip(at, floor, strict=True), 2)
    slope = median((y2 - y1) / (x2 - x1) for (x1, y1), (x2, y2) in pairs if x2 > x1)
    start = median(y - slope * x for x, y in zip(at, floor, strict=True))
    return _loss(floor, [start + slope * x for x in at])


def _step(floor: Sequence[float], at: int) -> float:
    before, after = median(floor[:at]), median(floor[at:])
    return _loss(floor, [before] * at + [after] * (len(floor) - at))


def _loss(floor: Sequence[float], curve: Sequence[float]) -> float:
    mean = sum(abs(y - there) for y, there in zip(floor, curve, strict=True)) / len(floor)
    return max(LEAST_LOSS, mean)
