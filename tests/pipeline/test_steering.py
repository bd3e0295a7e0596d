"""Pause, step, drain and abort, under real threads: they do what they say, at any moment, and never hang."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from pipeline import Id, Ids, Pipeline, Record, Sink, Stage, csv, generated, jsonl, sqlite, threads
from pipeline import count as counting
from pipeline.events import RunEnded
from tests.pipeline.running import DEADLINE_S, Running, eventually, start


@pytest.fixture
def new(tmp_path: Path) -> Callable[..., Pipeline]:
    def make(**options: Any) -> Pipeline:
        return Pipeline("steered", dead_letters=tmp_path / "letters.jsonl", **options)

    return make


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Held shut by a test, and opened behind it, so that no thread is left waiting."""
    event = threading.Event()
    yield event
    event.set()


class Slowly(Stage):
    """Holds a few records back."""

    def __init__(self) -> None:
        self.held: list[Record] = []

    def process(self, records: list[Record]) -> list[Record]:
        self.held += records
        given, self.held = self.held[:-5], self.held[-5:]
        return given

    def flush(self) -> list[Record]:
        return self.held


def endless(new: Callable[..., Pipeline]) -> Pipeline:
    pipeline = new(batch_size=16, queue_records=64)
    pipeline.read(generated("orders", records=None))
    pipeline.read(lambda: ((n, {"n": n}) for n in count()), schema=None)
    pipeline.stage(lambda order: order, name="first")
    pipeline.stage(lambda order: order if len(order) % 5 else None, name="second", workers=2)
    pipeline.stage(Slowly)
    pipeline.write(counting())
    return pipeline


def test_pause_holds_everything_and_resume_lets_it_go_on(new: Callable[..., Pipeline]) -> None:
    running = start(endless(new))
    eventually(lambda: running.counts.delivered > 100)
    for _ in range(3):
        running.engine.pause()
        running.quiet()
        before = running.position()
        time.sleep(0.3)
        assert running.position() == before
        running.engine.resume()
        eventually(lambda: running.counts.delivered > before[-1].delivered)  # type: ignore[attr-defined] # noqa: B023
    running.engine.drain()
    running.finish()
    assert running.counts.lost == running.counts.in_flight == 0


def _moves(running: Running, act: Callable[[], bool]) -> tuple[int, ...]:
    """How many records passed each end of each queue, and were settled, by one step."""

    def now() -> list[int]:
        ends = [n for hop in running.engine.hops for n in (hop.queue.put_records, hop.queue.taken_records)]
        return [*ends, running.counts.delivered]

    running.quiet()
    before = now()
    assert act()
    eventually(lambda: now() != before)
    running.quiet()
    return tuple(b - a for a, b in zip(before, now(), strict=True))


def _one_hop(moves: tuple[int, ...]) -> int:
    """The number of records that moved, all of them over one hop."""
    size = max(moves)
    at = moves.index(size)
    # Read is put into a queue; a stage takes and puts; the sink takes and settles.
    assert moves in {
        tuple(size if place in places else 0 for place in range(len(moves)))
        for places in ([at], [at, at + 1])
    }
    return size


def _stepping(new: Callable[..., Pipeline], *, chain: bool = False) -> Running:
    pipeline = new(batch_size=4, chain=chain)
    pipeline.read([(n, n) for n in range(12)])
    pipeline.stage(lambda value: value + 1, name="first")
    pipeline.stage(lambda value: value + 1, name="second")
    pipeline.write(counting())
    running = start_paused(pipeline)
    running.quiet()
    return running


def start_paused(pipeline: Pipeline) -> Running:
    """Start a run that does not move: a gate in its source keeps it until it is paused."""
    shut = threading.Event()
    source = pipeline.sources[0].source
    read = source.read

    def held(*given: Any) -> Iterator[Any]:
        shut.wait(DEADLINE_S)
        yield from read(*given)

    source.read = held  # type: ignore[method-assign, assignment]
    running = start(pipeline)
    running.engine.pause()
    shut.set()
    running.quiet()
    return running


@pytest.mark.parametrize("chain", [True, False])
def test_step_record_moves_one_record_over_one_hop(new: Callable[..., Pipeline], chain: bool) -> None:
    running = _stepping(new, chain=chain)
    start_from = running.counts.delivered
    for _ in range(20):
        assert _one_hop(_moves(running, running.engine.step_record)) == 1
    assert running.counts.delivered > start_from
    running.engine.resume()
    running.finish()
    assert running.counts.delivered == 12


@pytest.mark.parametrize("chain", [True, False])
def test_step_batch_moves_one_batch_over_one_hop(new: Callable[..., Pipeline], chain: bool) -> None:
    running = _stepping(new, chain=chain)
    sizes = [_one_hop(_moves(running, running.engine.step_batch)) for _ in range(8)]
    assert set(sizes) == {4}
    running.engine.drain()
    running.finish()
    assert running.counts.lost == 0


SINKS: dict[str, Callable[[Path], Sink]] = {
    "jsonl": lambda folder: jsonl(folder / "out.jsonl"),
    "csv": lambda folder: csv(folder / "out.csv"),
    "sqlite": lambda folder: sqlite(folder / "out.db"),
}


@pytest.mark.parametrize("kind", SINKS)
def test_step_record_moves_one_record_also_into_a_sink_that_was_given_it_encoded(
    new: Callable[..., Pipeline], kind: str, tmp_path: Path
) -> None:
    pipeline = new(batch_size=4)
    pipeline.read([(n, {"n": n}) for n in range(8)])
    pipeline.stage(lambda value: value, name="same")
    pipeline.write(SINKS[kind](tmp_path))
    running = start_paused(pipeline)
    running.quiet()
    delivered = [running.counts.delivered]
    while running.counts.delivered < 4:
        # Whole batches, until one waits for the sink.
        waits = running.engine.hops[-1].queue.records > 0
        _moves(running, running.engine.step_record if waits else running.engine.step_batch)
        delivered.append(running.counts.delivered)
    assert delivered[-5:] == [0, 1, 2, 3, 4]
    running.engine.resume()
    running.finish()
    assert running.counts.delivered == 8
    if kind == "jsonl":
        assert (tmp_path / "out.jsonl").read_text() == "".join(f'{{"n":{n}}}\n' for n in range(8))


def test_steps_that_are_asked_for_in_haste_are_all_made(new: Callable[..., Pipeline]) -> None:
    running = _stepping(new)
    hops = running.engine.hops

    def steps() -> int:
        return hops[0].queue.put_records + sum(hop.queue.taken_records for hop in hops)

    before = steps()
    for _ in range(7):
        running.engine.step_record()
    eventually(lambda: steps() - before == 7)
    running.quiet()
    assert steps() - before == 7
    running.engine.drain()
    running.finish()
    assert running.counts.balanced


@pytest.mark.parametrize("chain", [True, False])
@pytest.mark.parametrize("unit", ["record", "batch"])
def test_a_run_can_be_stepped_to_its_end(new: Callable[..., Pipeline], unit: str, chain: bool) -> None:
    running = _stepping(new, chain=chain)
    step = running.engine.step_record if unit == "record" else running.engine.step_batch
    deadline = time.monotonic() + DEADLINE_S
    while not running.driver.finished.is_set():
        assert time.monotonic() < deadline
        step()
        time.sleep(0.001)
    running.finish()
    assert running.counts.delivered == 12


def test_a_drain_ends_a_run_that_was_paused(new: Callable[..., Pipeline]) -> None:
    running = start(endless(new))
    eventually(lambda: running.counts.delivered > 50)
    running.engine.pause()
    running.quiet()
    running.engine.drain()
    events = running.finish()
    assert events[-1] == RunEnded(events[-1].at, complete=True)
    assert running.counts.lost == running.counts.in_flight == 0


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("way", ["drain", "abort", "both"])
def test_it_can_be_ended_at_any_moment(new: Callable[..., Pipeline], way: str, seed: int) -> None:
    chance = random.Random(seed)
    running = start(endless(new))
    time.sleep(chance.random() * 0.1)
    if chance.random() < 0.3:
        running.engine.pause()
    if way != "abort":
        running.engine.drain()
    if way == "both":
        time.sleep(chance.random() * 0.02)
    if way != "drain":
        running.engine.abort()
    # What is asked of a run that is over changes nothing.
    events = running.finish()
    ended = next(event for event in events if isinstance(event, RunEnded))
    counts = running.counts
    assert counts.balanced
    assert counts.lost == counts.duplicated == 0
    assert running.driver.abandoned == ()
    if way == "drain":
        assert ended.complete
        assert counts.in_flight == 0


@pytest.mark.parametrize("way", ["drain", "abort"])
def test_a_source_that_waits_for_ever_holds_nobody_up(
    new: Callable[..., Pipeline], gate: threading.Event, way: str
) -> None:
    def stuck() -> Iterator[tuple[int, int]]:
        yield from ((n, n) for n in range(10))
        gate.wait()

    pipeline = new()
    pipeline.read(stuck)
    pipeline.write(counting())
    running = start(pipeline)
    eventually(lambda: running.counts.delivered == 10)
    (running.engine.drain if way == "drain" else running.engine.abort)()
    events = running.finish()
    assert running.driver.abandoned == ()
    assert events[-1] == RunEnded(events[-1].at, complete=way == "drain")
    assert running.counts.read == running.counts.delivered == 10


class Stuck(Sink):
    """Never comes back from its first write."""

    name = "stuck"

    def __init__(self, gate: threading.Event) -> None:
        self.gate = gate
        self.writing = threading.Event()

    def write(self, ids: Ids, payloads: list[Any]) -> Iterable[Id]:  # noqa: ARG002
        self.writing.set()
        self.gate.wait()
        return ids


@pytest.mark.parametrize("where", ["stage", "sink"])
def test_what_hangs_is_left_behind_by_an_abort_and_named(
    new: Callable[..., Pipeline], gate: threading.Event, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "STOP_S", 0.5)
    entered = threading.Event()

    def hangs(value: int) -> int:
        entered.set()
        gate.wait()
        return value

    sink = Stuck(gate)
    pipeline = new()
    pipeline.read([(n, n) for n in range(10)])
    pipeline.stage(hangs if where == "stage" else lambda value: value, name="stage")
    pipeline.write(sink if where == "sink" else counting())
    running = start(pipeline)
    eventually((sink.writing if where == "sink" else entered).is_set)
    running.engine.abort()
    running.finish()
    assert running.driver.abandoned == (("output",) if where == "sink" else ("ingestion 0",))
    assert running.counts.balanced
    assert running.counts.in_flight == 10


def test_a_second_thought_about_draining_is_an_abort(
    new: Callable[..., Pipeline], gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "STOP_S", 0.5)
    sink = Stuck(gate)
    pipeline = new()
    pipeline.read(lambda: ((n, n) for n in count()))
    pipeline.write(sink)
    running = start(pipeline)
    eventually(sink.writing.is_set)
    running.engine.drain()
    assert not running.driver.wait(0.3)
    running.engine.abort()
    running.finish()
    assert running.driver.abandoned == ("output",)


def test_records_are_written_though_the_source_has_paused_for_thought(
    new: Callable[..., Pipeline], gate: threading.Event, tmp_path: Path
) -> None:
    def thoughtful() -> Iterator[tuple[int, dict[str, int]]]:
        yield from ((n, {"n": n}) for n in range(3))
        gate.wait()

    out = tmp_path / "out.jsonl"
    pipeline = new()
    pipeline.read(thoughtful)
    pipeline.stage(lambda value: value, name="stage")
    pipeline.write(jsonl(out))
    running = start(pipeline)
    eventually(lambda: out.exists() and out.read_text().count("\n") == 3)
    running.engine.abort()
    running.finish()
