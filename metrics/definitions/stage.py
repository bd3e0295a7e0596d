"""The metrics of each stage: what went through it, how long that took, and the queue before it."""

from __future__ import annotations

from metrics.definitions.metric import Metric, OfStage, Times, Value
from metrics.definitions.run import LATENCY_MEASURES
from metrics.definitions.units import BYTES, MILLISECONDS, RATE, RECORDS, SECONDS, SHARE, counted
from metrics.snapshot import StageState

_OUTCOME = "records that left the stage, by how"
_STATE = "the share of the workers' time in this state"


def _recent_rate(stage: StageState) -> Value:
    recent = stage.recent
    return recent.records / recent.window_s if recent is not None and recent.window_s > 0 else None


def _recent_error_rate(stage: StageState) -> Value:
    recent = stage.recent
    return recent.rejected / recent.records if recent is not None and recent.records else None


STAGE: tuple[Metric, ...] = (
    Metric(
        "pipeline.stage.records.taken",
        "counter",
        RECORDS,
        "records that the stage took",
        OfStage(lambda stage: stage.taken),
        ("in",),
        title="in",
    ),
    Metric(
        "pipeline.stage.records.consumed",
        "counter",
        RECORDS,
        _OUTCOME,
        OfStage(lambda stage: stage.given),
        ("out",),
        (("outcome", "given"),),
        title="out",
    ),
    Metric(
        "pipeline.stage.records.consumed",
        "counter",
        RECORDS,
        _OUTCOME,
        OfStage(lambda stage: stage.filtered),
        ("filtered",),
        (("outcome", "filtered"),),
        title="filtered",
    ),
    Metric(
        "pipeline.stage.records.consumed",
        "counter",
        RECORDS,
        _OUTCOME,
        OfStage(lambda stage: stage.rejected),
        ("rejected",),
        (("outcome", "rejected"),),
        title="rejected",
    ),
    Metric(
        "pipeline.stage.records.consumed",
        "counter",
        RECORDS,
        _OUTCOME,
        OfStage(lambda stage: stage.lost),
        ("lost",),
        (("outcome", "lost"),),
        title="LOST",
    ),
    Metric(
        "pipeline.stage.records.held",
        "gauge",
        RECORDS,
        "records that a stage with a memory keeps back",
        OfStage(lambda stage: stage.held),
        ("held",),
        title="held",
    ),
    Metric(
        "pipeline.stage.records.created",
        "gauge",
        RECORDS,
        "children made beyond one a record, less those that were merged",
        OfStage(lambda stage: stage.created),
        ("created",),
        title="created",
    ),
    Metric(
        "pipeline.stage.records.shared",
        "counter",
        RECORDS,
        "records given on that were the same object as another of their batch, in a sample of the batches",
        OfStage(lambda stage: stage.shared),
        ("shared",),
    ),
    Metric(
        "pipeline.stage.rate",
        "gauge",
        RATE,
        "records that the stage took per second, over the last minute",
        OfStage(lambda stage: stage.rate, _recent_rate),
        ("rate",),
        watched=True,
    ),
    Metric(
        "pipeline.stage.error_rate",
        "gauge",
        SHARE,
        "the share of the records it took that the stage rejected",
        OfStage(lambda stage: stage.rejected / stage.taken if stage.taken else None, _recent_error_rate),
        ("error_rate",),
        watched=True,
    ),
    Metric(
        "pipeline.stage.latency",
        "histogram",
        MILLISECONDS,
        "the time that a batch takes in the stage, for each of its records",
        Times(stages=True),
        LATENCY_MEASURES,
        watched=True,
    ),
    Metric(
        "pipeline.stage.utilization",
        "gauge",
        SHARE,
        _STATE,
        OfStage(lambda stage: stage.busy, lambda stage: stage.recent.busy if stage.recent else None),
        ("busy",),
        (("state", "busy"),),
        watched=True,
    ),
    Metric(
        "pipeline.stage.utilization",
        "gauge",
        SHARE,
        _STATE,
        OfStage(lambda stage: stage.idle, lambda stage: stage.recent.idle if stage.recent else None),
        ("idle",),
        (("state", "idle"),),
    ),
    Metric(
        "pipeline.stage.utilization",
        "gauge",
        SHARE,
        _STATE,
        OfStage(lambda stage: stage.blocked, lambda stage: stage.recent.blocked if stage.recent else None),
        ("blocked",),
        (("state", "blocked"),),
        watched=True,
    ),
    Metric(
        "pipeline.stage.standstill",
        "gauge",
        SECONDS,
        "how long a thread of it has waited for a lock while no record came through; 0 where none does",
        OfStage(lambda stage: stage.standstill_s),
    ),
    Metric(
        "pipeline.stage.workers",
        "gauge",
        counted("thread"),
        "threads that run the stage",
        OfStage(lambda stage: stage.workers),
    ),
    Metric(
        "pipeline.stage.queue.depth",
        "gauge",
        RECORDS,
        "records in the queue before the stage",
        OfStage(lambda stage: stage.queue.size if stage.queue else None),
        ("queue_depth",),
    ),
    Metric(
        "pipeline.stage.queue.peak",
        "gauge",
        RECORDS,
        "the most records that were ever in the queue",
        OfStage(lambda stage: stage.queue.peak if stage.queue else None),
        ("queue_peak",),
    ),
    Metric(
        "pipeline.stage.queue.capacity",
        "gauge",
        RECORDS,
        "records that the queue holds at most",
        OfStage(lambda stage: stage.queue.capacity if stage.queue else None),
    ),
    Metric(
        "pipeline.stage.queue.size",
        "gauge",
        BYTES,
        "bytes of input in the queue",
        OfStage(lambda stage: stage.queue.size_bytes if stage.queue else None),
    ),
    Metric(
        "pipeline.stage.queue.fill",
        "gauge",
        SHARE,
        "how full the queue is, in records or in bytes, whichever is nearer to its bound",
        OfStage(lambda stage: stage.queue.fill if stage.queue else None),
        ("queue_fill",),
        watched=True,
    ),
)
