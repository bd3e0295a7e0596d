"""Writes docs/metrics.md from the definitions: `python -m docs.metrics_table`."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from metrics.definitions import METRICS
from metrics.definitions.metric import Metric, OfCache, OfLedger, OfSource, OfStage, OfThread, Times
from metrics.prometheus import family_name

TARGET = Path(__file__).resolve().parent / "metrics.md"

HEAD = """# Metrics

Every metric that there is; they are defined in `metrics/definitions/` and the files beside it, from which
this page is made (`python -m docs.metrics_table`), and so are thresholds, what anomalies are looked for in,
and what Prometheus reads:

    python monitor.py run orders.py --headless --metrics-port 9100
    curl http://127.0.0.1:9100/metrics
    curl http://127.0.0.1:9100/healthz

`/metrics` is in the format that the client asks for, plain or OpenMetrics. Each series has the label
`pipeline`, and those named under *of*. `/healthz` answers 200, or 503 while the run is unhealthy or failed.
Only this machine can reach either, and both end with the run.

A metric of which nothing is known (another system, no queue, too short a run) is left out, never told as 0.
What comes from the ledger is read in one moment, so that `pipeline.records.read` is the sum of
`pipeline.records.consumed`, `.in_flight` and `.lost` in every answer. Histograms have the same bounds in
every run: 1, 2 and 5 of each power of ten, from 10 µs to 500 s. Anomalies are looked for in those under
*watched*, by their last seconds.
"""
COLUMNS = ("metric", "kind", "unit", "of", "what it tells", "`--fail-if`", "watched", "in Prometheus")


def page() -> str:
    """The whole document."""
    rows = [COLUMNS, ("---",) * len(COLUMNS)]
    rows += [_row(list(siblings)) for _, siblings in groupby(METRICS, key=lambda metric: metric.name)]
    return HEAD + "\n" + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _row(siblings: list[Metric]) -> tuple[str, ...]:
    metric = siblings[0]
    measures = dict.fromkeys(f"`{name}`" for each in siblings for name in each.measures)
    return (
        f"`{metric.name}`",
        metric.kind,
        f"`{metric.unit.code}`",
        _of(siblings),
        metric.meaning,
        ", ".join(measures),
        "yes" if any(each.watched for each in siblings) else "",
        f"`{family_name(metric)}{'_total' if metric.kind == 'counter' else ''}`",
    )


def _of(siblings: list[Metric]) -> str:
    metric = siblings[0]
    labels = {
        OfLedger: "`source`",
        OfSource: "`source`",
        OfStage: "`stage`",
        OfThread: "`thread`, `stage`",
        OfCache: "`cache`, `stage`",
    }.get(type(metric.of), "")
    if isinstance(metric.of, Times) and metric.of.stages:
        labels = "`stage`"
    if not metric.attributes:
        return labels or "the run"
    name = metric.attributes[0][0]
    values = ", ".join(each.attributes[0][1] for each in siblings)
    return f"{labels}, `{name}` ({values})" if labels else f"`{name}` ({values})"


if __name__ == "__main__":
    TARGET.write_text(page(), encoding="utf-8")
