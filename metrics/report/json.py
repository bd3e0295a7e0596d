"""The JSON report: one document, the contract with whatever runs after the run."""

from __future__ import annotations

import json

from metrics.report import RunReport
from metrics.report import json_findings as findings
from metrics.report.json_findings import Json, finite
from metrics.snapshot import Latency, QueueState, SourceState, StageState
from metrics.vitals import left_open

SCHEMA = 1


def document(report: RunReport) -> dict[str, Json]:
    """The document; ``docs/report.schema.json`` describes it."""
    snapshot = report.snapshot
    records, memory, resources = snapshot.records, snapshot.memory, snapshot.resources
    return {
        "schema": SCHEMA,
        "pipeline": snapshot.pipeline,
        "status": snapshot.status,
        "exit_code": report.exit_code,
        "started_at": report.started_at.isoformat(),
        "duration_s": finite(report.duration_s),
        "seed": report.seed,
        "records": {
            "read": records.read,
            "delivered": records.delivered,
            "filtered": records.filtered,
            "rejected": records.rejected,
            "in_flight": records.in_flight,
            "lost": records.lost,
            "duplicated": records.duplicated,
            "lost_ids": list(records.lost_ids),
            "duplicated_ids": list(records.duplicated_ids),
            "truncated": records.truncated,
            "resumed": records.resumed,
        },
        "sources": [_source(source) for source in snapshot.sources],
        "stages": [_stage(stage) for stage in snapshot.stages],
        "throughput": {
            "records_per_s": finite(snapshot.throughput.records_per_s),
            "window_s": finite(snapshot.throughput.window_s),
        },
        "latency_ms": _latency(snapshot.latency),
        "error_rate": finite(snapshot.error_rate),
        "memory": {
            "rss_start_bytes": memory.rss_start,
            "rss_end_bytes": memory.rss,
            "rss_peak_bytes": memory.rss_peak,
            "slope_bytes_per_record": finite(memory.slope_bytes_per_record),
            "verdict": memory.verdict,
            "caches": [findings.cache(cache) for cache in memory.caches],
            "types": [findings.live_type(state) for state in memory.census.types] if memory.census else [],
            "confidence": finite(memory.confidence),
            "slope_bounds": [finite(memory.slope_low), finite(memory.slope_high)],
            "holders": dict(memory.census.holders) if memory.census else {},
        },
        "resources": {
            "fds_start": resources.fds_start,
            "fds_end": resources.fds,
            "threads_start": resources.threads_start,
            "threads_end": resources.threads,
            "verdict": left_open.verdict(snapshot),
        },
        "anomalies": [findings.anomaly(found) for found in snapshot.anomalies],
        "faults": [findings.fault(fault) for fault in snapshot.faults],
        "thresholds": [
            {"expr": result.expr, "value": finite(result.value), "passed": result.passed}
            for result in report.thresholds
        ],
        "diagnosis": findings.diagnosis(snapshot.diagnosis),
        "reasons": list(snapshot.reasons),
        "baseline": findings.comparison(report.comparison),
        "disagreements": list(snapshot.disagreements),
        "events_lost": snapshot.events_lost,
        "rejections": [
            {"stage": item.stage, "reason": item.reason, "count": item.count} for item in snapshot.rejections
        ],
        "problem": snapshot.problem,
        "traceback": snapshot.traceback,
        "dead_letters": report.dead_letters,
        "sink": (
            None
            if report.sink is None
            else {
                "name": report.sink.name,
                "guarantee": report.sink.guarantee,
                "may_be_twice": report.sink.may_be_twice,
                "may_be_twice_ids": list(report.sink.may_be_twice_ids),
            }
        ),
    }


def to_json(report: RunReport) -> str:
    """The document as text with a newline at the end; it can always be written as UTF-8.

    A file name need not be valid UTF-8; what is not stands as an escape, as JSON has it.
    """
    text = json.dumps(document(report), ensure_ascii=False, allow_nan=False, indent=2)
    return text.encode("utf-8", "backslashreplace").decode("utf-8") + "\n"


def _source(source: SourceState) -> dict[str, Json]:
    return {
        "name": source.name,
        "partition": source.partition,
        "read": source.read,
        "delivered": source.delivered,
        "filtered": source.filtered,
        "rejected": source.rejected,
        "lost": source.lost,
    }


def _stage(stage: StageState) -> dict[str, Json]:
    return {
        "name": stage.name,
        "in": stage.taken,
        "out": stage.given,
        "filtered": stage.filtered,
        "rejected": stage.rejected,
        "held": stage.held,
        "lost": stage.lost,
        "records_per_s": finite(stage.rate),
        "latency_ms": _latency(stage.latency),
        "busy": finite(stage.busy),
        "idle": finite(stage.idle),
        "blocked": finite(stage.blocked),
        "workers": stage.workers,
        "queue": _queue(stage.queue),
    }


def _latency(latency: Latency | None) -> dict[str, Json]:
    """The keys are always there, so that a reader need not ask twice; null is "not known"."""
    if latency is None:
        return dict.fromkeys(("mean", "p50", "p95", "p99", "max"))
    return {
        "mean": latency.mean,
        "p50": latency.p50,
        "p95": latency.p95,
        "p99": latency.p99,
        "max": latency.max,
    }


def _queue(queue: QueueState | None) -> dict[str, Json]:
    """Null throughout for a stage without a queue, as one in a chain."""
    if queue is None:
        return dict.fromkeys(("size", "capacity", "peak"))
    return {"size": queue.size, "capacity": queue.capacity, "peak": queue.peak}
