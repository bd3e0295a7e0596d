"""Every metric there is. The screen, thresholds, reports, the Prometheus endpoint and the detectors of
anomalies know no others."""

from __future__ import annotations

from collections.abc import Iterator

from metrics.definitions_process import PROCESS
from metrics.definitions_run import RUN
from metrics.definitions_stage import STAGE
from metrics.metric import Metric, Reading
from metrics.snapshot import Snapshot

METRICS: tuple[Metric, ...] = (*RUN, *STAGE, *PROCESS)

_BY_NAME = {metric.name: metric for metric in reversed(METRICS)}
_WATCHED = tuple(metric for metric in METRICS if metric.watched)


def metric_named(name: str) -> Metric:
    """The metric of that name, the first where several share it. Raises KeyError."""
    return _BY_NAME[name]


def readings(snapshot: Snapshot) -> Iterator[Reading]:
    """The numbers of this moment in which anomalies are looked for, known by metric, stage and labels."""
    for metric in _WATCHED:
        yield from metric.readings(snapshot)
