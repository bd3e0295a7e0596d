"""What a monitor without experiments says: the metric of the first run that stands out most, by its cause.

Two scores of how far a metric stands out, both of one run against what it is held against: the largest
z-score; and the robust score by median and interquartile range of BARO (Pham, Ha and Zhang, *BARO: Robust
Root Cause Analysis for Microservices via Multivariate Bayesian Online Change Point Detection*, 2024),
without its search for the moment: a fault of the benchmark is there from the first record on. So a run is
held against the same pipeline without the fault where the results have it, else its end against its
beginning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from statistics import fmean, median, pstdev, quantiles

from diagnosis.observation import Observation

Series = Mapping[str, Sequence[float]]
"""By metric, its values at the moments of :data:`POINTS`, in the order of the run."""

POINTS = 24
EARLY = 3
"""The first third of a run is its beginning."""
LEAST = 3
"""Fewer values than this are no series."""
FLAT = 0.01
"""What does not vary is taken to vary by so much of its size, so that a score is finite."""

MEANS: Mapping[str, tuple[int, str]] = {
    "fds": (1, "handles"),
    "threads": (1, "handles"),
    "handlers": (1, "handles"),
    "children": (1, "handles"),
    "items": (1, "leak"),
    "rss": (1, "leak"),
    "blocks": (1, "leak"),
    "lost": (1, "batching"),
    "duplicated": (1, "batching"),
    "rejected": (1, "poison_record"),
    "records_per_s": (-1, "slow_sink"),
}
"""By metric: whether more of it is worse, or less, and what is then taken to be the cause."""


def series(run: Observation) -> dict[str, list[float]]:
    """The metrics of a run over its records, thinned: sizes are bytes, rates records a second.

    ``items`` is the length of the container that gained most; ``lost``, ``duplicated`` and ``rejected``
    count the records of each stretch by the offsets of those that are named.
    """
    # Not the last one, which is taken when the run is over and its threads are gone.
    samples = [each for each in run.samples[:-1] if each.records > 0]
    if len(samples) < LEAST:
        return {}
    chosen = _thinned(range(len(samples)))
    picked = [samples[at] for at in chosen]
    found: dict[str, list[float]] = {
        "records": [each.records for each in picked],
        "rss": [each.rss for each in picked],
        "fds": [each.fds for each in picked],
        "threads": [each.threads for each in picked],
        "handlers": [each.handlers for each in picked],
        "children": _carried([each.children for each in samples], chosen),
        "blocks": [each.blocks for each in picked],
    }
    rates = [(b[0] - a[0]) / (b[1] - a[1]) for a, b in pairwise(run.batch_at) if b[1] > a[1] and b[0] > a[0]]
    if len(rates) >= LEAST:
        found["records_per_s"] = [round(rates[at], 1) for at in _thinned(range(len(rates)))]
    same = [each.lengths[:-1] for each in run.containers if len(each.lengths) == len(run.samples)]
    if same:
        most = max(same, key=lambda lengths: lengths[-1] - lengths[0])
        found["items"] = [float(most[-len(samples) :][at]) for at in chosen]
    bounds = found["records"]
    found["lost"] = _by_stretch(run.lost_ids, bounds)
    found["duplicated"] = _by_stretch(run.duplicated_ids, bounds)
    found["rejected"] = _by_stretch((id for each in run.rejections for id in each.ids), bounds)
    return found


def _thinned(places: Sequence[int]) -> list[int]:
    last = len(places) - 1
    return sorted({places[round(point * last / (POINTS - 1))] for point in range(POINTS)})


def _carried(values: Sequence[int], chosen: Sequence[int]) -> list[float]:
    """Where it was not looked (-1), what it was before."""
    known, seen = [], 0
    for value in values:
        seen = value if value >= 0 else seen
        known.append(float(seen))
    return [known[at] for at in chosen]


def _by_stretch(ids: Iterable[str], bounds: Sequence[float]) -> list[float]:
    counts = [0.0] * len(bounds)
    for id in ids:
        number = id.rpartition(":")[2].partition(".")[0]
        if number.isdecimal():
            place = next((at for at, bound in enumerate(bounds) if int(number) < bound), len(bounds) - 1)
            counts[place] += 1
    return counts


Score = Callable[[Sequence[float], Sequence[float], int], float]


def z_score(now: Sequence[float], before: Sequence[float], worse: int) -> float:
    """How many standard deviations the mean of ``now`` lies on the worse side of that of ``before``."""
    spread = max(pstdev(before), FLAT * abs(fmean(before)), FLAT)
    return worse * (fmean(now) - fmean(before)) / spread


def robust_score(now: Sequence[float], before: Sequence[float], worse: int) -> float:
    """The furthest of ``now`` from the median of ``before``, in interquartile ranges of it."""
    low, _, high = quantiles(before, n=4)
    middle = median(before)
    spread = max(high - low, FLAT * abs(middle), FLAT)
    return max(worse * (value - middle) / spread for value in now)


def stands_out(score: Score, sick: Series, clean: Series | None) -> str | None:
    """The cause that is usual for the metric that stands out most; None where none has a series."""
    best, cause = 0.0, None
    for metric, (worse, usual) in MEANS.items():
        values = sick.get(metric, ())
        held = (clean or {}).get(metric, ())
        if clean is None:
            third = len(values) // EARLY
            values, held = values[third:], values[:third]
        if len(values) < 2 or len(held) < 2:
            continue
        found = score(values, held, worse)
        if found > best:
            best, cause = found, usual
    return cause
