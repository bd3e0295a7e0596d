"""Puts something else in the place of a stage while the pipeline runs: a function around its function, or
a stage with a memory instead of it. Everything else of the worker stays as it is.

The engine itself never does so; whoever does, does it between two steps of the worker.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from types import GeneratorType
from typing import Any, Protocol

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


class MakeStage(Protocol):
    """Makes a stage with a memory that calls ``handle`` for each record that it gives up."""

    def __call__(self, handle: Handle) -> Stage: ...


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


def with_stage(work: Work, stage: str, make: MakeStage, clock: Clock, numbers: Iterator[int]) -> Work:
    """The work with a stage with a memory in the place of ``stage``; what is before and behind it stays."""
    if isinstance(work, StatefulWork):
        behind = Followed(work.operator.stage, make(_whole))
        return _holding(work, StatefulOperator(stage, behind, work.operator.on_error))
    if isinstance(work, BatchWork):
        one = work.operator.function
        operator = StatefulOperator(
            stage, make(_handler(lambda value: next(iter(one([value]))), work.operator.on_error))
        )
        return StatefulWork(operator, work.teller, work.encoder, numbers)
    if not isinstance(work, ChainWork):
        return work
    before, function, after = work.cut_at(stage)
    operator = StatefulOperator(stage, make(_handler(function.call, function.on_error)))
    encoder = work.encoder if after is None else None
    works: list[Work] = [StatefulWork(operator, work.teller, encoder, numbers)]
    if before is not None:
        works.insert(0, before)
    if after is not None:
        works.append(after)
    return PipedWork(works, clock)


def sifted(chunk: Chunk, change: Callable[[list[Any]], list[Any]]) -> Chunk:
    """The chunk with other raw records, as many as before."""
    raw = chunk.raw
    if not chunk.ids:
        return chunk
    if isinstance(raw, bytes):
        return replace(chunk, raw=b"\n".join(change(raw.split(b"\n"))))
    return replace(chunk, raw=change(list(raw)))


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

    def open(self) -> None:
        self.behind.open()

    def process(self, records: list[Record]) -> Iterator[Record | Dropped]:
        yield from self._through(self.stage.process(records))

    def flush(self) -> Iterator[Record | Dropped]:
        yield from self._through(self.stage.flush())
        yield from self.behind.flush()

    def close(self) -> None:
        self.stage.close()
        self.behind.close()

    def _through(self, given: Iterable[Record | Dropped]) -> Iterator[Record | Dropped]:
        kept: list[Record] = []
        for each in given:
            if isinstance(each, Dropped):
                yield each
            else:
                kept.append(each)
        yield from self.behind.process(kept)


def _holding(work: StatefulWork, operator: StatefulOperator) -> StatefulWork:
    return StatefulWork(operator, work.teller, work.encoder, work.numbers)


def _same(value: Any) -> Any:
    return value


def _whole(record: Record) -> list[Record | Dropped]:
    return [record]


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
        return record.split(result) if type(result) is list else [record.replace(result)]

    return handle


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
