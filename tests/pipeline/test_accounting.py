"""What a run is trusted for: a record that went missing or came twice is named, whoever did it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline import Id, Ids, Pipeline, Record, Reject, Sink, Stage, count
from pipeline.engine import Options
from pipeline.events import BatchCommitted, RunEnded, StageWorked
from pipeline.stages import Dropped
from tests.pipeline.running import Running, start


@pytest.fixture
def new(tmp_path: Path) -> Callable[..., Pipeline]:
    def make(**options: Any) -> Pipeline:
        return Pipeline("counted", dead_letters=tmp_path / "letters.jsonl", **options)

    return make


def numbers(how_many: int) -> list[tuple[int, int]]:
    return [(n, n) for n in range(how_many)]


def finished(running: Running) -> Running:
    events = running.finish()
    assert events[-1] == RunEnded(events[-1].at, complete=True)
    assert running.counts.balanced
    assert running.counts.in_flight == 0
    return running


class Batcher(Stage):
    """Collects records into full batches, and drops the last one of each: a bug."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.waiting: list[Record] = []

    def process(self, records: list[Record]) -> Iterator[Record]:
        for record in records:
            self.waiting.append(record)
            if len(self.waiting) == self.size:
                yield from self.waiting[: self.size - 1]
                self.waiting = []

    def flush(self) -> list[Record]:
        return self.waiting


@pytest.mark.parametrize("size", [2, 7, 100])
@pytest.mark.parametrize("batch_size", [None, 1, 10])
def test_a_batcher_that_drops_the_last_of_each_full_batch_is_found_out(
    new: Callable[..., Pipeline], size: int, batch_size: int | None
) -> None:
    pipeline = new(batch_size=batch_size)
    pipeline.read(numbers(1_003))
    pipeline.stage(lambda value: value, name="before")
    pipeline.stage(Batcher(size), name="batcher")
    pipeline.stage(lambda value: value, name="behind")
    pipeline.write(count())
    running = finished(start(pipeline))
    lost = range(size - 1, 1_003, size)
    ledger = running.engine.ledger
    assert running.counts.lost == len(lost)
    assert running.counts.duplicated == 0
    assert ledger.lost_ids() == [f"values/values:{n}" for n in lost]
    assert ledger.lost_at("batcher") == len(lost)
    assert ledger.lost_at("behind") == 0


class Careless(Sink):
    """Writes and acknowledges as its number of times for each value says."""

    name = "careless"

    def __init__(self, times: Callable[[int], int]) -> None:
        self.times = times
        self.rows: list[int] = []

    def write(self, ids: Ids, payloads: list[Any]) -> Iterable[Id]:
        receipt: list[Id] = []
        for id, value in zip(ids, payloads, strict=True):
            for _ in range(self.times(value)):
                self.rows.append(value)
                receipt.append(id)
        return receipt


@pytest.mark.parametrize("batch_size", [None, 1, 10])
def test_a_sink_that_writes_a_record_twice_is_found_out(
    new: Callable[..., Pipeline], batch_size: int | None
) -> None:
    sink = Careless(lambda value: 2 if value % 250 == 7 else 1)
    pipeline = new(batch_size=batch_size).read(numbers(1_000)).write(sink)
    running = finished(start(pipeline))
    assert len(sink.rows) == 1_004
    assert running.counts.duplicated == 4
    assert running.counts.delivered == 1_000
    assert running.counts.lost == 0
    twice = [f"values/values:{n}" for n in (7, 257, 507, 757)]
    assert running.engine.ledger.duplicated_ids() == twice


@pytest.mark.parametrize("batch_size", [None, 1, 10])
def test_a_sink_that_leaves_a_record_out_is_found_out(
    new: Callable[..., Pipeline], batch_size: int | None
) -> None:
    pipeline = new(batch_size=batch_size).read(numbers(1_000)).write(Careless(lambda value: value != 613))
    running = finished(start(pipeline))
    assert running.counts.lost == 1
    assert running.engine.ledger.lost_ids() == ["values/values:613"]
    assert running.engine.ledger.unwritten() == 1


class Doubling(Stage):
    """Gives every tenth record up twice: a bug."""

    def process(self, records: list[Record]) -> Iterator[Record]:
        for record in records:
            yield record
            if record.value % 10 == 0:
                yield record.replace(record.value)


def test_a_stage_that_gives_a_record_up_twice_is_found_out(new: Callable[..., Pipeline]) -> None:
    pipeline = new()
    pipeline.read(numbers(100))
    pipeline.stage(Doubling)
    pipeline.stage(lambda value: value, name="behind")
    pipeline.write(count())
    running = finished(start(pipeline))
    assert running.engine.ledger.duplicated_ids() == [f"values/values:{n}" for n in range(0, 100, 10)]


class Orphans(Stage):
    """Splits every record in three and drops the second child of each tenth: a bug."""

    def process(self, records: list[Record]) -> Iterator[Record | Dropped]:
        for record in records:
            children = record.split([record.value] * 3)
            yield children[0]
            if record.value % 10:
                yield children[1]
            yield children[2]


def test_of_a_split_record_the_child_that_is_lost_is_named(new: Callable[..., Pipeline]) -> None:
    pipeline = new()
    pipeline.read(numbers(50))
    pipeline.stage(Orphans)
    pipeline.write(count())
    running = finished(start(pipeline))
    assert running.engine.ledger.lost_ids() == [f"values/values:{n}.1" for n in range(0, 50, 10)]
    assert running.counts.delivered == 45
    assert running.engine.ledger.lost_at("Orphans") == 5


def flow(running: Running, events: list[Any], stage: str) -> tuple[int, int]:
    """What a stage cannot account for, and what it says that it still holds."""
    worked = [event for event in events if isinstance(event, StageWorked) and event.stage == stage]
    missing = sum(e.taken + e.created - e.given - e.filtered - e.rejected for e in worked)
    assert running.counts.balanced
    return missing, sum(event.held for event in worked)


class Families(Stage):
    """Does everything that may be done to a family, in several calls: all of it is legitimate."""

    def __init__(self) -> None:
        self.later: list[Record | Dropped] = []

    def process(self, records: list[Record]) -> Iterator[Record | Dropped]:
        for record in records:
            kind = record.value % 7
            children = [each for each in record.split([record.value] * 3) if isinstance(each, Record)]
            if kind == 0:  # one child at once, the others at the end
                yield children[0]
                self.later += children[1:]
            elif kind == 1:  # grandchildren, of which one is filtered
                grand = children[0].split(["a", "b"])
                assert isinstance(grand[1], Record)
                yield from (grand[0], grand[1].filtered(), children[1], children[2])
            elif kind == 2:  # the children merged again
                yield Record.merge(children, "merged")
            elif kind == 3:  # merged with what was held, and split again
                yield from Record.merge([children[0], children[1]], "two").split(["x", "y"])
                yield children[2]
            elif kind == 4:
                yield Record.merge(children, "merged").rejected("unwanted")
            elif kind == 5:
                yield Record.merge(children, "merged").filtered()
            else:
                yield from record.split([])

    def flush(self) -> list[Record | Dropped]:
        return self.later


@pytest.mark.parametrize("batch_size", [None, 1, 5])
def test_a_stage_may_split_and_merge_as_it_likes(
    new: Callable[..., Pipeline], batch_size: int | None
) -> None:
    pipeline = new(batch_size=batch_size)
    pipeline.read(numbers(70))
    pipeline.stage(Families)
    pipeline.write(count())
    running = start(pipeline)
    events = running.finish()
    counts = running.counts
    assert (counts.lost, counts.duplicated, counts.in_flight) == (0, 0, 0)
    assert (counts.delivered, counts.filtered, counts.rejected) == (40, 20, 10)
    assert flow(running, events, "Families") == (0, 0)


class Across(Stage):
    """Makes one record of the whole input."""

    def __init__(self) -> None:
        self.all: list[Record] = []

    def process(self, records: list[Record]) -> list[Record]:
        self.all += records
        return []

    def flush(self) -> list[Record]:
        return [Record.merge(self.all, sum(record.value for record in self.all))] if self.all else []


@pytest.mark.parametrize("fate", ["delivered", "rejected", "filtered"])
def test_a_merge_across_sources_settles_the_records_of_each(new: Callable[..., Pipeline], fate: str) -> None:
    def judge(value: int) -> int | None:
        if fate == "rejected":
            raise Reject("too large")
        return value if fate == "delivered" else None

    pipeline = new()
    for name in ("a", "b", "c"):
        pipeline.read(numbered(name, 100))
    pipeline.stage(Across)
    pipeline.stage(judge)
    pipeline.write(count())
    running = start(pipeline)
    events = running.finish()
    lines = dict(running.engine.ledger.partitions())
    assert len(lines) == 3
    told = [event for event in events if isinstance(event, BatchCommitted)]
    for partition, line in lines.items():
        assert getattr(line, fate) == line.read == 100
        assert sum(getattr(e, fate) for e in told if e.partition == partition) == 100
    assert sum(event.rows for event in told) == (fate == "delivered")
    assert running.counts.lost == running.counts.duplicated == 0


def numbered(name: str, how_many: int) -> Callable[[], Iterator[tuple[int, int]]]:
    def generate() -> Iterator[tuple[int, int]]:
        yield from numbers(how_many)

    generate.__name__ = name
    return generate


class Sorting(Stage):
    """Gives everything up at the end, sorted."""

    def __init__(self) -> None:
        self.all: list[Record] = []

    def process(self, records: list[Record]) -> list[Record]:
        self.all += records
        return []

    def flush(self) -> list[Record]:
        return sorted(self.all, key=lambda record: int(record.value))


def test_the_order_in_which_a_stage_gives_records_up_is_kept(new: Callable[..., Pipeline]) -> None:
    got: list[int] = []
    pipeline = new(batch_size=10)
    pipeline.read([(n, n * 7919 % 1_000) for n in range(1_000)])
    pipeline.read(numbered("other", 500))
    pipeline.stage(Sorting)
    pipeline.write(got.append)
    running = finished(start(pipeline))
    assert got == sorted([*range(1_000), *range(500)])
    assert running.counts.lost == running.counts.duplicated == 0


def test_a_sink_may_say_later_what_it_has_written(new: Callable[..., Pipeline]) -> None:
    class Buffered(Sink):
        name = "buffered"
        waiting: list[Id]

        def open(self) -> None:
            self.waiting = []

        def write(self, ids: Ids, payloads: list[Any]) -> Iterable[Id]:  # noqa: ARG002
            self.waiting += ids
            written, self.waiting = self.waiting[:-3], self.waiting[-3:]
            return written

    pipeline = new(batch_size=10).read(numbers(100)).write(Buffered())
    running = finished(start(pipeline))
    assert (running.counts.delivered, running.counts.lost) == (97, 3)
    assert running.engine.ledger.lost_ids() == [f"values/values:{n}" for n in (97, 98, 99)]


def test_a_limit_counts_records_of_all_sources_together(new: Callable[..., Pipeline]) -> None:
    pipeline = new(batch_size=7).read(numbers(1_000)).read(numbered("other", 1_000)).write(count())
    running = finished(start(pipeline, Options(limit=50)))
    assert running.counts.read == running.counts.delivered == 50
