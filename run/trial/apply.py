"""Puts a change into a pipeline that was loaded for a trial: sources, stages, sink."""

from __future__ import annotations

import copy
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import wraps
from pathlib import Path
from types import GeneratorType
from typing import Any

from diagnosis.change import Change
from pipeline.batch import Chunk, Decode, Partition
from pipeline.checkpoint import Progress
from pipeline.ids import Ids
from pipeline.operators.batch import BatchOperator
from pipeline.operators.function import FunctionOperator
from pipeline.pipeline import INGESTION, OUTPUT, Pipeline, SourceSpec, StageSpec
from pipeline.sinks.base import Sink
from pipeline.sources.base import PartitionSpec, Source
from pipeline.stages import Child, Record, Stage
from run.trial import history
from run.trial.files import UserFiles
from run.trial.identity import Given
from run.trial.remembered import Memory
from run.trial.sink import TrialSink
from run.trial.timing import SLEEP, TrialClock

_DEEP = 8
_TURN_S = 0.5
QUEUED = 4
"""So many batches are in each queue, where their size is set."""


class AtWork:
    """Which stage a thread is at work for."""

    def __init__(self) -> None:
        self._of: dict[int, str] = {}

    def enter(self, stage: str) -> str | None:
        """Say so; returns which one it was before."""
        me = threading.get_ident()
        before = self._of.get(me)
        self._of[me] = stage
        return before

    def leave(self, before: str | None) -> None:
        """Back to the stage that :meth:`enter` returned."""
        me = threading.get_ident()
        if before is None:
            self._of.pop(me, None)
        else:
            self._of[me] = before

    def now(self) -> str | None:
        """The stage of this thread."""
        return self._of.get(threading.get_ident())

    def of(self, thread: int | None) -> str | None:
        """The stage of a thread."""
        return self._of.get(thread or 0)


class Applied:
    """A pipeline ready for its trial, and what is known of its parts."""

    def __init__(self, pipeline: Pipeline, change: Change, folder: Path, clock: TrialClock) -> None:
        declared = pipeline.sink
        assert declared is not None
        self.change = change
        self.at_work = AtWork()
        self.given = Given()
        self.made = history.Made()
        self.targets: list[tuple[str, Any]] = [(spec.name, spec.target) for spec in pipeline.stages]
        self.instances: list[tuple[str, Any]] = []
        self.memory: Memory | None = None
        """What is set back before each call."""
        self._lock = threading.RLock()
        self._slow = dict(change.slow)
        own = declared if change.sink == "own" and is_own(declared) else None
        self.declared = declared
        self.sink = TrialSink(declared, own, clock)
        if own is not None:
            self._tag_sink(own)
        pipeline.dead_letters = folder / "dead-letters.jsonl"
        pipeline.max_rejected = None
        if change.batch_size is not None:
            # What is measured at the sink is to belong to the records there, not to those far behind.
            pipeline.queue_records = min(pipeline.queue_records, QUEUED * change.batch_size)
        pipeline.sources = [
            SourceSpec(TrialSource(spec.source, change, self.at_work), spec.schema)
            for spec in pipeline.sources
        ]
        pipeline.stages = [
            self._stage(spec, first=position == 0) for position, spec in enumerate(pipeline.stages)
        ]
        pipeline.sink = self.sink
        self.pipeline = pipeline

    def _tag_sink(self, own: Sink) -> None:
        write = own.write

        def tagged(ids: Ids, payloads: list[Any]) -> Any:
            before = self.at_work.enter(OUTPUT)
            try:
                return write(ids, payloads)
            finally:
                self.at_work.leave(before)

        own.write = tagged  # type: ignore[method-assign]

    def _stage(self, spec: StageSpec, *, first: bool) -> StageSpec:
        if spec.kind == "stateful":
            return replace(spec, target=lambda: self._stateful(spec, first=first))
        return replace(
            spec, target=self._around(spec.name, spec.target, first=first, many=spec.kind == "batch")
        )

    def _around(
        self, name: str, target: Callable[[Any], Any], *, first: bool, many: bool
    ) -> Callable[[Any], Any]:
        def call(given: Any) -> Any:
            before = self.at_work.enter(name)
            # Only in one thread is it known which records came before.
            look = not many and before is None and self.change.driver == "serial" and not self.made.full(name)
            record = history.Before(given) if look else None
            try:
                result = self._called(name, target, given, first=first, many=many)
                if record is not None and result is not None and not isinstance(result, (list, tuple)):
                    self.made.note(name, record, result)
                return result
            finally:
                self.at_work.leave(before)

        with suppress(AttributeError, TypeError):
            return wraps(target)(call)
        return call

    def reach_what_comes_later(self, files: UserFiles) -> None:
        """Put the change around functions that come into the stages while it runs, too, and into what a stage
        with a memory hands out; with one thread, let the user's own threads go one behind the other."""
        function, batch, replaced = FunctionOperator.calling, BatchOperator.calling, Record.replace

        def calling(operator: FunctionOperator, target: Callable[[Any], Any]) -> FunctionOperator:
            return function(operator, self._around(operator.name, target, first=False, many=False))

        def calling_many(operator: BatchOperator, target: Callable[[Any], Any]) -> BatchOperator:
            return batch(operator, self._around(operator.name, target, first=False, many=True))

        setattr(FunctionOperator, "calling", calling)  # noqa: B010
        setattr(BatchOperator, "calling", calling_many)  # noqa: B010
        if self.change.copy:

            def replacing(record: Record, value: Any) -> Record:
                return replaced(record, copied(value) if self.at_work.now() in self.change.copy else value)

            setattr(Record, "replace", replacing)  # noqa: B010
            setattr(Child, "replace", _child_replacing(self.at_work, self.change.copy))  # noqa: B010
        if self.change.driver == "serial":
            _one_behind_the_other(files)

    def _called(self, name: str, target: Callable[[Any], Any], given: Any, *, first: bool, many: bool) -> Any:
        change = self.change
        if first and INGESTION in change.copy:
            given = [copied(each) for each in given] if many else copied(given)
        if self.memory is not None:
            self.memory.restore()
        if name in self._slow:
            SLEEP(self._slow[name] * (len(given) if many else 1))
        if name in change.lock:
            with self._lock:
                result = target(given)
                if isinstance(result, GeneratorType):
                    result = list(result)
        else:
            result = target(given)
        if isinstance(result, GeneratorType):
            # Here, while it is known whose it is.
            result = list(result)
        if result is not None:
            self.given.note(name, result if isinstance(result, (list, tuple)) else (result,))
        if name in change.copy:
            result = (
                [copied(each) for each in result] if isinstance(result, (list, tuple)) else copied(result)
            )
        return result

    def _stateful(self, spec: StageSpec, *, first: bool) -> Stage:
        stage: Stage = spec.target()
        self.instances.append((spec.name, stage))
        return _Tagged(self, spec.name, stage, first=first)


def _child_replacing(at_work: AtWork, stages: tuple[str, ...]) -> Callable[[Child, Any], Record]:
    real = Child.replace

    def replacing(record: Child, value: Any) -> Record:
        return real(record, copied(value) if at_work.now() in stages else value)

    return replacing


def _one_behind_the_other(files: UserFiles) -> None:
    """A thread that the user's code starts is waited for at once; one that serves others goes on beside."""
    start = threading.Thread.start
    turn = [_TURN_S]

    def start_and_wait(thread: threading.Thread) -> None:
        start(thread)
        frame = sys._getframe(1)
        for _ in range(_DEEP):
            if frame.f_code.co_filename in files:
                thread.join(turn[0])
                if thread.is_alive():
                    # It waits for something; so will the next ones.
                    turn[0] /= 2
                return
            if frame.f_back is None:
                return
            frame = frame.f_back

    setattr(threading.Thread, "start", start_and_wait)  # noqa: B010


class _Tagged(Stage):
    """A stage with a memory, with the change of a trial around it."""

    def __init__(self, applied: Applied, name: str, inner: Stage, *, first: bool) -> None:
        self._applied = applied
        self._name = name
        self._inner = inner
        self._first = first

    def open(self) -> None:
        self._inner.open()

    def process(self, records: list[Record]) -> Any:
        change = self._applied.change
        if self._first and INGESTION in change.copy:
            for record in records:
                record.value = copied(record.value)
        if (seconds := dict(change.slow).get(self._name)) is not None:
            SLEEP(seconds * len(records))
        return self._within(lambda: self._inner.process(records))

    def flush(self) -> Any:
        return self._within(self._inner.flush)

    def close(self) -> None:
        self._inner.close()

    def _within(self, call: Callable[[], Any]) -> Any:
        before = self._applied.at_work.enter(self._name)
        try:
            returned = call()
            # A generator works only while it is asked: here, under this stage's name.
            given = list(returned) if isinstance(returned, GeneratorType) else returned
        finally:
            self._applied.at_work.leave(before)
        if isinstance(given, (list, tuple)):
            self._applied.given.note(self._name, given)
        if self._name in self._applied.change.copy and isinstance(given, (list, tuple)):
            for record in given:
                if isinstance(record, Record):
                    record.value = copied(record.value)
        return given


class TrialSource(Source):
    """The records of a source that a trial is about."""

    def __init__(self, inner: Source, change: Change, at_work: AtWork) -> None:
        self.name = inner.name
        self._inner = inner
        self._change = change
        self._at_work = at_work
        self.blocking = inner.blocking  # type: ignore[misc]
        self.grows = inner.grows  # type: ignore[misc]
        self._only = None if change.only is None else frozenset(change.only)

    def local_files(self) -> Sequence[Path]:
        return self._inner.local_files()

    @property
    def repeats(self) -> bool:
        return self._inner.repeats

    def check(self) -> None:
        self._inner.check()

    def remember(self, known: Mapping[str, Progress]) -> None:
        self._inner.remember(known)

    def partitions(self) -> Sequence[PartitionSpec]:
        return self._inner.partitions()

    def read(self, partition: str, start: int, schema: type | None) -> Iterator[Chunk]:
        chunks = self._tagged(self._inner.read(partition, start, schema))
        if self._only is not None:
            where = Partition(self.name, partition)
            chunks = self._chosen(chunks, where)
        if self._change.start:
            chunks = self._skipped(chunks)
        if self._change.repeat > 1:
            chunks = self._repeated(chunks)
        return chunks

    def _tagged(self, chunks: Iterator[Chunk]) -> Iterator[Chunk]:
        while True:
            before = self._at_work.enter(INGESTION)
            try:
                chunk = next(chunks, None)
            finally:
                self._at_work.leave(before)
            if chunk is None:
                return
            yield chunk

    def _chosen(self, chunks: Iterator[Chunk], partition: Partition) -> Iterator[Chunk]:
        assert self._only is not None
        for chunk in chunks:
            raw = _listed(chunk)
            at = [place for place, id in enumerate(chunk.ids) if partition.record(id) in self._only]
            if at:
                yield replace(chunk, ids=chunk.ids.at(at), raw=[raw[place] for place in at], rejected=[])

    def _skipped(self, chunks: Iterator[Chunk]) -> Iterator[Chunk]:
        left = self._change.start
        for chunk in chunks:
            if left >= chunk.ids.size:
                left -= chunk.ids.size
                continue
            raw = _listed(chunk)[left:]
            yield replace(chunk, ids=chunk.ids.cut(left, chunk.ids.size), raw=raw)
            left = 0

    def _repeated(self, chunks: Iterator[Chunk]) -> Iterator[Chunk]:
        """The first records again and again, each time under new offsets."""
        wanted = max(1, (self._change.limit or 1_000) // self._change.repeat)
        kept: list[tuple[Any, Decode]] = []
        for chunk in chunks:
            kept += [(item, chunk.decode) for item in _listed(chunk)]
            if len(kept) >= wanted:
                break
        kept = kept[:wanted]
        for turn in range(self._change.repeat):
            for place, (item, decode) in enumerate(kept):
                offset = turn * len(kept) + place
                yield Chunk(Ids.span(offset, offset + 1), [copied(item)], 64, decode)


def _listed(chunk: Chunk) -> list[Any]:
    return chunk.raw.split(b"\n") if isinstance(chunk.raw, bytes) else list(chunk.raw)


def copied(value: Any) -> Any:
    """A deep copy; what cannot be copied stays as it is."""
    try:
        return copy.deepcopy(value)
    except Exception:  # noqa: BLE001 - a lock, a socket, what refuses
        return value


def is_own(sink: Sink) -> bool:
    """Whether a sink is the user's code: their class, or their function."""
    kind = type(sink)
    return not kind.__module__.startswith("pipeline.") or kind.__name__ == "FunctionSink"
