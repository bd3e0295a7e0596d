"""The state of a run at one moment, frozen. Front ends and reports read nothing else.

Durations are seconds unless the name says ms, sizes are bytes, rates are per second, shares
run from 0 to 1. None means "not known", which is never shown as 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["healthy", "degraded", "unhealthy", "failed", "interrupted"]
Phase = Literal["starting", "running", "paused", "draining", "ended"]
MemoryVerdict = Literal["stable", "growing", "warming", "shrinking", "unknown"]


@dataclass(frozen=True, slots=True)
class Latency:
    """A distribution of times in milliseconds; ``count`` is the number of records behind it."""

    count: int
    mean: float
    p50: float
    p95: float
    p99: float
    max: float


@dataclass(frozen=True, slots=True)
class QueueState:
    """The queue before a stage, in records; ``peak`` is the most it ever held."""

    size: int
    capacity: int
    peak: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class StageState:
    """One row of the stage board, in flow order.

    ``taken = given + filtered + rejected + held + lost - created``, where ``created`` are children
    beyond one a record (less those that were merged into another). ``lost`` also counts records
    that vanished on their way to the stage, which are in none of its other counts.

    ``busy``, ``idle`` and ``blocked`` are shares of the workers' time over the run and add up to 1
    (all None before the first event); where readers or writers have threads beside the workers,
    of the busier kind. ``progress`` is None where the total is not known. ``rate`` is records taken
    per second over the window. ``queue`` is None where no queue is before the stage, as in a chain.
    """

    name: str
    kind: str
    workers: int
    chained: bool
    taken: int
    given: int
    filtered: int
    rejected: int
    created: int
    held: int
    lost: int
    rate: float
    latency: Latency | None
    busy: float | None
    idle: float | None
    blocked: float | None
    progress: float | None
    queue: QueueState | None


@dataclass(frozen=True, slots=True)
class SourceState:
    """The ledger of one partition; ``ended`` tells that it has no more records."""

    name: str
    partition: str
    read: int
    delivered: int
    filtered: int
    rejected: int
    in_flight: int
    lost: int
    total: int | None
    ended: bool
    error: str | None


@dataclass(frozen=True, slots=True)
class Records:
    """The ledger of the whole run: ``read = delivered + filtered + rejected + in_flight + lost``.

    ``resumed`` of these were settled by earlier runs and not read again.
    """

    read: int
    delivered: int
    filtered: int
    rejected: int
    in_flight: int
    lost: int
    duplicated: int
    lost_ids: tuple[str, ...]
    duplicated_ids: tuple[str, ...]
    truncated: bool
    resumed: int = 0


@dataclass(frozen=True, slots=True)
class Throughput:
    """Records settled in the last ``window_s``; the rate times the window is ``records`` exactly."""

    records: int
    window_s: float
    records_per_s: float


@dataclass(frozen=True, slots=True)
class MemoryState:
    """The process's resident set.

    ``series`` holds readings in bytes over the whole run, oldest first, evenly thinned as it goes on.
    """

    rss_start: int
    rss: int
    rss_peak: int
    slope_bytes_per_record: float | None
    verdict: MemoryVerdict
    series: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Resources:
    """Open file descriptors (or handles) and threads of the process."""

    fds_start: int | None
    fds: int | None
    threads_start: int
    threads: int


@dataclass(frozen=True, slots=True)
class Notice:
    """A line for the events panel; ``at_s`` is seconds since the start of the run."""

    at_s: float
    severity: Literal["info", "warning", "error"]
    text: str


@dataclass(frozen=True, slots=True)
class Reason:
    """Why records were rejected: how many, by stage and in words."""

    stage: str
    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that a front end shows.

    ``rate_history`` holds records settled per second, one reading a second, oldest first.
    ``disagreements`` names, in words, each place where the queues' own counts and the counts
    folded from events differ; it is empty in a sound run. ``problem`` is the error that ended
    the run, in one line. ``progress`` is the share of the input that was read, None if unknown.
    """

    pipeline: str
    status: Status
    reasons: tuple[str, ...]
    phase: Phase
    elapsed_s: float
    records: Records
    sources: tuple[SourceState, ...]
    stages: tuple[StageState, ...]
    throughput: Throughput
    latency: Latency | None
    error_rate: float
    memory: MemoryState
    resources: Resources
    rejections: tuple[Reason, ...]
    notices: tuple[Notice, ...]
    rate_history: tuple[float, ...]
    rate_limit: float | None
    progress: float | None
    disagreements: tuple[str, ...]
    events_lost: int
    problem: str | None
    traceback: str | None
