"""Puts something else in the place of a stage while the pipeline runs: a function around its function, or
a stage with a memory instead of it. Everything else of the worker stays as it is.

The engine itself never does so; whoever does, does it between two steps of the worker.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from types import GeneratorType
from typing import Any

from pipeline.batch import Chunk
from pipeline.clock import Clock
from pipeline.errors import Reject
from pipeline.operators.base import FATAL, describe
from pipeline.operators.stateful import StatefulOperator
from pipeline.stages import Dropped, Record, Stage
from pipeline.tasks.chain import ChainWork
from pipeline.tasks.piped import PipedWork
from pipeline.tasks.stateful import StatefulWork
from pipeline.tasks.whole_batch import BatchWork
from pipeline.tasks.work import Work

Function = Callable[[Any], Any]
Handle = Callable[[Record], Iterable[Record | Dropped]]
"""What a stage makes of one record."""


def whole(record: Record) -> list[Record | Dropped]:
    """A record that goes on as it is."""
    return [record]


class Shared(Stage):
    """A stage with a memory that all workers of a group share: one at a time is in it.

    It is made and opened when the first record comes. Once it was flushed, records only pass through it: a
    worker may still have some in hand when another one takes it out.
    """

    def __init__(self, make: Callable[[Handle], Stage]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._stage: Stage | None = None
        self._flushed = False

    def process(self, records: list[Record], handle: Handle = whole) -> list[Record | Dropped]:
        with self._lock:
            if self._flushed:
                return [made for record in records for made in handle(record)]
            if self._stage is None:
                self._stage = self._make(handle)
                self._stage.open()
            return list(self._stage.process(records))

    def flush(self) -> list[Record | Dropped]:
        with self._lock:
            held = list(self._stage.flush()) if self._stage is not None and not self._flushed else []
            self._flushed = True
            return held

    def close(self) -> None:
        with self._lock:
            stage, self._stage = self._stage, None
            self._flushed = True
        if stage is not None:
            stage.close()


class Handling(Stage):
    """A function, in the form in which a shared stage takes it."""

    def __init__(self, shared: Shared, handle: Handle) -> None:
        self.shared = shared
        self.handle = handle
        self.flush = shared.flush  # type: ignore[method-assign]

    def process(self, records: list[Record]) -> list[Record | Dropped]:
        return self.shared.process(records, self.handle)


def with_function(work: Work, stage: str, around: Callable[[Function], Function]) -> Work:
    """The work with another function at ``stage``, made of the one that is there.

    What ``around`` gives is called with one record. Before a function of many values, and a stage with a
    memory, it is called with each record that they are given.
    """
    if isinstance(work, PipedWork):
        return PipedWork([with_function(each, stage, around) for each in work.works], work.clock)
    if isinstance(work, ChainWork):
        return work.with_functions(
            [each.calling(around(each.function)) if each.name == stage else each for each in work.functions]
        )
    if isinstance(work, BatchWork) and work.operator.name == stage:
        operator = work.operator.calling(_before_each(around(_same), work.operator.function))
        return BatchWork(operator, work.teller, work.encoder, keep_originals=work.keep_originals)
    if isinstance(work, StatefulWork) and work.operator.name == stage:
        return _holding(
            work, StatefulOperator(stage, Given(work.operator.stage, around(_same)), work.operator.on_error)
        )
    return work


def with_stage(work: Work, stage: str, shared: Shared, clock: Clock, numbers: Iterator[int]) -> Work:
    """The work with ``shared`` in the place of ``stage``, whose function it calls; or behind it, where that
    has a memory of its own. What is before and behind it stays."""
    if isinstance(work, PipedWork):
        return PipedWork([with_stage(each, stage, shared, clock, numbers) for each in work.works], clock)
    if stage not in work.stages:
        return work
    if isinstance(work, StatefulWork):
        behind = Followed(work.operator.stage, shared)
        return _holding(work, StatefulOperator(stage, behind, work.operator.on_error))
    if isinstance(work, BatchWork):
        one = work.operator.function
        handle = _handler(lambda value: next(iter(one([value]))), work.operator.on_error)
        operator = StatefulOperator(stage, Handling(shared, handle))
        return PipedWork([StatefulWork(operator, work.teller, work.encoder, numbers)], clock)
    if not isinstance(work, ChainWork):
        return work
    before, function, after = work.cut_at(stage)
    operator = StatefulOperator(stage, Handling(shared, _handler(function.call, function.on_error)))
    encoder = work.encoder if after is None else None
    works: list[Work] = [StatefulWork(operator, work.teller, encoder, numbers)]
    if before is not None:
        works.insert(0, before)
    if after is not None:
        works.append(after)
    return PipedWork(works, clock)


def leaving(work: Work) -> Work | None:
    """What of a work has to be flushed before it is taken out; the user's own stages are not."""
    if isinstance(work, PipedWork):
        return work
    if isinstance(work, StatefulWork):
        stage = work.operator.stage
        while isinstance(stage, Given):
            stage = stage.stage
        if isinstance(stage, Followed):
            return _holding(work, StatefulOperator(work.operator.name, stage.left()))
    return None


def sieve(changes: Sequence[Callable[[list[Any]], list[Any]]]) -> Callable[[Chunk], Chunk]:
    """Gives a chunk with other raw records, as many as before: what the changes, in turn, make of them."""

    def sift(chunk: Chunk) -> Chunk:
        if not chunk.ids:
            return chunk
        as_bytes = isinstance(chunk.raw, bytes)
        raws = chunk.raw.split(b"\n") if isinstance(chunk.raw, bytes) else list(chunk.raw)
        for change in changes:
            raws = change(raws)
        return replace(chunk, raw=b"\n".join(raws) if as_bytes else raws)

    return sift


class Given(Stage):
    """A stage whose records go through a function before it sees them."""

    def __init__(self, stage: Stage, function: Function) -> None:
        self.stage = stage
        self.function = function
        self.close = stage.close  # type: ignore[method-assign]
        self.flush = stage.flush  # type: ignore[method-assign]

    def process(self, records: list[Record]) -> Iterable[Record | Dropped]:
        for record in records:
            record.value = self.function(record.value)
        return self.stage.process(records)


class Followed(Stage):
    """A stage with another right behind it."""

    def __init__(self, stage: Stage, behind: Stage) -> None:
        self.stage = stage
        self.behind = behind

    def process(self, records: list[Record]) -> Iterator[Record | Dropped]:
        yield from self._through(self.stage.process(records))

    def flush(self) -> Iterator[Record | Dropped]:
        yield from self._through(self.stage.flush())
        yield from self.behind.flush()

    def close(self) -> None:
        self.stage.close()

    def left(self) -> Stage:
        """What is behind the user's own stage, alone."""
        return Followed(self.stage.left(), self.behind) if isinstance(self.stage, Followed) else self.behind

    def _through(self, given: Iterable[Record | Dropped]) -> Iterator[Record | Dropped]:
        kept: list[Record] = []
        for each in given:
            if isinstance(each, Dropped):
                yield each
            else:
                kept.append(each)
        yield from self.behind.process(kept)


def _holding(work: StatefulWork, operator: StatefulOperator) -> StatefulWork:
    return StatefulWork(operator, work.teller, work.encoder, work.numbers, work.saver)


def _same(value: Any) -> Any:
    return value


def _before_each(step: Function, function: Function) -> Function:
    def call(values: list[Any]) -> Any:
        return function([step(value) for value in values])

    return call


def _handler(function: Function, on_error: str) -> Handle:
    """A function of one value as a stage with a memory would apply it."""

    def handle(record: Record) -> list[Record | Dropped]:
        try:
            result = function(record.value)
            if isinstance(result, GeneratorType):
                result = list(result)
        except FATAL:
            raise
        except Exception as error:
            if isinstance(error, Reject):
                return [record.rejected(error.reason)]
            if on_error == "fail":
                raise
            return [record.rejected(describe(error)[0])]
        if isinstance(result, Reject):
            return [record.rejected(result.reason)]
        if result is None:
            return [record.filtered()]
        if type(result) is not list:
            return [record.replace(result)]
        return [each if isinstance(each, Dropped) else _judged(each) for each in record.split(result)]

    return handle


def _judged(child: Record) -> Record | Dropped:
    if isinstance(child.value, Reject):
        return child.rejected(child.value.reason)
    return child.filtered() if child.value is None else child


def functions_of(work: Work) -> dict[str, list[object]]:
    """By stage, what runs in it now: its function, or the object with its methods."""
    if isinstance(work, PipedWork):
        found: dict[str, list[object]] = {}
        for each in work.works:
            for stage, parts in functions_of(each).items():
                found.setdefault(stage, []).extend(parts)
        return found
    if isinstance(work, ChainWork):
        return {each.name: [each.function] for each in work.functions}
    if isinstance(work, BatchWork):
        return {work.operator.name: [work.operator.function]}
    if isinstance(work, StatefulWork):
        return {work.operator.name: [work.operator.stage]}
    return {}
