"""Views are pure, so they are tested with snapshots alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual.strip import Strip

from metrics.definitions.figures import FIGURES, MEMORY, RECORDS
from metrics.memory_state import MemoryState
from metrics.snapshot import Notice, QueueState, Reason, Snapshot
from tests.tui.made import EVERYTHING, ended, records, snapshot, stage
from tui.actions import ACTIONS
from tui.format import measured
from tui.look import Look
from tui.views.board import board, bottleneck
from tui.views.details import details
from tui.views.events import events
from tui.views.footer import footer
from tui.views.header import header
from tui.views.help import help_lines
from tui.views.memory import memory_chart, rate_chart
from tui.views.metrics import metric_lines, metric_nodes, rows
from tui.views.summary import summary, too_small
from tui.views.verdict import verdict

LOOK = Look()
NAMES = st.text(st.characters(), min_size=1, max_size=30)
COUNTS = st.integers(0, 10**12)
SHARES = st.none() | st.floats(0, 1)


def text(lines: list[Strip]) -> str:
    return "\n".join(strip.text.rstrip() for strip in lines)


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    stages = tuple(
        stage(
            name,
            workers=draw(st.integers(1, 64)),
            taken=draw(COUNTS),
            given=draw(COUNTS),
            rejected=draw(COUNTS),
            lost=draw(COUNTS),
            rate=draw(st.floats(0, 1e9)),
            progress=draw(SHARES),
            busy=draw(SHARES),
            latency=None,
            queue=draw(st.none() | st.builds(QueueState, COUNTS, COUNTS, COUNTS, COUNTS)),
        )
        for name in draw(st.lists(NAMES, max_size=6))
    )
    name = draw(NAMES)
    return snapshot(
        pipeline=name,
        status=draw(st.sampled_from(["healthy", "degraded", "unhealthy", "failed", "interrupted"])),
        phase=draw(st.sampled_from(["starting", "running", "paused", "draining", "ended"])),
        reasons=tuple(draw(st.lists(NAMES, max_size=3))),
        problem=draw(st.none() | NAMES),
        traceback=draw(st.none() | NAMES),
        stages=stages,
        records=records(read=draw(COUNTS), lost=draw(COUNTS), lost_ids=(name,), duplicated=draw(COUNTS)),
        progress=draw(SHARES),
        latency=None,
        rejections=(Reason(name, name, draw(COUNTS)),),
        notices=(Notice(draw(st.floats(0, 1e6)), "error", name),),
        memory=MemoryState(0, 0, 0, None, "unknown", tuple(draw(st.lists(COUNTS, max_size=200)))),
        rate_history=tuple(draw(st.lists(st.floats(0, 1e9), max_size=50))),
        rate_limit=draw(st.none() | st.floats(0.1, 1e9)),
        elapsed_s=draw(st.floats(0, 1e7)),
    )


@settings(max_examples=60)
@given(snapshots(), st.integers(80, 200), st.integers(2, 30), st.booleans(), st.booleans())
def test_every_view_keeps_its_width_whatever_the_names(
    state: Snapshot, width: int, height: int, ascii: bool, read_only: bool
) -> None:
    look = Look.of(ascii=ascii, colour=True, read_only=read_only)
    shown = rows(metric_nodes(state, look), frozenset({"records", "rate", "latency", "errors", "memory"}))
    drawn = [
        *header(state, width, 2, look),
        *board(state, width, height, look),
        *metric_lines(shown, frozenset({"records"}), "records", width, look),
        *memory_chart(state, width, height, look),
        *rate_chart(state, width, height, look),
        *events(state.notices, width, look),
        *verdict(state, width, height, look),
        *summary(state, width, height, look),
        *details(state, width, look),
        *help_lines(width, look, ACTIONS),
        *too_small(width, height, look),
        footer(width, look, ACTIONS, EVERYTHING, paused=ascii, ended=read_only),
    ]
    for strip in drawn:
        assert strip.cell_length == width
        assert strip.text.isprintable()
        assert not ascii or strip.text.isascii()


@settings(max_examples=30)
@given(snapshots(), st.integers(2, 79), st.integers(1, 20))
def test_small_views_keep_their_width_too(state: Snapshot, width: int, height: int) -> None:
    for strip in (*summary(state, max(width, 60), 15, LOOK), *too_small(width, height, LOOK)):
        assert strip.cell_length in (max(width, 60), width)


def test_the_board_has_a_row_a_stage_with_every_figure() -> None:
    hot = stage(
        "Transform", workers=3, taken=12_345, given=12_300, filtered=5, rejected=40, lost=7, rate=321.5
    )
    lines = board(snapshot(stages=(stage("Ingestion", queue=None), hot)), 120, 10, LOOK)
    assert len(lines) == 3
    row = lines[2].text
    for figure in ("Transform", "50%", "12,345", "12,300", " 5 ", " 40 ", " 7 ", "321.5", "88ms", "10%", "3"):
        assert figure in row


def test_the_narrow_board_still_shows_what_matters() -> None:
    lines = board(snapshot(stages=(stage("Transform", workers=3, rejected=40, lost=7),)), 80, 10, LOOK)
    assert "Transform ×3" in lines[1].text
    for title in ("STAGE", "PROGRESS", "IN", "OUT", "REJ", "LOST", "REC/S", "P50", "P95", "QUEUE", "TIME"):
        assert title in lines[0].text


@pytest.mark.parametrize(
    ("size", "style"),
    [(0, LOOK.styles.good), (60, LOOK.styles.good), (61, LOOK.styles.warn), (86, LOOK.styles.bad)],
)
def test_queues_turn_yellow_and_red(size: int, style: object) -> None:
    line = board(snapshot(stages=(stage("a", queue=QueueState(size, 100, 0, 0)),)), 80, 5, LOOK)[1]
    filled = next(segment for segment in line if segment.text.strip() == f"{size}%")
    assert filled.style == style


def test_without_a_total_a_stage_shows_its_rate_beside_the_fastest() -> None:
    stages = (stage("fast", progress=None, rate=100.0), stage("slow", progress=None, rate=50.0))
    fast, slow = board(snapshot(stages=stages), 120, 5, LOOK)[1:]
    bar = LOOK.glyphs.bar
    assert fast.text.count(bar) > slow.text.count(bar) > 0
    assert "rate" in slow.text
    assert "%" not in slow.text.split("rate")[0]


def test_the_bottleneck_is_the_busy_stage_that_others_wait_for() -> None:
    waiting = stage("a", busy=0.2, blocked=0.7, idle=0.1, queue=None)
    slow = stage("b", busy=0.9, blocked=0.0, idle=0.1)
    idle = stage("c", busy=0.1, blocked=0.0, idle=0.9)
    assert bottleneck([waiting, slow, idle]) == 1
    assert board(snapshot(stages=(waiting, slow, idle)), 80, 9, LOOK)[2].text.startswith(LOOK.glyphs.mark)
    assert bottleneck([idle, idle]) is None
    assert bottleneck([stage("a", busy=None, idle=None, blocked=None)] * 3) is None
    assert bottleneck([]) is None


def test_the_header_tells_name_status_reason_phase_and_times() -> None:
    state = snapshot(status="degraded", reasons=("memory grows", "slow"), rate_limit=16.7)
    shown = text(header(state, 140, 2, LOOK))
    for part in (
        "orders",
        "▲ DEGRADED",
        "memory grows (+1 more)",
        "RUNNING 0:30",
        "ETA 0:30",
        "limit 16.7/s",
    ):
        assert part in shown
    for part in ("50%", "500 read", "480 delivered", "6 filtered", "4 rejected", "10 in flight", "0 lost"):
        assert part in shown


@pytest.mark.parametrize("phase", ["starting", "running", "paused", "draining", "ended"])
def test_the_phase_is_a_word(phase: str) -> None:
    assert phase.upper() in header(snapshot(phase=phase), 80, 2, LOOK)[0].text


def test_a_read_only_screen_says_so() -> None:
    assert "READ-ONLY" in header(snapshot(), 80, 2, replace(LOOK, read_only=True))[0].text


def test_a_duplicated_record_is_never_left_out_of_a_narrow_header() -> None:
    big = records(read=328_521_000, delivered=300_000_000, duplicated=3, lost=2)
    shown = header(snapshot(records=big), 80, 2, LOOK)[1].text
    assert "3 duplicated" in shown
    assert "2 lost" in shown


def test_the_metrics_are_those_of_the_box() -> None:
    lines = metric_lines(rows(metric_nodes(snapshot(), LOOK), frozenset()), frozenset(), None, 60, LOOK)
    assert [" ".join(line.text.split()) for line in lines] == [
        "├▸ Records Processed: 490",
        "├▸ Throughput: 16.7 rec/sec",
        "├▸ Avg Latency: 45ms",
        "├▸ Error Rate: 0.8%",
        "└▸ Memory: 45 MB (stable)",
    ]


def test_an_open_figure_shows_every_stage() -> None:
    for key in ("records", "rate", "latency", "errors"):
        labels = [row.node.label for row in rows(metric_nodes(snapshot(), LOOK), frozenset({key}))]
        assert {"ingestion", "validation", "transform", "output"} <= set(labels)


def test_what_is_behind_the_figures_is_named_and_measured_as_it_is_defined() -> None:
    shown = snapshot()
    shown = replace(shown, sources=(replace(shown.sources[0], watermark_age_s=3.25),))
    for key, figure in (("records", RECORDS), ("memory", MEMORY)):
        (head,) = [node for node in metric_nodes(shown, LOOK) if node.key == key]
        assert head.label == figure.title
        named = {node.label: node.value for node in head.children}
        for metric in figure.of_run[key == "memory" :]:
            assert metric.title, metric.name
            assert named[metric.title].startswith(measured(metric.of_run(shown), metric.unit))
    assert {figure.title for figure in FIGURES} == {node.label for node in metric_nodes(shown, LOOK)}
    oldest = [row.node.value for row in rows(metric_nodes(shown, LOOK), frozenset({"records"}))]
    assert "3.2s" in oldest


def test_the_memory_chart_names_lowest_highest_and_verdict() -> None:
    growing = MemoryState(40_000_000, 90_000_000, 90_000_000, 512.0, "growing", (40_000_000, 90_000_000))
    shown = text(memory_chart(snapshot(memory=growing), 40, 6, LOOK))
    for part in ("90 MB growing", "512 B/record", "min 40 MB", "max 90 MB"):
        assert part in shown


def test_noise_on_steady_memory_stays_flat() -> None:
    noisy = tuple(45_000_000 + (index % 3) * 4096 for index in range(40))
    state = snapshot(memory=MemoryState(0, 45_000_000, 0, 0.0, "stable", noisy))
    top, *_ = memory_chart(state, 40, 6, LOOK)[1:]
    assert top.text.strip() == ""


def test_events_come_newest_first_and_whole() -> None:
    long = "word " * 40
    lines = events((Notice(1, "info", "old"), Notice(9, "error", long), Notice(9, "info", "later")), 60, LOOK)
    shown = text(lines)
    assert shown.index("later") < shown.index("word") < shown.index("old")
    assert shown.count("word") == 40


@pytest.mark.parametrize(
    ("state", "parts"),
    [
        (ended(), ("● HEALTHY", "All 1,000 input records successfully processed")),
        (
            ended(records=records(read=1000, delivered=990, filtered=2, rejected=8, in_flight=0)),
            ("All 1,000 input records accounted for", "990 delivered, 2 filtered, 8 rejected"),
        ),
        (
            ended(
                status="unhealthy",
                records=records(read=1000, lost=2, lost_ids=("s/p:7", "s/p:9"), in_flight=0),
            ),
            ("UNHEALTHY", "2 of 1,000 records LOST", "s/p:7, s/p:9"),
        ),
        (
            ended(status="unhealthy", records=records(duplicated=1, duplicated_ids=("s/p:3",), in_flight=0)),
            ("written TWICE", "s/p:3"),
        ),
        (ended(status="failed", problem="stage price raised KeyError"), ("FAILED", "price raised KeyError")),
        (ended(status="interrupted", records=records()), ("INTERRUPTED", "10 of 500 records uncommitted")),
        (ended(status="degraded", reasons=("memory grows by 3 kB a record",)), ("DEGRADED", "memory grows")),
        (ended(disagreements=("queue 3 says 5, events say 4",)), ("the books disagree", "queue 3 says 5")),
    ],
)
def test_the_verdict_says_what_is_wrong(state: Snapshot, parts: tuple[str, ...]) -> None:
    shown = " ".join(text(verdict(state, 80, 7, LOOK)).split())
    for part in parts:
        assert part in shown


def test_a_reason_that_names_the_ids_is_not_told_twice() -> None:
    lost = records(read=10, lost=1, lost_ids=("s/p:7",), in_flight=0)
    state = ended(status="unhealthy", records=lost, reasons=("1 record lost: s/p:7",))
    assert text(verdict(state, 80, 7, LOOK)).count("s/p:7") == 1


def test_a_verdict_without_room_says_that_there_is_more() -> None:
    lost = records(
        read=9000, lost=400, lost_ids=tuple(f"orders/a.jsonl:{n}" for n in range(400)), in_flight=0
    )
    lines = verdict(ended(status="unhealthy", records=lost), 80, 3, LOOK)
    assert len(lines) == 3
    assert "lines)" in lines[-1].text


def test_the_details_name_every_lost_id_and_show_the_traceback() -> None:
    ids = tuple(f"orders/a.jsonl:{n}" for n in range(100))
    state = ended(records=records(lost=100, lost_ids=ids), traceback="Traceback:\n  File x\nKeyError: 'a'")
    shown = text(details(state, 80, LOOK))
    assert all(id in shown for id in ids)
    assert "KeyError: 'a'" in shown


@pytest.mark.parametrize("width", [80, 60, 30])
@pytest.mark.parametrize("ended_", [False, True])
def test_the_footer_fits_and_always_tells_how_to_leave(width: int, ended_: bool) -> None:
    line = footer(width, LOOK, ACTIONS, EVERYTHING, paused=False, ended=ended_)
    assert line.cell_length == width
    assert ("q leave" if ended_ else "q quit") in line.text
    assert "…" not in line.text


def test_at_a_hundred_and_twenty_cells_the_footer_holds_every_key_of_the_table() -> None:
    shown = footer(120, LOOK, ACTIONS, EVERYTHING, paused=True, ended=False).text
    for key in (
        "p resume",
        "n step",
        "+- rate",
        "x drain",
        "i details",
        "q quit",
        "? help",
        "^p menu",
    ):
        assert key in shown


def test_a_first_glimpse_of_progress_gives_no_estimate() -> None:
    assert "ETA -" in header(snapshot(progress=5e-324), 80, 2, LOOK)[0].text
