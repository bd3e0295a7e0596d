"""The metrics of a run as a whole: its ledger, its rate, its latency, and what the monitor says of itself."""

from __future__ import annotations

from metrics.definitions.metric import Metric, OfLedger, OfRun, OfSource, Times, Value
from metrics.definitions.units import MILLISECONDS, RATE, RECORDS, SECONDS, SHARE, counted
from metrics.snapshot import Snapshot

LATENCY_MEASURES = ("mean", "latency", "p50", "p95", "p99", "max")


def _rate(snapshot: Snapshot) -> Value:
    return snapshot.throughput.records_per_s if snapshot.throughput.window_s > 0 else None


def _recent_rate(snapshot: Snapshot) -> Value:
    recent = snapshot.recent
    return recent.records / recent.window_s if recent is not None and recent.window_s > 0 else None


def _recent_error_rate(snapshot: Snapshot) -> Value:
    recent = snapshot.recent
    return recent.rejected / recent.records if recent is not None and recent.records else None


def _lag(snapshot: Snapshot) -> Value:
    known = [source.lag for source in snapshot.sources if source.lag is not None]
    return sum(known) if known else None


def _watermark_age(snapshot: Snapshot) -> Value:
    known = [each.watermark_age_s for each in snapshot.sources if each.watermark_age_s is not None]
    return max(known, default=None)


RUN: tuple[Metric, ...] = (
    Metric(
        "pipeline.records.read",
        "counter",
        RECORDS,
        "records that were read from the sources",
        OfLedger(lambda records: records.read, lambda source: source.read),
        ("read",),
    ),
    Metric(
        "pipeline.records.consumed",
        "counter",
        RECORDS,
        "records that came to their end, by what became of them",
        OfLedger(lambda records: records.delivered, lambda source: source.delivered),
        ("delivered",),
        (("outcome", "delivered"),),
        title="delivered",
    ),
    Metric(
        "pipeline.records.consumed",
        "counter",
        RECORDS,
        "records that came to their end, by what became of them",
        OfLedger(lambda records: records.filtered, lambda source: source.filtered),
        ("filtered",),
        (("outcome", "filtered"),),
        title="filtered",
    ),
    Metric(
        "pipeline.records.consumed",
        "counter",
        RECORDS,
        "records that came to their end, by what became of them",
        OfLedger(lambda records: records.rejected, lambda source: source.rejected),
        ("rejected",),
        (("outcome", "rejected"),),
        title="rejected",
    ),
    Metric(
        "pipeline.records.in_flight",
        "gauge",
        RECORDS,
        "records that were read and have not come to their end",
        OfLedger(lambda records: records.in_flight, lambda source: source.in_flight),
        ("in_flight",),
        watched=True,
        title="in flight",
    ),
    Metric(
        "pipeline.records.lost",
        "counter",
        RECORDS,
        "records that were read and have no place",
        OfLedger(lambda records: records.lost, lambda source: source.lost),
        ("lost",),
        title="lost",
    ),
    Metric(
        "pipeline.records.duplicated",
        "counter",
        RECORDS,
        "records that came to their end twice",
        OfRun(lambda run: run.records.duplicated),
        ("duplicated",),
        title="duplicated",
    ),
    Metric(
        "pipeline.records.rate",
        "gauge",
        RATE,
        "records that came to their end per second, over the last minute",
        OfRun(_rate, _recent_rate),
        ("rate",),
        watched=True,
        title="Throughput",
    ),
    Metric(
        "pipeline.records.error_rate",
        "gauge",
        SHARE,
        "the share of the settled records that was rejected",
        OfRun(lambda run: run.error_rate, _recent_error_rate),
        ("error_rate",),
        watched=True,
        title="Error Rate",
    ),
    Metric(
        "pipeline.record.latency",
        "histogram",
        MILLISECONDS,
        "from the reading of a record to its commit",
        Times(stages=False),
        LATENCY_MEASURES,
        watched=True,
        title="Avg Latency",
    ),
    Metric(
        "pipeline.source.lag",
        "gauge",
        RECORDS,
        "records known to be there and not yet read, where a source knows its total",
        OfSource(lambda source: source.lag),
    ),
    Metric(
        "pipeline.lag",
        "gauge",
        RECORDS,
        "the lag of all sources that know it together",
        OfRun(_lag),
        ("lag",),
    ),
    Metric(
        "pipeline.source.watermark_age",
        "gauge",
        SECONDS,
        "how long ago the oldest record in flight was read; 0 where none is in flight",
        OfSource(lambda source: source.watermark_age_s, max),
    ),
    Metric(
        "pipeline.watermark_age",
        "gauge",
        SECONDS,
        "the watermark age of the source where it is greatest",
        OfRun(_watermark_age),
        title="oldest in flight",
    ),
    Metric(
        "pipeline.watermark_age.peak",
        "gauge",
        SECONDS,
        "the greatest watermark age that was seen in the run",
        OfRun(lambda run: run.watermark_age_peak_s),
        ("watermark_age_peak",),
    ),
    Metric(
        "pipeline.progress",
        "gauge",
        SHARE,
        "the share of the input that was read, where its size is known",
        OfRun(lambda run: run.progress),
        ("progress",),
    ),
    Metric(
        "pipeline.duration",
        "gauge",
        SECONDS,
        "since the run began",
        OfRun(lambda run: run.elapsed_s),
        ("duration",),
    ),
    Metric(
        "pipeline.healthy",
        "gauge",
        counted("run"),
        "1 while the run is healthy, else 0",
        OfRun(lambda run: float(run.status == "healthy")),
    ),
    Metric(
        "pipeline.anomalies",
        "counter",
        counted("anomaly"),
        "anomalies found so far",
        OfRun(lambda run: len(run.anomalies)),
        ("anomalies",),
    ),
    Metric(
        "pipeline.faults",
        "gauge",
        counted("fault"),
        "faults put in on purpose that are at work",
        OfRun(lambda run: sum(fault.lifted_s is None for fault in run.faults)),
    ),
    Metric(
        "pipeline.monitor.events_lost",
        "counter",
        counted("event"),
        "events that the monitor missed",
        OfRun(lambda run: run.events_lost),
        ("events_lost",),
    ),
    Metric(
        "pipeline.monitor.disagreements",
        "gauge",
        counted("difference"),
        "places where the two books differ",
        OfRun(lambda run: len(run.disagreements)),
        ("disagreements",),
    ),
)
