"""Every metric there is. The screen, thresholds, reports, the Prometheus endpoint and the detectors of
anomalies know no others."""

from __future__ import annotations

from collections.abc import Iterator

from metrics.definitions.metric import Metric, Reading
from metrics.definitions.process import PROCESS
from metrics.definitions.run import RUN
from metrics.definitions.stage import STAGE
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
