"""What a run in another process showed: counts, ids, content hashes, sizes, times. Frozen, from JSON.

Times are seconds, sizes bytes. Ids print as ``SOURCE/PARTITION:OFFSET``. Places are ``FILE:LINE`` of the
user's own files; what lies elsewhere has no place.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import msgspec

Ending = Literal["complete", "cut", "failed", "stalled", "died", "refused"]
"""``cut``: it was told to stop in time and did; ``stalled``: nothing moved any more; ``died``: the process
ended without a word; ``refused``: the pipeline could not be loaded or started."""


GARBAGE = "garbage"
"""The type of what is no container: objects of one class, in cycles, that no collector frees."""


@dataclass(frozen=True, slots=True)
class StageShape:
    """A stage as declared. ``line`` is where its function or class begins; ``file`` None where unknown."""

    name: str
    kind: str
    workers: int
    file: str | None = None
    line: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class StageTimes:
    """What a stage did: records in, busy seconds, and its shares of busy, idle and blocked."""

    name: str
    taken: int
    given: int
    filtered: int
    rejected: int
    held: int
    lost: int
    busy_s: float
    busy: float | None
    idle: float | None
    blocked: float | None
    longest_s: float = 0.0
    """What the books say that a batch took at the most; 0 in one thread, where time is made up."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A reason for which records were rejected, with the first ids and the user's line that raised."""

    stage: str
    reason: str
    count: int
    ids: tuple[str, ...]
    place: str | None
    raised: bool
    """Whether an exception other than ``Reject`` was behind it."""


@dataclass(frozen=True, slots=True)
class Container:
    """A container that was there throughout: its length at each of the run's samples (see ``at``)."""

    name: str
    type: str
    stage: str | None
    place: str | None
    object: str | None
    lengths: tuple[int, ...]
    bytes_per_item: float = 0.0
    items: str = ""
    """The module and type of what is in it."""
    clearable: bool = True


@dataclass(frozen=True, slots=True)
class SharedObject:
    """Of ``given`` records of a stage, ``times`` were, or held, an object that it had given just before;
    ``rewritten`` of these with other contents."""

    stage: str
    times: int
    rewritten: int
    given: int


@dataclass(frozen=True, slots=True)
class Growth:
    """Live objects of a type at the second sample of objects and at the last."""

    type: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Opened:
    """What the user's code opened at one line: how often, and how many of these were open at the end.

    ``kind`` is ``file``, ``socket``, ``pipe``, ``selector``, ``process``, ``thread`` or ``handler``.
    ``freed`` of them went when garbage was collected at the end.
    """

    kind: str
    place: str | None
    stage: str | None
    times: int
    left: int
    freed: int = 0


@dataclass(frozen=True, slots=True)
class Remembered:
    """What functions of the user's keep from one record to another, as ``settings`` or ``function.argument``,
    in which file; ``times`` it had to be set back."""

    name: str
    type: str
    file: str
    times: int


@dataclass(frozen=True, slots=True)
class Sample:
    """The process at one moment: ``records`` settled by then."""

    records: int
    at_s: float
    rss: int
    fds: int
    threads: int
    handlers: int
    children: int
    blocks: int
    cpu_s: float = 0.0
    """Time of a processor that the process had by then."""


@dataclass(frozen=True, slots=True)
class ThreadStack:
    """Where a thread stood when nothing moved: its lines, the innermost last, of the user's files alone."""

    name: str
    stage: str | None
    frames: tuple[str, ...]
    waits_for: str | None = None


@dataclass(frozen=True, slots=True)
class Machine:
    """How the machine was meanwhile. ``spin`` is how long a fixed piece of work took against its best;
    ``gc_s`` and ``gc_longest_s`` are time in the cyclic collector, ``run_wait`` the share of time that
    threads waited for a processor."""

    spin: float = 1.0
    gc_s: float = 0.0
    gc_longest_s: float = 0.0
    gc_full: int = 0
    run_wait: float = 0.0
    cpu_s: float = 0.0
    disk_free: int = -1


@dataclass(frozen=True, slots=True)
class Observation:
    """One run. ``hashes`` are those of what the sink got, by id; ``order`` tells whether ids came in order.

    ``batch_at`` are ``(records settled, seconds)`` at the sink's batches. ``clock_reads`` counts, by place
    and function, how often the user's code asked for the time. ``cut`` counts the ids left out of ``hashes``.
    """

    ending: Ending
    problem: str | None
    traceback: str | None
    failed_at: str | None
    duration_s: float
    read: int
    delivered: int
    filtered: int
    rejected: int
    in_flight: int
    lost: int
    duplicated: int
    lost_ids: tuple[str, ...]
    duplicated_ids: tuple[str, ...]
    stages: tuple[StageShape, ...]
    times: tuple[StageTimes, ...]
    rejections: tuple[Rejected, ...]
    hashes: dict[str, str]
    containers: tuple[Container, ...]
    at: tuple[int, ...]
    growth: tuple[Growth, ...]
    opened: tuple[Opened, ...]
    samples: tuple[Sample, ...]
    batch_at: tuple[tuple[int, float], ...]
    clock_reads: dict[str, int]
    stacks: tuple[ThreadStack, ...]
    machine: Machine
    disagreements: tuple[str, ...] = ()
    batch_size: int = 0
    """The largest batch that the sink was given."""
    files: tuple[str, ...] = ()
    """The user's own source files."""
    unwritten: dict[str, str] = field(default_factory=dict)
    """The text of those of them that are on no disk."""
    homes: dict[str, str] = field(default_factory=dict)
    """By file, other than the pipeline's own: the stage that it runs in."""
    sink_name: str = ""
    sink_waits_s: float = 0.0
    """Time spent in the pipeline's own sink, where it was used."""
    partitions: tuple[str, ...] = ()
    dead_threads: tuple[str, ...] = ()
    """Threads of the user's that ended by an exception, with its last line."""
    cut: int = 0
    shared: tuple[SharedObject, ...] = ()
    remembered: tuple[Remembered, ...] = ()
    """What was set back, where functions were to forget."""
    altered: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)
    """In one thread: by stage that is a function of one record, and by the record's content, the fields that
    it gave other values than any in the record, with these."""

    @property
    def records_per_s(self) -> float:
        """Records settled a second."""
        settled = self.delivered + self.filtered + self.rejected
        return settled / self.duration_s if self.duration_s > 0 else 0.0


def from_json(text: str | bytes) -> Observation:
    """Raises ValueError."""
    try:
        return msgspec.json.decode(text, type=Observation)
    except msgspec.MsgspecError as error:
        raise ValueError(str(error)) from error


def to_json(observation: Observation) -> str:
    """One line."""
    return msgspec.json.encode(observation).decode()


def nothing(ending: Ending, problem: str, duration_s: float) -> Observation:
    """What is known of a run that ended without a document."""
    return Observation(
        ending=ending,
        problem=problem,
        traceback=None,
        failed_at=None,
        duration_s=duration_s,
        read=0,
        delivered=0,
        filtered=0,
        rejected=0,
        in_flight=0,
        lost=0,
        duplicated=0,
        lost_ids=(),
        duplicated_ids=(),
        stages=(),
        times=(),
        rejections=(),
        hashes={},
        containers=(),
        at=(),
        growth=(),
        opened=(),
        samples=(),
        batch_at=(),
        clock_reads={},
        stacks=(),
        machine=Machine(),
    )
