"""Containers that a pipeline asks to be watched, and threads that say what they do."""

from __future__ import annotations

import functools
import gc
import itertools
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pipeline import Chunk, ConfigurationError, Ids, PartitionSpec, Pipeline, Record, Source, Stage, count
from pipeline.watched import WatchedCache
from tests.pipeline.running import DEADLINE_S, Running, eventually, start


class Held(dict[int, int]):
    """Unlike a plain dict, it can be referred to weakly."""


@dataclass(frozen=True)
class Remembering(Stage):
    """Frozen, and yet it can say what it holds."""

    seen: dict[int, int] = field(default_factory=dict)

    def open(self) -> None:
        self.watch_cache(self.seen, "seen")

    def process(self, records: list[Record]) -> list[Record]:
        for record in records:
            self.seen[record.value] = 1
        return records


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    pipeline = Pipeline("watched", dead_letters=tmp_path / "letters.jsonl")
    pipeline.read([(n, n) for n in range(100)])
    return pipeline


def by_name(pipeline: Pipeline) -> dict[tuple[str | None, str], WatchedCache]:
    return {(each.stage, each.name): each for each in pipeline.watched}


def test_a_container_is_known_by_name_and_stage(pipeline: Pipeline) -> None:
    first, second = {1: 1}, {1: 1, 2: 2}
    pipeline.watch_cache(first, "cache", stage="enrich")
    pipeline.watch_cache([1], "cache")
    pipeline.watch_cache(second, "cache", stage="enrich")
    known = by_name(pipeline)
    assert len(pipeline.watched) == 2
    assert known["enrich", "cache"].ref() is second
    assert known["enrich", "cache"].length() == 2
    assert known[None, "cache"].length() == 1


def test_what_is_gone_is_not_kept_alive(pipeline: Pipeline) -> None:
    held = Held({1: 1})
    pipeline.watch_cache(held, "held")
    watched = pipeline.watched[0]
    assert watched.length() == 1
    del held
    gc.collect()
    assert watched.ref() is None
    assert watched.length() is None


def test_a_function_that_remembers_is_a_cache_too(pipeline: Pipeline) -> None:
    @functools.lru_cache(maxsize=10)
    def double(n: int) -> int:
        return 2 * n

    pipeline.watch_cache(double, "double")
    for n in range(30):
        double(n)
    assert pipeline.watched[0].length() == 10


@pytest.mark.parametrize("held", [None, 1, object(), len, dict])
def test_what_has_no_length_is_refused(pipeline: Pipeline, held: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"'it'.*no length"):
        pipeline.watch_cache(held, "it")


@pytest.mark.parametrize("name", ["", " ", None, 1])
def test_it_needs_a_name(pipeline: Pipeline, name: Any) -> None:
    with pytest.raises(ConfigurationError, match="name"):
        pipeline.watch_cache({}, name)


def test_a_stage_with_a_memory_tells_what_it_holds(pipeline: Pipeline) -> None:
    pipeline.stage(Remembering, name="remember")
    pipeline.write(count())
    start(pipeline).finish()
    assert by_name(pipeline)["remember", "seen"].length() == 100


def test_a_stage_may_be_used_on_its_own() -> None:
    Remembering().open()


def states(running: Running) -> dict[str, str | None]:
    return {fact.stages[-1]: fact.doing for fact in running.driver.threads()}


def test_threads_say_what_they_work_for_and_do(pipeline: Pipeline) -> None:
    shut, inside = threading.Event(), threading.Event()

    def wait(n: int) -> int:
        inside.set()
        shut.wait(DEADLINE_S)
        return n

    pipeline.chain = False
    pipeline.batch_size = 1
    pipeline.queue_records = 2
    pipeline.stage(wait)
    pipeline.write(count())
    running = start(pipeline)
    try:
        assert inside.wait(DEADLINE_S)
        eventually(lambda: states(running) == {"ingestion": "blocked", "wait": "busy", "output": "idle"})
        facts = running.driver.threads()
        alive = {(thread.ident, thread.native_id) for thread in threading.enumerate()}
        assert {(fact.ident, fact.native_id) for fact in facts} <= alive
        assert [fact.stage for fact in facts] == [fact.stages[-1] for fact in facts]
        running.engine.pause()
        assert states(running) == {"ingestion": "paused", "wait": "busy", "output": "paused"}
    finally:
        shut.set()
    running.engine.resume()
    running.finish()
    eventually(lambda: running.driver.threads() == [])


class Endless(Source):
    """May wait for somebody else, so that it is read in a thread of its own."""

    name = "endless"
    blocking = True

    def partitions(self) -> list[PartitionSpec]:
        return [PartitionSpec("all")]

    def read(self, partition: str, start: int, schema: type | None) -> Iterator[Chunk]:  # noqa: ARG002
        for offset in itertools.count(start):
            yield Chunk(Ids.span(offset, offset + 1), [offset], 1, iter)


def test_a_thread_that_reads_ahead_is_among_them(tmp_path: Path) -> None:
    pipeline = Pipeline("watched", dead_letters=tmp_path / "letters.jsonl")
    pipeline.read(Endless())
    pipeline.write(count())
    running = start(pipeline)
    eventually(lambda: any(fact.name == "pump endless/all" for fact in running.driver.threads()))
    running.engine.drain()
    running.finish()
