"""Batches go when they are through: none waits in a cycle for the collector, also where records fail."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from pipeline import Pipeline, Reject, Retry, count, files
from tests.pipeline.running import start

RECORDS = 10_000
BATCH = 100
"""So large that chains run fused."""
IN_HAND = 10 * BATCH
"""Of the last batches, which the engine's parts may still have in hand when the run has ended."""


class Value:
    """One that can be watched."""

    def __init__(self, number: int) -> None:
        self.number = number


class Row(msgspec.Struct, weakref=True, eq=False):
    number: int


def bad(number: int) -> bool:
    return number % 7 == 3


def rejects(value: Value) -> Value:
    if bad(value.number):
        raise Reject("odd")
    return value


def fails(value: Value) -> Value:
    if bad(value.number):
        raise ValueError(value.number)
    return value


def stops(value: Value) -> Value:
    if bad(value.number):
        raise StopIteration
    return value


def refused(value: Value) -> Value | Reject:
    return Reject("odd") if bad(value.number) else value


def breaks_off(value: Value) -> Iterator[Value]:
    yield value
    if bad(value.number):
        raise ValueError(value.number)


def all_or_nothing(values: list[Value]) -> list[Value]:
    return [fails(value) for value in values]


def one_stage(pipeline: Pipeline) -> None:
    pipeline.stage(fails)


def a_chain(pipeline: Pipeline) -> None:
    pipeline.stage(fails)
    pipeline.stage(lambda value: value, name="behind")


def a_chain_that_rejects(pipeline: Pipeline) -> None:
    pipeline.stage(lambda value: value, name="before")
    pipeline.stage(rejects)


def a_chain_that_stops(pipeline: Pipeline) -> None:
    pipeline.stage(stops)
    pipeline.stage(lambda value: value, name="behind")


def verdicts(pipeline: Pipeline) -> None:
    pipeline.stage(refused)


def generators(pipeline: Pipeline) -> None:
    pipeline.stage(breaks_off)


def several_workers(pipeline: Pipeline) -> None:
    pipeline.stage(fails, workers=3)


def tried_again(pipeline: Pipeline) -> None:
    pipeline.stage(fails, retry=Retry(attempts=2, on=ValueError, first=0.0))


def tried_again_aside(pipeline: Pipeline) -> None:
    pipeline.stage(fails, retry=Retry(attempts=2, on=ValueError, first=0.0, aside=True))


def a_batch_that_is_split(pipeline: Pipeline) -> None:
    pipeline.stage(all_or_nothing, batch=True)


SHAPES = [
    one_stage,
    a_chain,
    a_chain_that_rejects,
    a_chain_that_stops,
    verdicts,
    generators,
    several_workers,
    tried_again,
    tried_again_aside,
    a_batch_that_is_split,
]


@pytest.fixture
def _no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("_no_collector")
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_records_that_fail_keep_nobody_alive(shape: Callable[[Pipeline], None], tmp_path: Path) -> None:
    made: weakref.WeakSet[Value] = weakref.WeakSet()

    def values() -> Iterator[tuple[int, Value]]:
        for number in range(RECORDS):
            value = Value(number)
            made.add(value)
            yield number, value

    pipeline = Pipeline("failing", batch_size=BATCH, dead_letters=tmp_path / "letters.jsonl")
    pipeline.read(values)
    shape(pipeline)
    pipeline.write(count())
    running = start(pipeline)
    running.finish()
    assert running.counts.rejected == sum(map(bad, range(RECORDS)))
    assert len(made) <= IN_HAND


@pytest.mark.usefixtures("_no_collector")
def test_records_that_do_not_fit_keep_nobody_alive(tmp_path: Path) -> None:
    made: weakref.WeakSet[Row] = weakref.WeakSet()

    def noted(row: Row) -> Row:
        made.add(row)
        return row

    lines = (f'{{"number": {"null" if bad(number) else number}}}\n' for number in range(RECORDS))
    (tmp_path / "rows.jsonl").write_text("".join(lines))
    pipeline = Pipeline("failing", batch_size=BATCH, dead_letters=tmp_path / "letters.jsonl")
    pipeline.read(files(str(tmp_path / "rows.jsonl")), schema=Row)
    pipeline.stage(noted)
    pipeline.stage(lambda row: row, name="behind")
    pipeline.write(count())
    running = start(pipeline)
    running.finish()
    assert running.counts.rejected == sum(map(bad, range(RECORDS)))
    assert len(made) <= IN_HAND
