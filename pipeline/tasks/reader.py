"""Reads one source, its partitions in turn, and puts batches into the first queue."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, MutableMapping

from pipeline.batch import Batch, Chunk, Partition, Rejection, cut_raw
from pipeline.checkpoint import Progress
from pipeline.clock import Clock
from pipeline.control import Control, Unit
from pipeline.events import BatchRead, EventBus, PartitionEnded, StageWorked
from pipeline.ids import Ids
from pipeline.ledger import Ledger
from pipeline.pace import Budget, Pace
from pipeline.pump import Pump
from pipeline.queue import BatchQueue
from pipeline.sources.base import Source
from pipeline.stopwatch import Stopwatch
from pipeline.tasks.base import REPORT_S, Step, Task
from pipeline.tasks.intake import Intake
from pipeline.tasks.rejections import tell_rejected

LINGER_S = 0.02
"""The longest that a record waits for its batch to fill."""

OPEN_AT_ONCE = 4
"""How many partitions of a source are read in turns; the others follow as these end. Those of a source
that grows do not end, so all are open."""

LOOK_S = 0.25
"""How often it is looked whether a partition has grown."""

DISCOVER_S = 1.0
"""How often it is looked whether there are new partitions."""

Spawn = Callable[[str, Callable[[], None]], None]
"""Starts a thread of the given name."""


class Reader(Task):
    """The reader of one source."""

    def __init__(
        self,
        index: int,
        source: Source,
        schema: type | None,
        stage: str,
        *,
        queue: BatchQueue,
        ledger: Ledger,
        bus: EventBus,
        clock: Clock,
        control: Control,
        pace: Pace,
        budget: Budget,
        batch_size: int | None,
        numbers: Iterator[int],
        partitions: list[Partition],
        before: Mapping[Partition, Progress],
        identities: MutableMapping[Partition, str],
        spawn: Spawn | None,
    ) -> None:
        """Puts into lane ``index`` of ``queue``. Without ``spawn`` a blocking source is read in line.

        ``identities`` is brought up to date with what reading shows.
        """
        self.name = f"read {source.name}"
        self.stage = stage
        self.beside_the_queue = 0
        """Records that could not be cut out of the input: they went past the queue's counts."""
        self.pumps: set[str] = set()
        """The names of the threads that read ahead for it."""
        self.may_wait = source.blocking or source.grows
        self._index = index
        self._source = source
        self._schema = schema
        self._queue = queue
        self._ledger = ledger
        self._bus = bus
        self._clock = clock
        self._control = control
        self.pace = pace
        self.sift: Callable[[Chunk], Chunk] | None = None
        """What each batch's worth goes through before it counts as read: it may change values, not ids."""
        self._budget = budget
        self._batch_size = batch_size
        self._numbers = numbers
        self._before = before
        self._identities = identities
        self._spawn = spawn
        self._known = set(partitions)
        self._discover_at = 0.0
        self._to_open = deque(partitions)
        self._open: deque[Intake] = deque()
        self._stuck: Batch | None = None
        self._awake = threading.Event()
        # What is read is worked on before more is read: until then the reader is held up.
        self._watch = Stopwatch(clock, between="blocked")
        self._reported_at = clock.monotonic()
        self.errors: list[tuple[Partition, str, str | None]] = []
        pace.join(index)

    def step(self, unit: Unit) -> Step:
        if self._changes:
            self.make_changes()
        now = self._watch.start()
        if self._stuck is not None and not self._put(self._stuck):
            return self._blocked()
        if self._control.draining or self._budget.spent:
            return self._end()
        limit = 1 if unit == "record" else self._allowed()
        if limit == 0:
            self._watch.waits("idle")
            return Step.IDLE
        if self._source.grows and now >= self._discover_at:
            self._discover(now)
        chunk, intake = self._gather(now, limit)
        if chunk is None or intake is None:
            if not self._open and not self._to_open and not self._awaits_more():
                return self._end()
            self._watch.waits("idle")
            return Step.IDLE
        self.pace.spend(self._index, chunk.ids.size)
        batch = self._admit(intake, chunk)
        if batch is not None and not self._put(batch):
            return self._blocked()
        now, busy = self._watch.lap()
        self._tell(now, busy)
        return Step.WORKED

    def wait(self, step: Step, timeout: float) -> None:
        if step is Step.BLOCKED and self._stuck is not None:
            self._queue.wait_for_room(self._stuck, timeout, self._index)
            return
        now = self._clock.monotonic()
        dues = [intake.due_in(now, LINGER_S) for intake in self._open]
        delay = min([timeout, *(due for due in dues if due is not None)])
        if self._allowed() == 0:
            delay = min(timeout, self.pace.delay(self._index))
        self._awake.wait(max(delay, 0.0005))
        self._awake.clear()

    def ready(self) -> bool:
        if self.done:
            return False
        if self._stuck is not None:
            return self._queue.has_room(self._stuck, self._index)
        return bool(self._to_open) or not self._open or any(intake.has_input() for intake in self._open)

    def wake(self) -> None:
        self._awake.set()
        self._queue.wake()

    def report(self) -> None:
        now = self._watch.start()
        if now - self._reported_at >= REPORT_S:
            self._tell(now, busy=0.0)

    def finish(self) -> None:
        for intake in self._open:
            intake.close()
        self._open.clear()

    def _allowed(self) -> int | None:
        # A step by hand is asked for now, whatever the rate.
        return None if self._control.paused else self.pace.allowed(self._index)

    def _gather(self, now: float, limit: int | None) -> tuple[Chunk | None, Intake | None]:
        """A batch's worth from the next partition in turn that has one."""
        while self._to_open and (len(self._open) < OPEN_AT_ONCE or self._source.grows):
            self._open.append(self._opened(self._to_open.popleft()))
        for _ in range(len(self._open)):
            intake = self._open.popleft()
            chunk = intake.gather(now, limit, LINGER_S)
            if intake.exhausted and chunk is None:
                self._ended(intake)
                continue
            self._open.append(intake)
            if chunk is not None:
                return chunk, intake
        return None, None

    def _discover(self, now: float) -> None:
        """Open the partitions that have come up since the last look."""
        self._discover_at = now + DISCOVER_S
        for spec in self._source.partitions():
            partition = Partition(self._source.name, spec.name)
            if partition not in self._known:
                self._known.add(partition)
                self._identities[partition] = self._source.identify(spec.name, None)
                self._to_open.append(partition)

    def _awaits_more(self) -> bool:
        # Where all that there was broke off, going on would only hide it.
        return self._source.grows and not self.errors

    def _opened(self, partition: Partition) -> Intake:
        before = self._before.get(partition)
        chunks = self._source.read(partition.name, before.start if before else 0, self._schema)
        pump = None
        if self._source.blocking and self._spawn is not None:
            pump = Pump(chunks, self._awake.set)
            name = f"pump {partition}"
            self.pumps.add(name)
            self._spawn(name, pump.run)
        look_every = LOOK_S if self._source.grows else None
        return Intake(partition, chunks, self._batch_size, pump, before, look_every)

    def _ended(self, intake: Intake) -> None:
        intake.close()
        if intake.error is not None:
            self.errors.append((intake.partition, intake.error, intake.traceback))
        self._bus.emit(PartitionEnded(self._clock.monotonic(), intake.partition, intake.error))

    def _admit(self, intake: Intake, chunk: Chunk) -> Batch | None:
        """From here on the records count as read."""
        if self.sift is not None:
            chunk = self.sift(chunk)
        granted = self._budget.grant(chunk.ids.size)
        ids, raw, size, rejected = chunk.ids, chunk.raw, chunk.size, chunk.rejected
        if granted < ids.size:
            if granted == 0:
                return None
            size = size * granted // ids.size
            raw, _ = cut_raw(raw, granted)
            rejected = [letter for letter in rejected if letter.id.offset < ids[granted].offset]
            ids = ids.cut(0, granted)
        now = self._clock.monotonic()
        batch = Batch(intake.partition, next(self._numbers), ids, raw, size, now, chunk.decode)
        batch.rejected = rejected
        if chunk.identity is not None:
            # Before the records are booked: a checkpoint in between would not know their file.
            self._identities[intake.partition] = chunk.identity
        if rejected:
            self._read_beside(intake.partition, ids, rejected, now)
        else:
            self._ledger.read(intake.partition, ids, now)
        self._bus.emit(
            BatchRead(now, intake.partition, batch.number, ids.size + len(rejected), size, chunk.position)
        )
        return batch

    def _read_beside(self, partition: Partition, ids: Ids, rejected: list[Rejection], now: float) -> None:
        # In one go: a checkpoint in between would take those that are told later for settled.
        offsets = sorted([*ids.offsets(), *(letter.id.offset for letter in rejected)])
        self._ledger.read(partition, Ids.of(offsets), now)
        self.beside_the_queue += len(rejected)
        tell_rejected(self._bus, now, partition, rejected)
        self._tell(now, busy=0.0, rejected=len(rejected))

    def _tell(self, now: float, busy: float, rejected: int = 0) -> None:
        self._reported_at = now
        idle, blocked = self._watch.take_waits()
        self._bus.emit(
            StageWorked(
                at=now,
                stage=self.stage,
                worker=-1 - self._index,
                partition=None,
                number=-1,
                taken=rejected,
                given=0,
                filtered=0,
                rejected=rejected,
                created=0,
                held=0,
                busy_s=busy,
                idle_s=idle,
                blocked_s=blocked,
            )
        )

    def _put(self, batch: Batch) -> bool:
        if not self._queue.has_room(batch, self._index):
            self._stuck = batch
            return False
        self._ledger.pass_on(self.stage, batch.partition, batch.number, batch.ids)
        self._queue.put(batch, self._index)
        self._stuck = None
        return True

    def _blocked(self) -> Step:
        self._watch.waits("blocked")
        return Step.BLOCKED

    def _end(self) -> Step:
        self.finish()
        now, busy = self._watch.lap()
        self._tell(now, busy)
        self.pace.leave(self._index)
        self._queue.close()
        self.done = True
        return Step.DONE
