"""What a threshold may be set on: the metrics of :mod:`metrics.definitions` under their short names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from metrics.definitions import METRICS
from metrics.definitions.metric import Metric, OfLedger, OfRun, OfStage, Times, Value
from metrics.definitions.units import SHARE, Unit
from metrics.snapshot import Latency, Snapshot, StageState

__all__ = ["MEASURES", "SHARE", "Measure", "Unit", "Value"]


@dataclass(frozen=True, slots=True)
class Measure:
    """A number: of the whole run, of one stage, or of either. A reader gives None for "not known"."""

    unit: Unit
    of_run: Callable[[Snapshot], Value] | None = None
    of_stage: Callable[[StageState], Value] | None = None

    def joined(self, other: Measure | None) -> Measure:
        """Both together: the run's from the one, a stage's from the other."""
        if other is None:
            return self
        return Measure(other.unit, other.of_run or self.of_run, other.of_stage or self.of_stage)


_OF_LATENCY: dict[str, Callable[[Latency], float]] = {
    "latency": lambda latency: latency.mean,
    "mean": lambda latency: latency.mean,
    "p50": lambda latency: latency.p50,
    "p95": lambda latency: latency.p95,
    "p99": lambda latency: latency.p99,
    "max": lambda latency: latency.max,
}


def _measure(name: str, metric: Metric) -> Measure:
    of = metric.of
    if isinstance(of, OfRun):
        return Measure(metric.unit, of.read)
    if isinstance(of, OfLedger):
        read = of.read
        return Measure(metric.unit, lambda run: read(run.records))
    if isinstance(of, OfStage):
        return Measure(metric.unit, None, of.read)
    if isinstance(of, Times):
        pick = _OF_LATENCY[name]
        if of.stages:
            return Measure(metric.unit, None, lambda stage: pick(stage.latency) if stage.latency else None)
        return Measure(metric.unit, lambda run: pick(run.latency) if run.latency else None)
    raise TypeError(f"{metric.name}: a threshold is on the run or on a stage")


def _measures() -> dict[str, Measure]:
    found: dict[str, Measure] = {}
    for metric in METRICS:
        for name in metric.measures:
            found[name] = _measure(name, metric).joined(found.get(name))
    return found


MEASURES: dict[str, Measure] = _measures()
