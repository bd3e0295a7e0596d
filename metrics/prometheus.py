"""The metrics as text for Prometheus, in either of the two formats that it reads.

Plain: https://prometheus.io/docs/instrumenting/exposition_formats. OpenMetrics 1.0, which also tells units:
https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import groupby

from metrics.definitions import METRICS
from metrics.definitions.metric import Distribution, Labels, Metric, Times
from metrics.snapshot import Snapshot

PLAIN = "text/plain; version=0.0.4; charset=utf-8"
OPEN = "application/openmetrics-text; version=1.0.0; charset=utf-8"

BOUNDS_MS = tuple(float(f"{step}e{decade}") for decade in range(-2, 6) for step in ("1", "2", "5"))
"""The bounds of every histogram, from 10 microseconds to 500 seconds: always the same ones, as Prometheus
needs it, and each a bound of :data:`metrics.sketch.BOUNDS_MS` as well."""


def wants_open(accept: str) -> bool:
    """Whether whoever sends this ``Accept`` header reads OpenMetrics."""
    return any(part.partition(";")[0].strip() == OPEN.partition(";")[0] for part in accept.split(","))


def exposition(snapshot: Snapshot, *, open_metrics: bool = False) -> str:
    """All metrics of which anything is known. The pipeline's name is a label of each."""
    common: Labels = (("pipeline", snapshot.pipeline),)
    lines: list[str] = []
    for _, siblings in groupby(METRICS, key=lambda metric: metric.name):
        lines += _family(list(siblings), snapshot, common, open_metrics)
    if open_metrics:
        lines.append("# EOF")
    return "\n".join(lines) + "\n"


def family_name(metric: Metric) -> str:
    """``pipeline_stage_queue_size_bytes``: the metric's name, with its base unit behind it."""
    name = metric.name.replace(".", "_")
    unit = metric.unit.suffix
    return f"{name}_{unit}" if unit and not name.endswith(f"_{unit}") else name


def _family(
    siblings: Sequence[Metric], snapshot: Snapshot, common: Labels, open_metrics: bool
) -> Iterator[str]:
    metric = siblings[0]
    samples = [line for each in siblings for line in _samples(each, snapshot, common)]
    if not samples:
        return
    name = family_name(metric)
    # Only OpenMetrics knows a family apart from its samples.
    told = name if open_metrics or metric.kind != "counter" else f"{name}_total"
    yield f"# HELP {told} {_escaped(metric.meaning, quotes=open_metrics)}"
    yield f"# TYPE {told} {metric.kind}"
    if open_metrics and metric.unit.suffix:
        yield f"# UNIT {told} {metric.unit.suffix}"
    yield from samples


def _samples(metric: Metric, snapshot: Snapshot, common: Labels) -> Iterator[str]:
    name = family_name(metric)
    if isinstance(metric.of, Times):
        for distribution in metric.of.distributions(snapshot):
            yield from _histogram(name, distribution, metric.unit.base, common)
        return
    suffix = "_total" if metric.kind == "counter" else ""
    for labels, value in metric.samples(snapshot):
        yield f"{name}{suffix}{_labelled((*common, *labels))} {_number(value * metric.unit.base)}"


def _histogram(name: str, distribution: Distribution, base: float, common: Labels) -> Iterator[str]:
    own, latency, bars = distribution
    labels = (*common, *own)
    for bound in BOUNDS_MS:
        below = sum(bar.records for bar in bars if bar.upto_ms <= bound)
        yield f"{name}_bucket{_labelled((*labels, ('le', _number(bound * base))))} {below}"
    yield f"{name}_bucket{_labelled((*labels, ('le', '+Inf')))} {latency.count}"
    yield f"{name}_count{_labelled(labels)} {latency.count}"
    yield f"{name}_sum{_labelled(labels)} {_number(latency.mean * latency.count * base)}"


def _labelled(labels: Labels) -> str:
    inside = ",".join(f'{name}="{_escaped(value, quotes=True)}"' for name, value in labels)
    return f"{{{inside}}}"


def _escaped(text: str, *, quotes: bool) -> str:
    text = text.replace("\\", r"\\").replace("\n", r"\n")
    return text.replace('"', r"\"") if quotes else text


def _number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    # Seventeen digits of 0.3 ms would not be the bound that anybody wrote.
    number = float(f"{value:.12g}") if not value.is_integer() else value
    return str(int(number)) if number.is_integer() and abs(number) < 2**53 else repr(number)
