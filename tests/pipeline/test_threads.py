"""What holds under the deterministic driver holds under real threads."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline import Pipeline, count, function
from pipeline.events import StageWorked
from tests.pipeline.plans import ReadLog, make_plan
from tests.pipeline.running import DEADLINE_S, Running, start
from tests.pipeline.verdict import Ran, check


def steer(running: Running, chance: random.Random) -> list[str]:
    """Do this and that until the run is over; what was done."""
    engine = running.engine
    did: list[str] = []
    deadline = time.monotonic() + DEADLINE_S
    while not running.driver.finished.is_set():
        assert time.monotonic() < deadline
        counts = running.counts
        assert counts.balanced
        assert counts.in_flight >= 0
        name = chance.choice(["pause", "step_record", "step_batch", "resume", "resume", "wait", "wait"])
        if chance.random() < 0.01:
            name = "drain"
        if name != "wait":
            getattr(engine, name)()
            did.append(name)
        time.sleep(chance.random() * 0.004)
    return did


@pytest.mark.parametrize("seed", range(60))
def test_any_pipeline_delivers_what_plain_python_says(seed: int, tmp_path: Path) -> None:
    plan = replace(make_plan(random.Random(seed).randint, records=60), jitter=True)
    pipeline, sink = plan.build(tmp_path / "letters.jsonl")
    reads = ReadLog()
    running = start(pipeline, plan.options, lambda engine: reads.listen(engine.ledger))
    did = steer(running, random.Random(seed)) if seed % 2 else []
    events = running.finish()
    assert running.driver.abandoned == ()
    check(plan, Ran(running.engine, sink, reads, events, did))


@pytest.mark.parametrize("batch", [True, False])
def test_order_is_kept_though_later_batches_are_ready_first(batch: bool, tmp_path: Path) -> None:
    overtaken = threading.Event()
    behind: set[int] = set()

    def uneven(value: int) -> int:
        if value == 0:
            assert overtaken.wait(DEADLINE_S)
        behind.add(value)
        if len(behind) >= 20:
            overtaken.set()
        return value

    got: list[int] = []
    pipeline = Pipeline("ordered", batch_size=5, dead_letters=tmp_path / "letters.jsonl")
    pipeline.read([(n, n) for n in range(200)])
    if batch:
        pipeline.stage(lambda values: list(map(uneven, values)), name="uneven", batch=True, workers=3)
    else:
        pipeline.stage(uneven, workers=3)
    pipeline.write(function(got.append, name="got"))
    start(pipeline).finish()
    assert got == list(range(200))


def test_unordered_batches_go_on_as_they_are_ready(tmp_path: Path) -> None:
    overtaken = threading.Event()
    got: list[int] = []

    def uneven(value: int) -> int:
        if value == 0:
            assert overtaken.wait(DEADLINE_S), "nothing went past the first batch"
        return value

    def keep(value: int) -> None:
        got.append(value)
        if len(got) > 50:
            overtaken.set()

    pipeline = Pipeline("unordered", batch_size=5, dead_letters=tmp_path / "letters.jsonl")
    pipeline.read([(n, n) for n in range(200)])
    pipeline.stage(uneven, workers=3, ordered=False)
    pipeline.write(function(keep))
    running = start(pipeline)
    running.finish()
    assert sorted(got) == list(range(200))
    assert got != sorted(got)
    assert running.counts.balanced


def test_the_last_partial_batch_does_not_wait_for_company(tmp_path: Path) -> None:
    enough = threading.Event()
    got: list[int] = []

    def slow() -> Iterator[tuple[int, int]]:
        yield from ((n, n) for n in range(7))
        assert enough.wait(DEADLINE_S), "what was read is held up by what was not"

    def keep(value: int) -> None:
        got.append(value)
        if len(got) == 7:
            enough.set()

    pipeline = Pipeline("lingering", batch_size=5, dead_letters=tmp_path / "letters.jsonl")
    pipeline.read(slow)
    pipeline.write(function(keep))
    start(pipeline).finish()
    assert got == list(range(7))


@pytest.mark.parametrize("chain", [True, False])
def test_the_times_of_a_worker_add_up_to_the_time_there_was(tmp_path: Path, chain: bool) -> None:
    pipeline = Pipeline("timed", batch_size=50, chain=chain, dead_letters=tmp_path / "letters.jsonl")
    pipeline.read([(n, n) for n in range(4_000)])
    pipeline.stage(lambda value: value + 1, name="first")
    pipeline.stage(lambda value: value + 1, name="second")
    pipeline.stage(lambda value: value, name="third", workers=2)
    pipeline.write(count())
    running = start(pipeline)
    first: dict[tuple[str, int], float] = {}
    total: dict[tuple[str, int], float] = {}
    last: dict[tuple[str, int], float] = {}
    for event in running.finish():
        if isinstance(event, StageWorked):
            who = (event.stage, event.worker)
            spent = event.busy_s + event.idle_s + event.blocked_s
            assert min(event.busy_s, event.idle_s, event.blocked_s) >= 0
            if who not in first:
                first[who] = event.at  # the first one reaches back to when its worker was made
            else:
                total[who] = total.get(who, 0.0) + spent
            last[who] = event.at
    for who, spent in total.items():
        assert spent == pytest.approx(last[who] - first[who], rel=0.02, abs=0.002), who
    assert {stage for stage, _ in total} == {"ingestion", "first", "second", "third", "output"}
