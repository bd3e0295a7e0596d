"""The five figures that sum a run up: the box at its end and the tree on the screen are made of them.

What stands behind a figure are metrics, of the run and of each stage, under their titles and in their units.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from metrics.definitions import METRICS
from metrics.definitions.metric import Metric

_BY_LABEL = {metric.label: metric for metric in METRICS}


@dataclass(frozen=True, slots=True)
class Figure:
    """``title`` is what it is called; ``of_run`` and ``of_stages`` are what is behind it."""

    title: str
    of_run: tuple[Metric, ...] = ()
    of_stages: tuple[Metric, ...] = ()


def _all(*labels: str) -> tuple[Metric, ...]:
    return tuple(_BY_LABEL[label] for label in labels)


def _headed(label: str, of_run: Sequence[str] = (), of_stages: Sequence[str] = ()) -> Figure:
    """One that is itself a metric, of which it has the title."""
    return Figure(_BY_LABEL[label].title, _all(label, *of_run), _all(*of_stages))


RECORDS = Figure(
    "Records Processed",
    _all(
        "pipeline.records.consumed{outcome=delivered}",
        "pipeline.records.consumed{outcome=filtered}",
        "pipeline.records.consumed{outcome=rejected}",
        "pipeline.records.in_flight",
        "pipeline.watermark_age",
        "pipeline.records.lost",
        "pipeline.records.duplicated",
    ),
    _all(
        "pipeline.stage.records.taken",
        "pipeline.stage.records.consumed{outcome=given}",
        "pipeline.stage.records.consumed{outcome=filtered}",
        "pipeline.stage.records.consumed{outcome=rejected}",
        "pipeline.stage.records.held",
        "pipeline.stage.records.created",
        "pipeline.stage.records.consumed{outcome=lost}",
    ),
)
THROUGHPUT = _headed("pipeline.records.rate", of_stages=["pipeline.stage.rate"])
LATENCY = _headed("pipeline.record.latency", of_stages=["pipeline.stage.latency"])
ERRORS = _headed(
    "pipeline.records.error_rate",
    of_stages=["pipeline.stage.records.consumed{outcome=rejected}", "pipeline.stage.records.taken"],
)
MEMORY = _headed(
    "process.memory.rss",
    [
        "process.memory.rss.growth",
        "process.memory.rss.peak",
        "process.memory.slope",
        "process.open_files",
        "process.threads",
        "process.cpu.usage",
        "process.gc.time",
    ],
)
FIGURES = (RECORDS, THROUGHPUT, LATENCY, ERRORS, MEMORY)
