from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest

from metrics.anomalies import KEPT, Watch
from metrics.snapshot import Anomaly, Latency, Phase, QueueState, Recent, Snapshot, SourceState
from metrics.verdict import exit_code, judge
from pipeline.events import RunStarted
from tests.metrics.made import DEMO_STAGES, RESOURCES, Bench, FakeBooks, records, snapshot, stage

TICKS = 5
"""Snapshots a second."""


@dataclass(frozen=True)
class Moment:
    """What a second of a run is like: latencies in milliseconds."""

    rate: float = 100.0
    latency: float = 5.0
    stage_latency: float = 1.0
    slow: tuple[str, ...] = ()
    slow_latency: float = 1.0
    fill: float = 0.0
    in_flight: int = 0
    waits: float = 0.0
    cpu: float = 0.2
    limit: float | None = None
    phase: Phase = "running"
    ended: int = 0
    lost: int = 0
    offset: float = 0.0
    capacity: int = 100


def seen(at: float, moment: Moment, source: random.Random) -> Snapshot:
    def near(value: float) -> float:
        return value * source.lognormvariate(0.0, 0.1)

    def times(value: float) -> Latency:
        ms = near(value)
        return Latency(100, ms, ms, ms, ms, ms)

    taken = round(near(moment.rate) * 10)
    run = records(read=10_000 + moment.in_flight + moment.lost, delivered=10_000, in_flight=moment.in_flight)
    base = snapshot(run=replace(run, lost=moment.lost, lost_ids=("a:1",) * moment.lost), elapsed_s=at)
    stages = [
        replace(
            stage(name, queue=QueueState(0, moment.capacity, 0, 0, fill=moment.fill)),
            recent=Recent(
                10.0,
                taken,
                0,
                times(moment.slow_latency if name in moment.slow else moment.stage_latency),
                near(0.1),
                0.8,
                0.0,
            ),
        )
        for name in DEMO_STAGES
    ]
    sources = [SourceState("s", str(at), 1, 1, 0, 0, 0, 0, None, at < moment.ended, None) for at in range(3)]
    return replace(
        base,
        phase=moment.phase,
        stages=tuple(stages),
        sources=tuple(sources),
        recent=Recent(10.0, taken, 0, times(moment.latency)),
        rate_limit=moment.limit,
        resources=replace(
            RESOURCES, run_wait=moment.waits, clock_offset_s=moment.offset, cpu=near(moment.cpu)
        ),
    )


def run(
    at: Callable[[float], Moment], seconds: int, watch: Watch | None = None, seed: int = 0
) -> Iterator[Snapshot]:
    """The snapshots of a run, with what the watch found by then."""
    watch, source = watch or Watch(), random.Random(seed)
    for tick in range(seconds * TICKS):
        now = tick / TICKS
        state = seen(now, at(now), source)
        yield judge(replace(state, anomalies=watch.look(state)))


def last(at: Callable[[float], Moment], seconds: int) -> Snapshot:
    *_, state = run(at, seconds)
    return state


def between(begin: float, end: float, usual: Moment, other: Moment) -> Callable[[float], Moment]:
    return lambda at: other if begin <= at < end else usual


USUAL = Moment()
SLOW = Moment(latency=500.0, slow=("transform",), slow_latency=400.0, in_flight=50)


@pytest.mark.parametrize("seed", range(3))
def test_half_an_hour_of_a_sound_run_gives_not_one_anomaly(seed: int) -> None:
    source = random.Random(seed)
    hiccups = {source.randrange(1800) for _ in range(20)}

    def at(now: float) -> Moment:
        # Now and then the machine is busy with something else for a moment.
        return Moment(latency=70.0, stage_latency=20.0) if int(now) in hiccups else USUAL

    *_, state = run(at, 1800, seed=seed)
    assert state.anomalies == ()
    assert state.status == "healthy"


def test_a_stage_that_becomes_slow_is_found_with_when_and_how_much_and_degrades_the_run() -> None:
    state = last(between(120, 999, USUAL, SLOW), 180)
    whole, found = sorted(state.anomalies, key=lambda each: each.metric)
    assert (found.metric, found.stage, found.kind) == ("pipeline.stage.latency", "transform", "step")
    assert 118 <= found.at_s <= 122
    assert found.value > 300
    assert found.expected[0] is None
    assert 1 < (found.expected[1] or 0) < 60
    assert (found.severity, found.ended_s) == ("warning", None)
    assert found.text.startswith("transform: latency ")
    assert (whole.metric, whole.stage, whole.severity) == ("pipeline.record.latency", None, "critical")
    assert state.status == "degraded"
    assert state.reasons == (f"out of the ordinary: {whole.text}",)
    assert exit_code(state) == 4


def test_it_ends_when_it_ends_and_a_bad_minute_long_ago_does_not_degrade() -> None:
    usual = between(120, 180, USUAL, SLOW)
    states = list(run(usual, 720))
    (found,) = (each for each in states[-1].anomalies if each.severity == "critical")
    assert 180 <= (found.ended_s or 0) <= 195
    assert states[170 * TICKS].status == "degraded"
    assert states[200 * TICKS].status == "degraded", "a third of the run was bad"
    assert states[-1].status == "healthy"


def test_what_lasts_for_some_seconds_is_none() -> None:
    assert last(between(120, 130, USUAL, replace(SLOW, latency=90.0)), 200).anomalies == ()


def test_stages_that_are_slow_together_are_one_anomaly_of_the_slowest() -> None:
    slow = replace(SLOW, latency=5.0, slow=("validation", "transform"))
    (found,) = last(between(120, 999, USUAL, slow), 200).anomalies
    assert found.stage in ("validation", "transform")
    assert {"validation", "transform"} <= set(
        found.text.replace("(", " ").replace(")", " ").replace(":", " ").split()
    )


@pytest.mark.parametrize("phase", ["running", "paused"])
def test_what_the_user_changed_is_no_anomaly(phase: Phase) -> None:
    def at(now: float) -> Moment:
        if now < 120:
            return USUAL
        if phase == "paused" and now < 140:
            return replace(USUAL, phase="paused")
        return replace(
            USUAL, rate=20.0, latency=900.0, in_flight=9, limit=20.0 if phase == "running" else None
        )

    assert last(at, 400).anomalies == ()


def test_what_changes_where_an_input_ends_is_learned() -> None:
    after = replace(USUAL, rate=30.0, ended=1, in_flight=9)
    assert last(lambda now: USUAL if now < 120 else after, 400).anomalies == ()
    no_end = replace(after, ended=0)
    assert last(lambda now: USUAL if now < 120 else no_end, 400).anomalies != ()


def test_what_other_programs_do_to_the_run_is_not_its_fault_unless_they_cannot_explain_it() -> None:
    crowded = Moment(latency=500.0, slow=("transform",), slow_latency=12.0, waits=2.0)
    assert last(between(120, 999, USUAL, crowded), 700).anomalies == ()

    def at(now: float) -> Moment:
        return USUAL if now < 120 else crowded if now < 700 else replace(crowded, latency=9000.0)

    assert [found.metric for found in last(at, 760).anomalies] == ["pipeline.record.latency"]
    dead = replace(crowded, latency=9000.0, in_flight=50)
    (found,) = last(between(120, 999, USUAL, dead), 200).anomalies
    assert (found.metric, found.severity) == ("pipeline.record.latency", "critical")


def test_a_run_that_waits_for_its_own_threads_is_watched() -> None:
    slow = replace(SLOW, waits=2.0, cpu=1.8)
    assert last(between(120, 999, USUAL, slow), 200).status == "degraded"


@pytest.mark.parametrize(("in_flight", "severity"), [(0, "warning"), (40, "critical")])
def test_a_low_rate_is_grave_only_where_something_waits(in_flight: int, severity: str) -> None:
    slow = replace(USUAL, rate=10.0, in_flight=in_flight)
    rates = [
        found
        for found in last(between(120, 999, USUAL, slow), 200).anomalies
        if found.metric == "pipeline.records.rate"
    ]
    assert [found.severity for found in rates] == [severity]


def test_what_must_hold_is_checked_at_once() -> None:
    state = last(between(5, 999, USUAL, replace(USUAL, lost=2)), 6)
    (found,) = state.anomalies
    assert (found.kind, found.severity, found.value, found.at_s) == ("invariant", "critical", 2, 5.0)
    assert found.metric == "pipeline.records.lost"


def test_a_queue_whose_bound_is_gone_and_a_clock_that_is_moved() -> None:
    wide = replace(USUAL, capacity=10**9)

    def at(now: float) -> Moment:
        return replace(USUAL if now < 5 else wide, offset=3600.0 if now >= 4 else 0.0)

    def filled(state: Snapshot) -> Snapshot:
        return replace(
            state,
            stages=tuple(
                replace(each, queue=replace(each.queue, size=500)) for each in state.stages if each.queue
            ),
        )

    watch, source = Watch(), random.Random(0)
    found: tuple[Anomaly, ...] = ()
    for tick in range(40):
        found = watch.look(filled(seen(tick / TICKS, at(tick / TICKS), source)))
    assert {each.metric for each in found} == {"system.clock.offset", "pipeline.stage.queue.depth"}
    clock = next(each for each in found if each.metric == "system.clock.offset")
    assert (clock.severity, clock.ended_s is not None) == ("warning", True)
    assert "bound was 100" in found[-1].text


def test_memory_of_what_was_found_has_a_bound() -> None:
    watch, source = Watch(), random.Random(0)
    found: tuple[Anomaly, ...] = ()
    for tick in range(6 * KEPT):
        found = watch.look(seen(tick / TICKS, replace(USUAL, offset=tick // 4 * 10.0), source))
    assert len(found) == KEPT
    assert found[-1].value > found[0].value


def test_the_collector_keeps_anomalies_and_tells_when_they_begin_and_end() -> None:
    books = FakeBooks(records(read=10, delivered=8, lost_ids=["s/a:1", "s/a:2"]))
    bench = Bench(books)
    bench.emit([RunStarted(100.0, "demo", (), (), None)])
    state = bench.step(1.0)
    (found,) = state.anomalies
    assert (found.metric, found.severity, found.ended_s) == ("pipeline.records.lost", "critical", None)
    books.run = records(read=10, delivered=10)
    state = bench.step(1.0)
    assert [each.ended_s for each in state.anomalies] == [pytest.approx(2.0)]
    told = [notice.text for notice in bench.step(1.0).notices]
    assert "2 records lost" in told
    assert "as before again: 2 records lost" in told
