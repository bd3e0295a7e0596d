"""What the engine says about itself: frozen events, one for each batch and stage.

Times (``at``) are seconds on the run's monotonic clock; durations are seconds; sizes are
bytes. Events carry counts and names, never the records themselves, so that they can be
kept, recorded and measured again without an engine.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from pipeline.batch import Partition

Action = Literal["pause", "resume", "step_record", "step_batch", "drain", "abort", "rate"]
StageKind = Literal["ingestion", "function", "batch", "stateful", "output"]


@dataclass(frozen=True, slots=True)
class StageInfo:
    """A row of the stage board, as declared: its name, kind and number of worker threads.

    ``chained`` tells that the stage runs in the same thread as the one before it, so that it
    has no queue of its own.
    """

    name: str
    kind: StageKind
    workers: int
    chained: bool


@dataclass(frozen=True, slots=True)
class PartitionInfo:
    """A partition as known before it is read. ``total`` records and ``size`` bytes, where known;
    ``resumed`` records were settled by earlier runs."""

    partition: Partition
    total: int | None
    size: int | None
    resumed: int = 0


@dataclass(frozen=True, slots=True)
class RunStarted:
    at: float
    pipeline: str
    stages: tuple[StageInfo, ...]
    partitions: tuple[PartitionInfo, ...]
    limit: int | None


@dataclass(frozen=True, slots=True)
class BatchRead:
    """A source gave a batch. ``position`` is how far into its bytes the partition has been read."""

    at: float
    partition: Partition
    number: int
    records: int
    size: int
    position: int | None


@dataclass(frozen=True, slots=True)
class PartitionEnded:
    """A partition has no more records; ``error`` says why where it ended too early."""

    at: float
    partition: Partition
    error: str | None


@dataclass(frozen=True, slots=True)
class StageWorked:
    """A stage handled a batch (or, with ``taken`` 0, waited or flushed).

    ``held`` is the change in the number of records that a stateful stage keeps back.
    ``created`` counts the children made beyond one a record. ``shared`` counts records that are the same
    object as another of the batch, in the batches (a sample) in which that was looked for. ``busy_s``,
    ``idle_s`` and ``blocked_s`` are what the worker spent since its last event:
    they add up to the time between the two.
    """

    at: float
    stage: str
    worker: int
    partition: Partition | None
    number: int
    taken: int
    given: int
    filtered: int
    rejected: int
    created: int
    held: int
    busy_s: float
    idle_s: float
    blocked_s: float
    shared: int = 0


OTHER_REASONS = "(other reasons)"


@dataclass(frozen=True, slots=True)
class RecordsRejected:
    """Records of one batch went to the dead letters, ``count`` of them for one reason.

    ``first`` names the first of them as ``SOURCE/PARTITION:OFFSET``. A batch with very many
    different reasons tells the last ones together, as :data:`OTHER_REASONS`.
    """

    at: float
    stage: str
    reason: str
    first: str
    count: int


@dataclass(frozen=True, slots=True)
class BatchCommitted:
    """The sink holds a batch, and its rejected records are in the dead letters.

    Counts are in records read (a record with several children counts once, when the last
    of them is settled). ``latency_s`` is from the reading of the batch to this moment, for
    each of ``rows`` rows that the sink took.
    """

    at: float
    partition: Partition
    number: int
    delivered: int
    filtered: int
    rejected: int
    rows: int
    latency_s: float


@dataclass(frozen=True, slots=True)
class QueueSampled:
    """How full the queue before a stage is, at the moment a worker took from it."""

    at: float
    stage: str
    records: int
    batches: int
    size: int
    capacity: int


@dataclass(frozen=True, slots=True)
class ControlChanged:
    """Somebody paused, resumed, stepped, drained, aborted or changed the rate."""

    at: float
    action: Action
    value: float | None = None


@dataclass(frozen=True, slots=True)
class RunFailed:
    """Something ended the run: where, in one line, and the traceback where there is one."""

    at: float
    stage: str | None
    message: str
    traceback: str | None


@dataclass(frozen=True, slots=True)
class RunEnded:
    at: float
    complete: bool


Event = (
    RunStarted
    | BatchRead
    | PartitionEnded
    | StageWorked
    | RecordsRejected
    | BatchCommitted
    | QueueSampled
    | ControlChanged
    | RunFailed
    | RunEnded
)


class Listener(Protocol):
    """Somebody who is handed every event in the thread that emits it."""

    lost: int

    def put(self, event: Event) -> None:
        """Take an event. Must not block, must not raise, and must be done within microseconds."""
        ...


class Subscription:
    """A bounded buffer of events for one listener, who drains it at its own pace.

    ``lost`` counts the events that came while the buffer was full.
    """

    def __init__(self, capacity: int, wake: Callable[[], object] | None = None) -> None:
        self._events: deque[Event] = deque()
        self._capacity = capacity
        self._alarm = capacity // 2
        self._wake = wake
        self.lost = 0

    def put(self, event: Event) -> None:
        """Take an event; never blocks."""
        events = self._events
        waiting = len(events)
        if waiting >= self._capacity:
            self.lost += 1
            return
        events.append(event)
        if waiting == self._alarm and self._wake is not None:
            self._wake()

    def drain(self) -> list[Event]:
        """All events that wait now, oldest first."""
        events = self._events
        return [events.popleft() for _ in range(len(events))]


class EventBus:
    """Hands every event to every subscription. Emitting never blocks and never raises."""

    def __init__(self) -> None:
        self._subscriptions: tuple[Listener, ...] = ()

    def subscribe(self, capacity: int = 65_536, wake: Callable[[], object] | None = None) -> Subscription:
        """A new buffer of ``capacity`` events; ``wake`` is called when it is half full."""
        subscription = Subscription(capacity, wake)
        self._subscriptions = (*self._subscriptions, subscription)
        return subscription

    def attach(self, listener: Listener) -> None:
        """Hand every event to ``listener`` as it is emitted."""
        self._subscriptions = (*self._subscriptions, listener)

    def emit(self, event: Event) -> None:
        for subscription in self._subscriptions:
            subscription.put(event)

    @property
    def lost(self) -> int:
        """Events that some subscription had no room for."""
        return sum(subscription.lost for subscription in self._subscriptions)
