"""The state of a run at one moment, frozen. Front ends and reports read nothing else.

Durations are seconds unless the name says ms, sizes are bytes, rates are per second, shares
run from 0 to 1. None means "not known", which is never shown as 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from metrics.findings import Diagnosis
from metrics.memory_state import MemoryState

Status = Literal["healthy", "degraded", "unhealthy", "failed", "interrupted"]
Phase = Literal["starting", "running", "paused", "draining", "ended"]


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
    """The queue before a stage, in records; ``peak`` is the most it ever held. It is bounded in bytes as
    well; ``fill`` (0 to 1) is how near it is to the nearer bound."""

    size: int
    capacity: int
    peak: int
    size_bytes: int
    capacity_bytes: int = 0
    fill: float = 0.0


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bar of a latency histogram: ``records`` that took at most ``upto_ms``, and more than the bar
    before."""

    upto_ms: float
    records: int


@dataclass(frozen=True, slots=True)
class Recent:
    """The last ``window_s`` seconds, ten or so: of a stage, or of the run.

    ``records`` were taken (of the run: settled), ``rejected`` of them rejected. ``busy``, ``idle`` and
    ``blocked`` are shares of the workers' time; None for the run, and where no time was told.
    """

    window_s: float
    records: int
    rejected: int
    latency: Latency | None = None
    busy: float | None = None
    idle: float | None = None
    blocked: float | None = None


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
    ``rates`` holds the records taken in each of the last seconds, ``queue_fill`` how full the queue was at
    the end of each (0 to 1), both oldest first and a minute long at most. ``histogram`` is that of
    ``latency``.
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
    rates: tuple[float, ...] = ()
    queue_fill: tuple[float, ...] = ()
    histogram: tuple[Bucket, ...] = ()
    shared: int = 0
    """Records that were the same object as another of their batch, where that was looked for."""
    recent: Recent | None = None
    standstill_s: float | None = None
    """For how long a thread of the stage has waited for a lock while no record came through; 0 where none
    does."""


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
    lag: int | None = None
    """Records known to be there and not yet read, where the total is known."""
    watermark_age_s: float | None = None
    """How long ago the oldest record in flight was read; 0 where none is in flight."""


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
class Resources:
    """What else the process takes, and the machine around it. None is "not told by this system".

    ``cpu`` is in cores, ``run_wait`` in threads: how many of this process's were ready and waited for a
    processor, on average; with ``cpu`` it is what the process would use on an idle machine. ``pressure_*``
    are the shares of time that something on the machine waited for a resource (PSI), ``steal`` that of the
    hypervisor's other guests. All of these are of the last second. ``gc_pause_s`` is the time in the cyclic
    collector over the run, ``gc_longest_s`` the worst pause. ``disk_free`` is what is left for this user
    where the output goes.
    """

    fds_start: int | None
    fds: int | None
    threads_start: int
    threads: int
    cpu: float | None = None
    sockets: int | None = None
    sockets_start: int | None = None
    gc_collections: int = 0
    gc_pause_s: float = 0.0
    gc_longest_s: float = 0.0
    run_wait: float | None = None
    steal: float | None = None
    pressure_cpu: float | None = None
    pressure_memory: float | None = None
    pressure_io: float | None = None
    disk_free: int | None = None
    clock_offset_s: float | None = None
    """How far the wall clock moved against the monotonic one since the start."""
    fds_floor: tuple[int, ...] = ()
    threads_floor: tuple[int, ...] = ()
    """The lowest readings of four stretches of the run after its first fifth, oldest first."""


@dataclass(frozen=True, slots=True)
class ThreadState:
    """A thread of the run: what it does now (``state``) and where (``orders.py:41 enrich``)."""

    name: str
    stage: str | None
    state: Literal["busy", "idle", "blocked", "paused"] | None
    cpu: float | None
    place: str | None
    waits_for_lock: bool = False
    """Whether it stands where it stood at the look before, and takes a lock there."""


@dataclass(frozen=True, slots=True)
class Anomaly:
    """Something out of the ordinary, from its onset to its end.

    ``metric`` is a name of :mod:`metrics.definitions`. ``expected`` is the range it was in before; either
    bound may be open. ``ended_s`` is None while it goes on. ``value`` is its worst reading.
    """

    metric: str
    stage: str | None
    kind: Literal["invariant", "novelty", "step", "trend"]
    severity: Literal["warning", "critical"]
    at_s: float
    ended_s: float | None
    value: float
    expected: tuple[float | None, float | None]
    text: str


@dataclass(frozen=True, slots=True)
class FaultState:
    """A fault that was put in on purpose; ``lifted_s`` is None while it is at work."""

    name: str
    stage: str | None
    params: tuple[tuple[str, str], ...]
    at_s: float
    lifted_s: float | None
    symptom: str = ""


@dataclass(frozen=True, slots=True)
class TapSample:
    """A record as a stage got it and as it gave it on, as text. ``outcome`` is what became of it there."""

    at_s: float
    id: str
    stage: str
    before: str
    after: str
    outcome: Literal["given", "filtered", "rejected", "held"]
    followed: bool = False
    """Whether it is the record that somebody asked to follow."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line that the pipeline logged or printed."""

    at_s: float
    level: Literal["debug", "info", "warning", "error", "critical", "print"]
    logger: str
    text: str


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
    bottleneck: str | None = None
    """The stage that holds the others up, in words."""
    threads: tuple[ThreadState, ...] = ()
    anomalies: tuple[Anomaly, ...] = ()
    faults: tuple[FaultState, ...] = ()
    taps: tuple[TapSample, ...] = ()
    log: tuple[LogLine, ...] = ()
    diagnosis: Diagnosis | None = None
    histogram: tuple[Bucket, ...] = ()
    """That of ``latency``."""
    shared: int = 0
    """Records that were the same object as another of their batch, where that was looked for."""
    recent: Recent | None = None
    watermark_age_peak_s: float | None = None
    """The longest that the oldest record in flight was seen to have waited."""
