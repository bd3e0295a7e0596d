"""Whoever looks sees what each stage was given, and what it made of it, in every shape of stage."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from pipeline import (
    ConfigurationError,
    Id,
    Ids,
    Pipeline,
    Record,
    RefusedRecords,
    Reject,
    Sink,
    Stage,
    count,
    jsonl,
)
from pipeline.clock import ManualClock
from pipeline.deterministic import DeterministicDriver
from pipeline.engine import Engine, Options
from pipeline.events import EventBus
from pipeline.tap import KEPT, Look, Tap
from tests.pipeline.running import eventually, start

Seen = list[tuple[str, str, str, str]]


class Picky(Sink):
    """Refuses 7, forgets to say that it wrote 8."""

    name = "picky"

    def write(self, ids: Ids, payloads: list[Any]) -> Iterable[Id]:
        if bad := [at for at, value in enumerate(payloads) if value == 7]:
            raise RefusedRecords(dict.fromkeys(bad, "it is seven"))
        return [id for id, value in zip(ids, payloads, strict=True) if value != 8]


@pytest.fixture
def new(tmp_path: Path) -> Callable[..., Pipeline]:
    def make(numbers: Iterable[int], **options: Any) -> Pipeline:
        pipeline = Pipeline("tapped", dead_letters=tmp_path / "letters.jsonl", **options)
        return pipeline.read([(n, n) for n in numbers])

    return make


def run(pipeline: Pipeline, *, follow: str | None = None, on: bool = False) -> list[Look]:
    clock = ManualClock()
    engine = Engine(pipeline, Options(), clock, EventBus())
    if follow is not None:
        engine.tap.follow(follow)
    engine.tap.switch(on)
    DeterministicDriver(engine, clock, seed=1).run()
    return list(engine.tap.samples())


def follow(pipeline: Pipeline, id: str) -> Seen:
    looks = run_all(pipeline, id)
    return [(look.id, look.stage, f"{look.before} > {look.after}", look.outcome) for look in looks]


def run_all(pipeline: Pipeline, id: str) -> list[Look]:
    looks = run(pipeline, follow=id)
    assert all(look.followed for look in looks)
    return looks


def test_off_it_keeps_nothing(new: Callable[..., Pipeline]) -> None:
    pipeline = new(range(100))
    pipeline.stage(lambda n: n, name="same")
    pipeline.write(count())
    assert run(pipeline) == []


@pytest.mark.parametrize("chain", [True, False])
def test_a_record_is_followed_through_functions(new: Callable[..., Pipeline], chain: bool) -> None:
    pipeline = new(range(2_000), chain=chain)
    pipeline.stage(lambda n: {"n": n}, name="wrap")
    pipeline.stage(lambda d: d["n"] * 10, name="unwrap")
    pipeline.write(Picky())
    assert follow(pipeline, "values/values:1234") == [
        ("values/values:1234", "ingestion", "1234 > 1234", "given"),
        ("values/values:1234", "wrap", "1234 > {'n': 1234}", "given"),
        ("values/values:1234", "unwrap", "{'n': 1234} > 12340", "given"),
        ("values/values:1234", "output", "12340 > written to picky", "given"),
    ]


def test_what_a_stage_does_to_the_value_it_was_given_is_not_shown_as_before(
    new: Callable[..., Pipeline],
) -> None:
    def grow(value: dict[str, int]) -> dict[str, int]:
        value["n"] += 1
        return value

    pipeline = new([])
    pipeline.sources.clear()
    pipeline.read([(0, {"n": 1})])
    pipeline.stage(grow)
    pipeline.write(Picky())
    assert follow(pipeline, "values/values:0")[1][2] == "{'n': 1} > {'n': 2}"


@pytest.mark.parametrize("batch", [True, False])
@pytest.mark.parametrize("chain", [True, False])
def test_what_becomes_of_a_record_is_told(new: Callable[..., Pipeline], chain: bool, batch: bool) -> None:
    def one(n: int) -> Any:
        if n == 1:
            raise Reject("it is one")
        if n == 2:
            return None
        if n == 3:
            return [30, 31]
        if n == 4:
            raise ValueError("four")
        return n

    def each(values: list[int]) -> list[Any]:
        outcomes = []
        for n in values:
            try:
                outcomes.append(one(n))
            except Reject as error:
                outcomes.append(error)
        return outcomes

    def last(id: str) -> tuple[str, ...]:
        pipeline = new(range(10), chain=chain)
        pipeline.stage(each if batch else one, name="sort", batch=batch)
        pipeline.write(Picky())
        return tuple(f"{look.stage} {look.after} {look.outcome}" for look in run_all(pipeline, id)[1:])

    assert last("values/values:1") == ("sort it is one rejected",)
    assert last("values/values:2") == ("sort  filtered",)
    assert last("values/values:4") == ("sort ValueError: four rejected",)
    assert last("values/values:3") == (
        "sort [30, 31] given",
        "output written to picky given",
        "output written to picky given",
    )
    assert last("values/values:3.1")[0] == "sort [30, 31] given"
    assert last("values/values:7") == ("sort 7 given", "output it is seven rejected")
    assert last("values/values:8") == ("sort 8 given", "output picky did not say that it wrote it held")


class Pairs(Stage):
    """Merges two into one; the last may stay alone."""

    def __init__(self) -> None:
        self.held: list[Record] = []

    def process(self, records: list[Record]) -> Iterator[Record]:
        for record in records:
            self.held.append(record)
            if len(self.held) == 2:
                yield self.flush()[0]

    def flush(self) -> list[Record]:
        held, self.held = self.held, []
        return [Record.merge(held, [record.value for record in held])] if held else []


def test_a_record_is_followed_into_a_memory_and_out_of_it(new: Callable[..., Pipeline]) -> None:
    pipeline = new(range(5), batch_size=1)
    pipeline.stage(Pairs)
    pipeline.stage(sum, name="sum")
    pipeline.write(Picky())
    id = "values/values:2"
    assert follow(pipeline, id)[1:] == [
        (id, "Pairs", "2 > ", "held"),
        (id, "Pairs", "2 > merged into values/values:3", "given"),
        ("values/values:3", "sum", "[2, 3] > 5", "given"),
        ("values/values:3", "output", "5 > written to picky", "given"),
    ]
    pipeline = new(range(5), batch_size=1)
    pipeline.stage(Pairs)
    pipeline.write(Picky())
    id = "values/values:4"
    assert follow(pipeline, id)[1:] == [
        (id, "Pairs", "4 > ", "held"),
        (id, "Pairs", "4 > [4]", "given"),
        (id, "output", "[4] > written to picky", "given"),
    ]


def test_what_a_sink_encodes_is_shown_at_the_output(new: Callable[..., Pipeline], tmp_path: Path) -> None:
    for chain in (True, False):
        pipeline = new(range(300), chain=chain)
        pipeline.stage(lambda n: {"n": n}, name="wrap")
        pipeline.stage(lambda batch: batch, name="batch", batch=True)
        pipeline.write(jsonl(tmp_path / "out.jsonl"))
        out = follow(pipeline, "values/values:17")[-1]
        assert out[1] == "output"
        assert out[2].startswith("{'n': 17} > written to ")


def test_samples_are_few_bounded_and_of_every_stage(new: Callable[..., Pipeline]) -> None:
    pipeline = new(range(50_000), batch_size=10)
    pipeline.stage(lambda n: n + 1, name="first")
    pipeline.stage(lambda batch: batch, name="second", batch=True)
    pipeline.stage(Pairs)
    pipeline.write(Picky())
    looks = run(pipeline, on=True)
    assert {look.stage for look in looks} == {"ingestion", "first", "second", "Pairs", "output"}
    assert 20 <= len(looks) <= KEPT
    assert not any(look.followed for look in looks)
    of_first = [look for look in looks if look.stage == "first"]
    assert all(int(look.after) == int(look.before) + 1 for look in of_first)
    assert all(b.at - a.at >= 0.25 for a, b in pairwise(of_first))


def test_a_record_that_is_stepped_by_hand_is_followed(new: Callable[..., Pipeline]) -> None:
    pipeline = new(range(3), batch_size=3, chain=False)
    pipeline.stage(lambda n: n * 2, name="double")
    pipeline.write(Picky())
    clock = ManualClock()
    engine = Engine(pipeline, Options(), clock, EventBus())
    engine.tap.follow("values/values:1")
    driver = DeterministicDriver(engine, clock, seed=1)
    stages: list[str] = []

    def step(_: object) -> None:
        engine.step_record()
        now = [look.stage for look in engine.tap.samples()]
        if now != stages:
            assert len(now) == len(stages) + 1
            stages[:] = now
        if len(stages) == 3:
            engine.resume()

    driver.run(step)
    assert [look.stage for look in engine.tap.samples()] == ["ingestion", "double", "output"]


def test_it_may_be_switched_while_a_run_goes_on(new: Callable[..., Pipeline]) -> None:
    pipeline = new(range(200_000), batch_size=50)
    pipeline.stage(lambda n: n + 1, name="add", workers=2)
    pipeline.write(count())
    running = start(pipeline)
    tap = running.engine.tap
    for number in range(30):
        tap.switch(number % 2 == 0)
        tap.follow(f"values/values:{number * 1_000}" if number % 3 else None)
        tap.samples()
    tap.switch(True)
    eventually(lambda: running.driver.finished.is_set() or len(tap.samples()) > 2)
    running.finish()
    assert running.counts.lost == running.counts.duplicated == 0
    tap.switch(False)
    tap.follow(None)
    assert not tap.on
    assert tap.samples() == ()


@pytest.mark.parametrize("id", ["", "a", "a/b", "a:1", "a/b:x", "a/b:-1", "a/b:1.", "a/b:1.x"])
def test_what_is_no_id_is_refused(id: str) -> None:
    with pytest.raises(ConfigurationError, match="SOURCE/PARTITION:OFFSET"):
        Tap(ManualClock()).follow(id)
