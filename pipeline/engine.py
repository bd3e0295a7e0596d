"""The engine: turns a pipeline into tasks that whoever drives it moves step by step.

    source -> queue -> group of stages -> queue -> ... -> queue -> sink

Neighbouring functions of one record form one group and run in one thread, slice by slice;
every group has its own workers and a bounded queue before it. The engine starts no
threads: ``pipeline.threads`` drives it in production, ``pipeline.deterministic`` in tests.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from pipeline.batch import Partition
from pipeline.checkpoint import CheckpointStore
from pipeline.clock import Clock
from pipeline.control import Control, Failure
from pipeline.dead_letters import DeadLetters
from pipeline.events import (
    EventBus,
    PartitionInfo,
    RunFailed,
    RunStarted,
    StageInfo,
    StageKind,
)
from pipeline.ledger import Ledger
from pipeline.outlet import Outlet
from pipeline.outputs import check_outputs, check_partitions, dead_letter_path
from pipeline.pace import Budget, Pace
from pipeline.pipeline import INGESTION, OUTPUT, Pipeline
from pipeline.plan import grouped
from pipeline.queue import BatchQueue
from pipeline.rejection_limit import RejectionLimit
from pipeline.replay import Replay
from pipeline.sources.base import PartitionSpec
from pipeline.tap import Tap
from pipeline.tasks.base import Task
from pipeline.tasks.committer import Committer
from pipeline.tasks.delivery import Delivery
from pipeline.tasks.encoder import Encoder
from pipeline.tasks.reader import Reader, Spawn
from pipeline.tasks.refit import functions_of
from pipeline.tasks.work import Teller
from pipeline.tasks.worker import Group, Worker
from pipeline.tasks.writer import Writer
from pipeline.unflushed import unflushed
from pipeline.voice import Voice
from pipeline.works import Works


@dataclass(frozen=True, slots=True)
class Options:
    """How to run a pipeline, over what it says itself; None leaves that as it is.

    ``batch_size`` and ``limit`` are in records, ``rate`` in records per second. ``workers``
    is for every stage that may have several. ``seed`` makes retry waits repeatable.
    """

    batch_size: int | None = None
    workers: int | None = None
    limit: int | None = None
    rate: float | None = None
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Hop:
    """A queue, with the stages at its two ends."""

    producer: str
    consumer: str
    queue: BatchQueue


class Engine:
    """One run of one pipeline."""

    def __init__(
        self,
        pipeline: Pipeline,
        options: Options,
        clock: Clock,
        bus: EventBus,
        spawn: Spawn | None = None,
        store: CheckpointStore | None = None,
        replay: Replay | None = None,
    ) -> None:
        """Raises :class:`~pipeline.errors.ConfigurationError` where the run cannot begin.

        ``spawn`` starts the threads that read sources which may block; without it these are
        read in line. ``store`` keeps the progress; where it holds some already, the run goes on
        from there. With ``replay``, it is dead letters that are read, and nothing else.
        """
        if replay is not None:
            pipeline = replay.pipeline
        pipeline.validate()
        assert pipeline.sink is not None
        self.pipeline = pipeline
        self.options = options
        self.clock = clock
        self.bus = bus
        self.sink = pipeline.sink
        self.control = Control()
        self._given_up: tuple[Failure, float] | None = None
        self._voice = Voice(bus, clock)
        self.ledger = Ledger()
        self.pace = Pace(clock, options.rate)
        self.hops: list[Hop] = []
        self.readers: list[Reader] = []
        self.numbers = itertools.count()
        self.tap = Tap(clock)
        self._teller = Teller(bus, self.ledger, self.tap)
        self._batch_size = options.batch_size or pipeline.batch_size
        self._spawn = spawn
        for spec in pipeline.sources:
            spec.source.check()
        self.sink.check()
        self.dead_letters = DeadLetters(dead_letter_path(pipeline)) if replay is None else replay.letters
        check_outputs(pipeline, self.dead_letters.path)
        self.dead_letters.check()
        self._store = store
        self._replay = replay
        self.checkpoint = store.load() if store is not None else None
        self._before = {} if self.checkpoint is None or replay is not None else self.checkpoint.partitions
        self.resumed = sum(progress.settled for progress in self._before.values())
        """Records that earlier runs have settled, and this one goes on from."""
        self.repeated = self.checkpoint.repeated if self.checkpoint is not None else {}
        """Records that an earlier run gave to the sink and did not come to commit, by partition."""
        self.partitions = self._partitions()
        check_partitions(self.partitions)
        self._identities = self._identified()
        self._groups = grouped(pipeline, options.workers)
        self.stages = self._stage_infos()
        keeps = store is not None and replay is None
        self._works = Works(
            pipeline,
            teller=self._teller,
            clock=clock,
            control=self.control,
            seed=options.seed,
            numbers=self.numbers,
            states=(self.checkpoint.states if self.checkpoint else {}) if keeps else None,
            going_on=self.checkpoint is not None,
        )
        self.tasks: list[Task] = self._build()
        self._movers = [task for task in self.tasks if isinstance(task, Worker | Writer)]
        self.lanes = self._lanes()
        self.control.attach(self.tasks)

    # Steering: what a front end may do, told before it is done: in the log the end follows what brought it

    def pause(self) -> None:
        """Let every stage stop before its next batch."""
        self._voice.steered("pause")
        self.control.pause()

    def resume(self) -> None:
        """Go on."""
        self._voice.steered("resume")
        self.control.resume()

    def step_record(self) -> bool:
        """Pause, and move the record that is furthest along by one hop; False if none can move."""
        self._voice.steered("step_record")
        return self.control.step("record")

    def step_batch(self) -> bool:
        """Pause, and move the batch that is furthest along by one hop; False if none can move."""
        self._voice.steered("step_batch")
        return self.control.step("batch")

    def drain(self) -> None:
        """Read no more, finish what is in flight, then end."""
        self._voice.steered("drain")
        self.control.drain()

    def abort(self) -> None:
        """End before the next batch, wherever that is."""
        self._voice.steered("abort")
        self.control.abort()

    def give_up(self, seconds: float) -> None:
        """End now: the run should have ended by itself within so many seconds."""
        self._given_up = Failure(None, "", None), seconds
        self.control.fail(self._given_up[0])

    def set_rate(self, records_per_s: float | None) -> None:
        """Read at most so many records a second from all sources together; None is without limit."""
        self.pace.set_rate(records_per_s)
        self._voice.steered("rate", records_per_s)

    def at_work(self) -> dict[str, list[object]]:
        """By stage, the functions and objects that run in it now: where the user's memory is reached from."""
        found: dict[str, list[object]] = {stage.name: [] for stage in self.stages}
        for task in self.tasks:
            if isinstance(task, Worker):
                for stage, parts in functions_of(task.work).items():
                    found[stage] += [part for part in parts if all(part is not each for each in found[stage])]
            elif isinstance(task, Writer):
                found[OUTPUT].append(task.delivery.sink)
        return found

    def arrangement(self) -> list[object]:
        """What the tasks go by: equal to the one before as long as the same runs in every stage. Cheap."""
        return [each.work if isinstance(each, Worker) else each.delivery for each in self._movers]

    # The beginning and the end of a run; drivers call these

    def started(self) -> None:
        """Tell that the run begins now."""
        self.bus.emit(
            RunStarted(
                self.clock.monotonic(), self.pipeline.name, self.stages, self.partitions, self.options.limit
            )
        )

    def ended(self) -> None:
        """Close the books: after a run that came to its end, what is still open is lost."""
        failure = self.control.failure
        complete = failure is None and not self.control.aborted and all(task.done for task in self.tasks)
        self.ledger.close(complete=complete)
        self._voice.ended(list(self._failures()), complete=complete)

    def _failures(self) -> Iterator[RunFailed]:
        failure, now = self.control.failure, self.clock.monotonic()
        if self._given_up is not None and failure is self._given_up[0]:
            names = [stage.name for stage in self.stages]
            yield RunFailed(now, None, unflushed(self._given_up[1], self.ledger, names, self.tasks), None)
        elif failure is not None:
            yield RunFailed(now, failure.stage, failure.message, failure.traceback)
        else:
            for reader in self.readers:
                for partition, message, trace in reader.errors:
                    yield RunFailed(now, INGESTION, _once(message, partition), trace)

    # How it is put together

    def _partitions(self) -> tuple[PartitionInfo, ...]:
        for spec in self.pipeline.sources:
            name = spec.source.name
            spec.source.remember(
                {part.name: progress for part, progress in self._before.items() if part.source == name}
            )
        return tuple(
            self._info(Partition(spec.source.name, part.name), part)
            for spec in self.pipeline.sources
            for part in spec.source.partitions()
        )

    def _info(self, partition: Partition, spec: PartitionSpec) -> PartitionInfo:
        before = self._before.get(partition)
        if before is not None:
            self.ledger.resume(partition, before)
        return PartitionInfo(partition, spec.total, spec.size, before.settled if before else 0)

    def _identified(self) -> dict[Partition, str]:
        """What tells each partition from another of its name, checked against the earlier run."""
        if self._store is None or self._replay is not None:
            return {}
        sources = {spec.source.name: spec.source for spec in self.pipeline.sources}
        identities = {}
        for info in self.partitions:
            before = self._before.get(info.partition)
            source = sources[info.partition.source]
            identities[info.partition] = source.identify(
                info.partition.name, before.identity if before is not None else None
            )
        return identities

    def _stage_infos(self) -> tuple[StageInfo, ...]:
        ingestion_workers = self._groups[0].workers
        infos = [StageInfo(INGESTION, "ingestion", ingestion_workers, chained=False)]
        for position, group in enumerate(self._groups):
            for at, spec in enumerate(group.specs):
                kind: StageKind = spec.kind
                chained = at > 0 or (position == 0 and group.decodes)
                infos.append(StageInfo(spec.name, kind, group.workers, chained))
        return (*infos, StageInfo(OUTPUT, "output", 1, chained=False))

    def _queue(self, lanes: int = 1, producers: int = 1) -> BatchQueue:
        return BatchQueue(self.pipeline.queue_records, self.pipeline.queue_bytes, lanes, producers)

    def _build(self) -> list[Task]:
        sources = self.pipeline.sources
        queue = self._queue(len(sources), len(sources))
        self.hops.append(Hop("", INGESTION, queue))
        budget = Budget(self.options.limit)
        for index, spec in enumerate(sources):
            mine = [info.partition for info in self.partitions if info.partition.source == spec.source.name]
            self.readers.append(
                Reader(
                    index,
                    spec.source,
                    spec.schema,
                    INGESTION,
                    queue=queue,
                    ledger=self.ledger,
                    bus=self.bus,
                    clock=self.clock,
                    control=self.control,
                    pace=self.pace,
                    budget=budget,
                    batch_size=self._batch_size,
                    numbers=self.numbers,
                    partitions=mine,
                    before=self._before,
                    identities=self._identities,
                    spawn=self._spawn,
                )
            )
        tasks: list[Task] = list(self.readers)
        encoder = None
        if self.sink.encode is not None:
            encoder = Encoder(OUTPUT, self.sink.encode, keep_values=self.sink.may_refuse)
        saved = False
        for position, group in enumerate(self._groups):
            last = position == len(self._groups) - 1
            consumer = OUTPUT if last else self._groups[position + 1].first
            behind = self._queue()
            self.hops.append(Hop(group.last, consumer, behind))
            # A saved state speaks of all that its stage gave up before.
            saved = saved or any(spec.name == self._works.saving for spec in group.specs)
            ordered = group.ordered or saved
            outlet = Outlet(consumer, queue, behind, self.ledger, group.workers, ordered=ordered)
            shared = Group(queue, outlet, self.ledger)
            make = self._works.maker(
                group,
                encoder if last else None,
                partial(_waiting, queue),
                keep_originals=not (last and encoder),
            )
            tasks += [
                Worker(shared, make(), number, self._teller, self.clock, self.bus)
                for number in range(group.workers)
            ]
            queue = behind
        committer = Committer(
            self.sink,
            self.dead_letters,
            ledger=self.ledger,
            bus=self.bus,
            clock=self.clock,
            store=self._store,
            checkpoint=self.checkpoint,
            identities=self._identities,
            limit=self._rejection_limit(),
            replay=self._replay,
            saving=self._works.saving,
        )
        tasks.append(
            Writer(
                OUTPUT,
                Delivery(OUTPUT, self.sink, encoder),
                committer,
                encoded=encoder is not None,
                inlet=queue,
                ledger=self.ledger,
                bus=self.bus,
                clock=self.clock,
                control=self.control,
                tap=self.tap,
            )
        )
        return tasks

    def _rejection_limit(self) -> RejectionLimit | None:
        limit = self.pipeline.max_rejected
        # A replay can only make the rejected fewer.
        return RejectionLimit(limit) if limit is not None and self._replay is None else None

    def _lanes(self) -> list[list[Task]]:
        """The tasks by thread, each lane in flow order.

        Handing batches from thread to thread costs a fifth of the throughput. So where the
        first group has one worker, the readers that never wait share its thread, and so
        does the writer, where it never waits and there is no other group.
        """
        first = self._groups[0]
        alone = [task for task in self.tasks if isinstance(task, Worker) and task.stage == INGESTION]
        if not self.pipeline.chain or len(alone) != 1:
            return [[task] for task in self.tasks]
        shared: list[Task] = [reader for reader in self.readers if not reader.may_wait]
        shared += alone
        if not self.sink.waits and self._groups == [first]:
            shared.append(self.tasks[-1])
        return [shared, *([task] for task in self.tasks if task not in shared)]


def _waiting(queue: BatchQueue) -> bool:
    return queue.batches > 0


def _once(message: str, partition: Partition) -> str:
    return message if str(partition) in message else f"{partition}: {message}"
