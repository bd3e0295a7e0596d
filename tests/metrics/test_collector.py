from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Literal, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.books import PartitionCount, QueueCount
from metrics.collector import Collector
from metrics.definitions.measures import MEASURES
from metrics.definitions.thresholds import parse
from metrics.prometheus import exposition
from metrics.snapshot import QueueState, Snapshot
from pipeline.batch import Partition
from pipeline.clock import ManualClock, SystemClock
from pipeline.events import (
    BatchCommitted,
    BatchRead,
    ControlChanged,
    Event,
    EventBus,
    PartitionEnded,
    PartitionInfo,
    QueueSampled,
    RecordsRejected,
    RunEnded,
    RunFailed,
    RunStarted,
    StageInfo,
    StageWorked,
)
from tests.metrics.made import MEBI, A, B, Bench, FakeBooks, records, sampler

STAGES = (
    StageInfo("ingestion", "ingestion", 1, False),
    StageInfo("parse", "function", 2, False),
    StageInfo("enrich", "function", 2, True),
    StageInfo("output", "output", 1, False),
)


def started(*partitions: PartitionInfo, limit: int | None = None) -> RunStarted:
    known = partitions or (PartitionInfo(A, 100, 2_000), PartitionInfo(B, None, 1_000))
    return RunStarted(100.0, "orders", STAGES, known, limit)


def worked(
    stage: str,
    *,
    taken: int = 0,
    given: int | None = None,
    filtered: int = 0,
    rejected: int = 0,
    created: int = 0,
    held: int = 0,
    busy: float = 0.0,
    idle: float = 0.0,
    blocked: float = 0.0,
    worker: int = 0,
    at: float = 100.0,
) -> StageWorked:
    out = taken + created - filtered - rejected - held if given is None else given
    return StageWorked(
        at, stage, worker, A, 0, taken, out, filtered, rejected, created, held, busy, idle, blocked
    )


def committed(
    partition: Partition, delivered: int, filtered: int = 0, rejected: int = 0, *, at: float, latency: float
) -> BatchCommitted:
    return BatchCommitted(at, partition, 0, delivered, filtered, rejected, delivered, latency)


def whole_run() -> Iterator[Event]:
    """100 records of one file and 50 of another, by hand."""
    yield started()
    yield BatchRead(101.0, A, 0, 100, 2_000, 2_000)
    yield worked("ingestion", taken=100, busy=1.0, at=101.0)
    yield BatchRead(102.0, B, 0, 50, 1_000, 1_000)
    yield worked("ingestion", taken=50, busy=0.5, idle=0.25, blocked=0.25, at=102.0)
    yield QueueSampled(102.0, "parse", 150, 2, 3_000, 400)
    yield worked("parse", taken=100, filtered=10, rejected=5, busy=1.0, idle=1.0, blocked=1.5, at=103.0)
    yield worked("enrich", taken=85, created=5, busy=1.0, idle=2.0, blocked=0.5, at=103.0)
    yield worked("parse", taken=50, busy=0.25, blocked=0.25, at=103.5)
    yield worked("enrich", taken=50, busy=0.25, idle=0.25, at=103.5)
    yield RecordsRejected(104.0, "parse", "no amount", "orders/a.csv:7", 1)
    for offset in range(4):
        yield RecordsRejected(104.0, "parse", "no date", f"orders/a.csv:{offset}", 1)
    yield worked("output", taken=90, busy=0.1, idle=3.9, at=104.0)
    yield committed(A, 85, 10, 5, at=104.0, latency=3.0)
    yield worked("output", taken=50, busy=0.1, idle=0.9, at=105.0)
    yield committed(B, 50, at=105.0, latency=3.0)
    yield PartitionEnded(105.0, A, None)
    yield PartitionEnded(105.0, B, None)
    yield RunEnded(106.0, True)


def whole_books() -> FakeBooks:
    return FakeBooks(
        records(read=150, delivered=135, filtered=10, rejected=5),
        [PartitionCount(A, 100, 85, 10, 5, 0, 0), PartitionCount(B, 50, 50, 0, 0, 0, 0)],
        [
            QueueCount("parse", "ingestion", 150, 150, 0, 0, 400, 120),
            QueueCount("output", "enrich", 140, 140, 0, 0, 400, 90),
        ],
    )


def test_every_number_of_a_run_by_hand() -> None:
    bench = Bench(whole_books())
    bench.emit(whole_run())
    bench.clock.advance(7.0)
    run = bench.collector.finish()

    assert (run.pipeline, run.status, run.reasons, run.phase) == ("orders", "healthy", (), "ended")
    assert (run.elapsed_s, run.progress, run.problem, run.traceback) == (6.0, 1.0, None, None)
    assert run.error_rate == pytest.approx(5 / 150)
    assert run.disagreements == ()
    assert (run.throughput.records, run.throughput.window_s) == (150, 6.0)
    assert run.throughput.records_per_s * 6.0 == pytest.approx(150)
    assert run.rate_history == (0.0, 0.0, 0.0, 0.0, 100.0, 50.0)
    assert run.latency is not None
    assert (run.latency.count, run.latency.mean, run.latency.max) == (135, 3000.0, 3000.0)
    assert (run.latency.p50, run.latency.p99) == pytest.approx((3000.0, 3000.0), rel=0.01)

    ingestion, parse_, enrich, output = run.stages
    assert (ingestion.taken, ingestion.given, ingestion.queue) == (150, 150, None)
    assert (ingestion.busy, ingestion.idle, ingestion.blocked) == (0.75, 0.125, 0.125)
    assert (parse_.taken, parse_.given, parse_.filtered, parse_.rejected) == (150, 135, 10, 5)
    assert parse_.queue == QueueState(size=0, capacity=400, peak=150, size_bytes=0)
    assert parse_.rate == pytest.approx(25.0)
    assert (enrich.taken, enrich.given, enrich.created, enrich.queue) == (135, 140, 5, None)
    # The two share a thread of four seconds: what one works, the other waits.
    assert (parse_.busy, parse_.idle, parse_.blocked) == (0.3125, 0.25, 0.4375)
    assert (enrich.busy, enrich.idle, enrich.blocked) == (0.3125, 0.5625, 0.125)
    assert (output.taken, output.given, output.progress) == (140, 140, 1.0)
    assert parse_.latency is not None
    assert parse_.latency.mean == pytest.approx((100 * 1.0 + 50 * 0.25) / 150 * 1000)
    assert (parse_.latency.count, parse_.latency.max) == (150, 1000.0)

    assert [(row.partition, row.read, row.delivered, row.total) for row in run.sources] == [
        ("a.csv", 100, 85, 100),
        ("b.csv", 50, 50, None),
    ]
    assert [(item.stage, item.reason, item.count) for item in run.rejections] == [
        ("parse", "no date", 4),
        ("parse", "no amount", 1),
    ]
    assert "orders/a.csv ended after 100 records" in [notice.text for notice in run.notices]


def test_how_long_the_oldest_record_waits_is_told_by_partition_and_ends_when_nothing_waits() -> None:
    books = FakeBooks(records(read=30, in_flight=30), [], [])
    bench = Bench(books)
    bench.emit([started()])
    ages = []
    for since_a, since_b in ((None, None), (100.5, None), (100.5, 101.0), (None, 101.0), (None, None)):
        books.lines = [
            PartitionCount(A, 10, 0, 0, 0, 10, 0, since=since_a),
            PartitionCount(B, 20, 0, 0, 0, 20, 0, since=since_b),
        ]
        bench.clock.advance(1.0)
        bench.step()
        snapshot = bench.collector.snapshot
        ages.append(tuple(source.watermark_age_s for source in snapshot.sources))
    assert ages == [(0, 0), (1.5, 0), (2.5, 2.0), (0, 3.0), (0, 0)]
    assert snapshot.watermark_age_peak_s == 3.0
    measured = MEASURES["watermark_age_peak"].of_run
    assert measured is not None
    assert measured(snapshot) == 3.0
    labelled = 'pipeline_source_watermark_age_seconds{pipeline="orders",source="orders"} 0'
    assert labelled in exposition(snapshot)


def test_one_event_at_a_time_gives_the_same_as_all_at_once() -> None:
    stepwise, at_once = Bench(whole_books()), Bench(whole_books())
    for event in whole_run():
        stepwise.emit([event])
        stepwise.step()
    at_once.emit(whole_run())
    one, other = stepwise.collector.finish(), at_once.collector.finish()
    one = replace(one, memory=other.memory, threads=other.threads, resources=other.resources)
    assert one == other


class Flow(NamedTuple):
    """One batch through a stage: of what it takes, so much of each."""

    taken: int
    filtered: int
    rejected: int
    created: int
    held: int


flows = st.builds(Flow, st.integers(0, 500), *[st.integers(0, 100)] * 4)


@given(st.lists(flows, max_size=20), st.integers(0, 5))
def test_every_stage_accounts_for_what_it_took(batches: list[Flow], looks: int) -> None:
    books = FakeBooks()
    bench = Bench(books)
    bench.emit([started()])
    keeps = 0
    for number, flow in enumerate(batches):
        # What is held back comes out again with a later batch; what never does is lost.
        held = flow.held if number % 2 else -keeps // 2
        keeps += held
        at = 101.0 + number
        bench.emit([worked("parse", taken=flow.taken, filtered=flow.filtered, at=at)])
        bench.emit(
            [worked("enrich", taken=flow.taken, rejected=flow.rejected, created=flow.created, held=held)]
        )
        if number < looks:
            bench.step(1.0)
    books.lost = {"enrich": keeps}
    books.run = records(read=keeps, lost_ids=["orders/a.csv:0"] * keeps)
    bench.emit([RunEnded(200.0, True)])
    for row in bench.collector.finish().stages:
        out = row.given + row.filtered + row.rejected + row.held + row.lost - row.created
        assert row.taken == out
        assert row.held == 0
    assert bench.collector.snapshot.stages[2].lost == keeps


def test_progress_goes_by_what_is_known_of_the_input() -> None:
    bench = Bench(FakeBooks(records(read=25)))
    bench.emit([started(), BatchRead(101.0, A, 0, 25, 500, 500), worked("ingestion", taken=25)])
    assert bench.step().progress == pytest.approx(500 / 3_000)
    by_records = Bench()
    by_records.emit([started(PartitionInfo(A, 100, None)), BatchRead(101.0, A, 0, 25, 1, None)])
    by_records.emit([worked("ingestion", taken=25), worked("parse", taken=10)])
    state = by_records.step()
    assert [row.progress for row in state.stages][:2] == [0.25, pytest.approx(0.1)]
    unknown = Bench()
    unknown.emit([started(PartitionInfo(A, None, None)), BatchRead(101.0, A, 0, 25, 1, None)])
    assert unknown.step().progress is None
    limited = Bench()
    limited.emit([started(PartitionInfo(A, None, None), limit=50), BatchRead(101.0, A, 0, 25, 1, None)])
    assert limited.step().progress == 0.5


def test_the_phase_follows_who_steers() -> None:
    bench = Bench()
    assert bench.collector.snapshot.phase == "starting"
    bench.emit([started()])
    assert bench.step().phase == "running"
    for action, phase in (
        ("pause", "paused"),
        ("step_batch", "paused"),
        ("resume", "running"),
        ("drain", "draining"),
        ("resume", "draining"),
    ):
        bench.emit([ControlChanged(101.0, _action(action))])
        assert bench.step().phase == phase
    bench.emit([ControlChanged(101.0, "rate", 12.5)])
    assert bench.step().rate_limit == 12.5
    bench.emit([RunEnded(102.0, True)])
    assert bench.step().phase == "ended"


def _action(name: str) -> Literal["pause", "resume", "step_batch", "drain"]:
    actions: dict[str, Literal["pause", "resume", "step_batch", "drain"]] = {
        "pause": "pause",
        "resume": "resume",
        "step_batch": "step_batch",
        "drain": "drain",
    }
    return actions[name]


def test_lost_records_are_placed_and_named() -> None:
    """A stage took 100 records, gave 98 and kept two that it never gave up."""
    books = FakeBooks(
        records(read=100, delivered=98, lost_ids=["orders/a.csv:8", "orders/a.csv:99"]),
        [PartitionCount(A, 100, 98, 0, 0, 0, 2)],
        lost={"parse": 2},
    )
    bench = Bench(books, thresholds=[parse("lost>0"), parse("rejected>0")])
    bench.emit([started(), BatchRead(101.0, A, 0, 100, 1, 1), worked("ingestion", taken=100)])
    bench.emit([worked("parse", taken=100, held=2), worked("enrich", taken=98), worked("output", taken=98)])
    bench.emit([committed(A, 98, at=102.0, latency=1.0), RunEnded(103.0, True)])
    run = bench.collector.finish()
    assert run.status == "unhealthy"
    assert run.reasons[0] == "2 records lost: orders/a.csv:8, orders/a.csv:99"
    row = run.stages[1]
    assert (row.taken, row.given, row.held, row.lost) == (100, 98, 0, 2)
    assert run.disagreements == ()
    assert [result.passed for result in bench.collector.threshold_results] == [False, True]


def test_books_that_differ_are_told_with_the_numbers() -> None:
    books = whole_books()
    books.between = [
        QueueCount("parse", "ingestion", 150, 149, 0, 0, 400, 120),
        QueueCount("output", "enrich", 139, 140, 0, 0, 400, 90),
    ]
    books.lines = [PartitionCount(A, 100, 86, 9, 5, 0, 0), PartitionCount(B, 50, 50, 0, 0, 0, 0)]
    bench = Bench(books)
    bench.emit([*whole_run()][:-1])
    bench.emit([worked("output", taken=0, given=1), RunEnded(106.0, True)])
    run = bench.collector.finish()
    assert run.status == "degraded"
    assert run.disagreements == (
        "the queue before parse gave 149 records, parse took 150",
        "the queue before parse was given 150 records, gave 149 and holds 0",
        "enrich gave 140 records, the queue before output was given 139",
        "the queue before output was given 139 records, gave 140 and holds 0",
        "orders/a.csv: the ledger has 86 records delivered, the events have 85",
        "orders/a.csv: the ledger has 9 records filtered, the events have 10",
        "output took 140 records and made 0 more, but accounts for 141",
    )


def test_books_are_not_compared_while_records_are_on_their_way() -> None:
    books = FakeBooks(
        records(read=5, in_flight=5), between=[QueueCount("parse", "ingestion", 5, 0, 5, 9, 9, 5)]
    )
    bench = Bench(books)
    bench.emit([started()])
    bench.step()
    assert bench.step(5.0).disagreements == ()
    books.run = records(read=5, delivered=5)
    assert bench.step(5.0).disagreements != ()
    bench.emit([ControlChanged(110.0, "pause")])
    assert bench.step(0.1).disagreements == ()


def test_a_ledger_that_does_not_balance_is_told_at_once() -> None:
    bench = Bench(FakeBooks(records(read=5, delivered=3, in_flight=1)))
    state = bench.step()
    assert state.status == "degraded"
    assert (
        "5 read, but 3 delivered + 0 filtered + 0 rejected + 1 in flight + 0 lost = 4"
        in state.disagreements[0]
    )


def test_a_failure_ends_as_failed_and_the_first_one_is_kept() -> None:
    bench = Bench()
    bench.emit([started(), RunFailed(101.0, "parse", "ValueError: no", "Traceback: first")])
    bench.emit([RunFailed(101.1, "output", "closed", "Traceback: second"), RunEnded(102.0, False)])
    run = bench.collector.finish()
    assert (run.status, run.problem) == ("failed", "parse: ValueError: no")
    assert run.traceback == "Traceback: first"


def test_a_source_that_breaks_fails_the_run_by_name() -> None:
    bench = Bench()
    bench.emit([started(), PartitionEnded(101.0, A, "not gzip"), RunEnded(102.0, True)])
    run = bench.collector.finish()
    assert (run.status, run.problem) == ("failed", "orders/a.csv: not gzip")
    assert run.sources[0].error == "not gzip"


@pytest.mark.parametrize(("complete", "asked"), [(False, False), (True, True)])
def test_a_run_that_was_cut_short_is_interrupted(complete: bool, asked: bool) -> None:
    bench = Bench(FakeBooks(records(read=9, delivered=2, in_flight=7)))
    bench.emit([started(), RunEnded(102.0, complete)])
    run = bench.collector.finish(interrupted=asked)
    assert run.status == "interrupted"
    assert "7 records in flight" in run.reasons[0]


def test_an_engine_that_stops_without_a_word_has_failed() -> None:
    bench = Bench()
    bench.emit([started()])
    assert bench.collector.finish().status == "failed"


def test_lost_events_are_counted_and_degrade() -> None:
    bench = Bench(capacity=3)
    bench.emit([started(), *(ControlChanged(101.0, "pause") for _ in range(9))])
    state = bench.step()
    assert (state.events_lost, state.status) == (7, "degraded")
    assert "7 events came faster than they could be folded" in [notice.text for notice in state.notices]


def test_an_event_that_cannot_be_folded_does_not_take_the_others_with_it() -> None:
    bench = Bench(FakeBooks(records(read=4)))
    bench.emit([started(), worked("nobody", taken=1), worked("parse", taken=4)])
    state = bench.step()
    assert state.stages[1].taken == 4
    assert (state.events_lost, bench.collector.failures, state.status) == (1, 1, "degraded")
    assert any("'nobody'" in notice.text for notice in state.notices)


def test_books_that_fail_leave_the_last_snapshot_with_a_notice() -> None:
    bench = Bench(FakeBooks(records(read=4)))
    bench.emit([started()])
    bench.step()
    bench.books.broken = True
    state = bench.step()
    assert state.records.read == 4
    assert "the books are gone" in state.notices[-1].text
    bench.books.broken = False
    assert bench.step().records.read == 4
    assert bench.collector.failures == 1


def queue_before(stage: str, size: int) -> QueueCount:
    return QueueCount(stage, "", 400, 400 - size, size, 1, 400, 400)


WAITS = "; ingestion is blocked 70%"


@pytest.mark.parametrize(
    ("sizes", "busy", "says"),
    [
        ({"parse": 400}, "chain", f"enrich is the bottleneck: busy 97%, its queue is full for 4s{WAITS}"),
        ({"parse": 350}, "chain", f"enrich is the bottleneck: busy 97%, its queue is 88% full for 4s{WAITS}"),
        ({"parse": 100}, "chain", None),
        ({"output": 400}, "writer", f"output is the bottleneck: busy 97%, its queue is full for 4s{WAITS}"),
        ({"output": 40}, "writer", None),
        ({"ingestion": 0}, "reader", "reading is the bottleneck: busy 97%, the queue after it is empty"),
        ({"ingestion": 200}, "reader", None),
        ({"parse": 400, "output": 400}, "nobody", None),
    ],
)
def test_a_bottleneck_is_named_only_when_there_is_one(
    sizes: dict[str, int], busy: str, says: str | None
) -> None:
    books = FakeBooks(records(read=400, in_flight=400))
    books.between = [queue_before(stage, size) for stage, size in sizes.items()]
    bench = Bench(books)
    bench.emit([started()])
    chain, writer, reader = (0.97 if busy == who else 0.3 for who in ("chain", "writer", "reader"))
    for second in range(5):
        at = 101.0 + second
        bench.emit([worked("ingestion", busy=reader, blocked=1 - reader, worker=-1, at=at)])
        bench.emit([worked("ingestion", taken=80, busy=0.1, blocked=0.9, at=at)])
        bench.emit([worked("parse", taken=9, busy=chain * 0.3, idle=1 - chain * 0.3, at=at)])
        bench.emit([worked("enrich", taken=9, busy=chain * 0.7, idle=1 - chain * 0.7, at=at)])
        bench.emit([worked("output", busy=0.2, idle=0.8, at=at)])
        bench.emit([worked("output", taken=9, busy=writer, idle=1 - writer, worker=-1, at=at)])
        state = bench.step(1.0)
    assert state.reasons == (() if says is None else (says,))
    assert state.status == "healthy"
    assert [row.busy for row in state.stages] == pytest.approx(
        [max(reader, 0.1), chain * 0.3, chain * 0.7, max(writer, 0.2)]
    )


def test_reasons_without_end_do_not_fill_the_memory() -> None:
    bench = Bench(capacity=1_000_000)
    bench.emit([started()])
    bench.emit(
        RecordsRejected(101.0, "parse", f"bad value {at}", f"orders/a.csv:{at}", 1) for at in range(3_000)
    )
    state = bench.step()
    assert len(state.rejections) <= 20
    assert state.rejections[0].reason == "(other reasons)"
    assert state.rejections[0].count == 2_500
    assert len(state.notices) <= 200


def test_growing_memory_degrades() -> None:
    read = 0
    books = FakeBooks()
    bench = Bench(books, rss=lambda: 50 * MEBI + read * 4096)
    bench.emit([started()])
    for number in range(240):
        read += 100
        books.run = records(read=read, in_flight=read)
        bench.emit([BatchRead(bench.clock.monotonic(), A, number, 100, 2_000, None)])
        state = bench.step(0.1)
    assert (state.memory.verdict, state.status) == ("growing", "degraded")
    assert state.memory.slope_bytes_per_record == pytest.approx(4096)


class Sleeper(ManualClock):
    """Every wait takes ``extra`` seconds more than asked; after ``waits`` of them it says stop."""

    def __init__(self, stop: threading.Event, waits: int, extra: float) -> None:
        super().__init__()
        self._stop = stop
        self._left = waits
        self._extra = extra
        self.woke: list[float] = []

    def sleep(self, event: threading.Event, seconds: float) -> bool:
        self.advance(seconds + self._extra)
        self.woke.append(self.monotonic())
        self._left -= 1
        if self._left == 0:
            self._stop.set()
        return event.is_set()


@pytest.mark.parametrize(("extra", "times"), [(0.0, [0.1, 0.2, 0.3]), (0.25, [0.35, 0.65, 0.95])])
def test_the_loop_keeps_its_schedule_and_leaves_missed_ticks_out(extra: float, times: list[float]) -> None:
    stop = threading.Event()
    clock = Sleeper(stop, 3, extra)
    Collector(clock, EventBus().subscribe(), FakeBooks(), sampler()).run(stop)
    assert clock.woke == pytest.approx(times)


@pytest.mark.parametrize(("watched", "least", "most"), [(False, 4, 4), (True, 15, 20)])
def test_snapshots_come_five_times_a_second_to_those_who_look_else_once_in_each(
    watched: bool, least: int, most: int
) -> None:
    seen: list[Snapshot] = []

    class Looker(Sleeper):
        def sleep(self, event: threading.Event, seconds: float) -> bool:
            snapshot = collector.look() if watched else collector.snapshot
            if not seen or seen[-1] is not snapshot:
                seen.append(snapshot)
            return super().sleep(event, seconds)

    stop = threading.Event()
    clock = Looker(stop, 35, 0.003)
    collector = Collector(clock, EventBus().subscribe(), FakeBooks(), sampler())
    collector.run(stop)
    # The first one is that of before the run.
    assert least <= len(seen) - 1 <= most
    assert {int(each.elapsed_s) for each in seen} == {0, 1, 2, 3}


def test_a_wake_up_call_brings_the_step_forward() -> None:
    stop, wake = threading.Event(), threading.Event()
    bus = EventBus()
    subscription = bus.subscribe(4, wake.set)
    collector = Collector(SystemClock(), subscription, FakeBooks(), sampler())
    thread = threading.Thread(target=collector.run, args=(stop, wake), daemon=True)
    thread.start()
    bus.emit(started())
    deadline = threading.Event()
    for _ in range(100):
        if collector.snapshot.phase == "running":
            break
        deadline.wait(0.05)
    stop.set()
    wake.set()
    thread.join(5.0)
    assert not thread.is_alive()
    assert collector.snapshot.phase == "running"
