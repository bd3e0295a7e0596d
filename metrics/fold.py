"""The state of a run, folded from its events in the order in which they came."""

from __future__ import annotations

from collections import Counter, deque
from typing import Literal

from metrics.format import plural
from metrics.progress import PartitionFold
from metrics.recent import RecentFold
from metrics.sketch import Sketch
from metrics.snapshot import Notice, Phase, Reason
from metrics.stage_fold import StageFold
from metrics.window import Window
from pipeline.batch import Partition
from pipeline.events import (
    OTHER_REASONS,
    BatchCommitted,
    BatchRead,
    ControlChanged,
    Event,
    PartitionEnded,
    PartitionInfo,
    QueueSampled,
    RecordsRejected,
    RunEnded,
    RunFailed,
    RunStarted,
    StageWorked,
)

NOTICES_KEPT = 200
REASONS_KEPT = 500
REASONS_SHOWN = 20
HISTORY_S = 300.0

_PHASES: dict[str, Phase] = {
    "pause": "paused",
    "resume": "running",
    "step_record": "paused",
    "step_batch": "paused",
    "drain": "draining",
    "abort": "draining",
}
_WORDS = {
    "pause": "paused",
    "resume": "resumed",
    "step_record": "stepped one record",
    "step_batch": "stepped one batch",
    "drain": "draining: no more is read, what is in flight is finished",
    "abort": "aborting: what is in flight stays uncommitted",
}

Severity = Literal["info", "warning", "error"]


class RunFold:
    """Everything that the events of one run tell; it never reads a clock or the engine."""

    def __init__(self, pipeline: str, opened_at: float, rate_limit: float | None) -> None:
        self.pipeline = pipeline
        self.phase: Phase = "starting"
        self.started_at = opened_at
        self.latest = opened_at
        self.ended_at: float | None = None
        self.complete = True
        self.limit: int | None = None
        self.rate_limit = rate_limit
        self.problem: str | None = None
        self.traceback: str | None = None
        self.stages: dict[str, StageFold] = {}
        self.partitions: dict[Partition, PartitionFold] = {}
        self.latency = Sketch()
        self.settled = Window(opened_at)
        self.history = Window(opened_at, HISTORY_S, 1.0)
        self.recent = RecentFold(opened_at)
        self.reads = Window(opened_at)
        self.oldest_s = 0.0
        """The longest that the oldest record in flight was seen to have waited, of any partition."""
        self.notices: deque[Notice] = deque(maxlen=NOTICES_KEPT)
        self._has_failed = False
        self._reasons: Counter[tuple[str, str]] = Counter()

    def fold(self, event: Event) -> None:
        """Take one event in. Raises LookupError for a stage that was not declared."""
        self.latest = max(self.latest, event.at)
        match event:
            case StageWorked():
                self._stage(event.stage).worked(event)
            case QueueSampled():
                self._stage(event.stage).sampled(event)
            case BatchCommitted():
                self._committed(event)
            case BatchRead():
                partition = self._partition(event.partition)
                partition.read += event.records
                self.reads.add(event.at, event.records)
                partition.position = max(partition.position, event.position or 0)
            case RecordsRejected():
                self._rejected(event)
            case PartitionEnded():
                self._partition_ended(event)
            case ControlChanged():
                self._steered(event)
            case RunStarted():
                self._started(event)
            case RunFailed():
                self._failed(event)
            case RunEnded():
                self.phase, self.ended_at, self.complete = "ended", event.at, event.complete

    @property
    def read(self) -> int:
        """Records read by this run."""
        return sum(partition.read for partition in self.partitions.values())

    def note(self, at: float, severity: Severity, text: str) -> None:
        """Add a line to the events panel."""
        self.notices.append(Notice(max(0.0, at - self.started_at), severity, text))

    def rejections(self) -> tuple[Reason, ...]:
        """The most frequent reasons of rejection, most frequent first."""
        common = self._reasons.most_common(REASONS_SHOWN)
        return tuple(Reason(stage, reason, count) for (stage, reason), count in common)

    def _started(self, event: RunStarted) -> None:
        self.pipeline, self.limit, self.phase = event.pipeline, event.limit, "running"
        self.started_at = event.at
        self.settled = Window(event.at)
        self.history = Window(event.at, HISTORY_S, 1.0)
        self.recent = RecentFold(event.at)
        self.reads = Window(event.at)
        self.stages = {info.name: StageFold(info, event.at) for info in event.stages}
        self.partitions = {info.partition: PartitionFold(info) for info in event.partitions}
        self.note(event.at, "info", f"started: {plural(len(event.partitions), 'partition')}")

    def _committed(self, event: BatchCommitted) -> None:
        partition = self._partition(event.partition)
        partition.delivered += event.delivered
        partition.filtered += event.filtered
        partition.rejected += event.rejected
        settled = event.delivered + event.filtered + event.rejected
        self.settled.add(event.at, settled)
        self.history.add(event.at, settled)
        self.latency.add(event.latency_s, event.rows)
        self.recent.add(event.at, settled, event.rejected, event.latency_s, event.rows)

    def _rejected(self, event: RecordsRejected) -> None:
        key = (event.stage, event.reason)
        if key not in self._reasons:
            # A reason may quote the record, so that no two are the same.
            if len(self._reasons) >= REASONS_KEPT:
                key = (event.stage, OTHER_REASONS)
            elif len(self._reasons) < REASONS_SHOWN:
                self.note(
                    event.at,
                    "warning",
                    f"{event.stage} rejected {event.first}: {event.reason} (first of its kind)",
                )
        self._reasons[key] += event.count

    def _partition_ended(self, event: PartitionEnded) -> None:
        partition = self._partition(event.partition)
        partition.ended, partition.error = True, event.error
        if event.error is None:
            self.note(event.at, "info", f"{event.partition} ended after {plural(partition.read, 'record')}")
        else:
            self.note(event.at, "error", f"{event.partition} broke: {event.error}")
            self.problem = self.problem or f"{event.partition}: {event.error}"

    def _steered(self, event: ControlChanged) -> None:
        if event.action == "rate":
            self.rate_limit = event.value
            limit = "lifted" if event.value is None else f"set to {event.value:,.1f} records/s"
            self.note(event.at, "info", f"rate limit {limit}")
            return
        if self.phase != "ended" and not (self.phase == "draining" and event.action == "resume"):
            self.phase = _PHASES[event.action]
        self.note(event.at, "info", _WORDS[event.action])

    def _failed(self, event: RunFailed) -> None:
        named = event.stage is None or event.stage in event.message
        text = event.message if named else f"{event.stage}: {event.message}"
        self.note(event.at, "error", text)
        if not self._has_failed:
            # The error that ended the run is the first; those after it are what it caused.
            self._has_failed = True
            self.problem, self.traceback = text, event.traceback

    def _stage(self, name: str) -> StageFold:
        try:
            return self.stages[name]
        except KeyError:
            raise LookupError(f"an event names the stage {name!r}, which the run did not declare") from None

    def _partition(self, partition: Partition) -> PartitionFold:
        if partition not in self.partitions:
            self.partitions[partition] = PartitionFold(PartitionInfo(partition, None, None))
        return self.partitions[partition]
