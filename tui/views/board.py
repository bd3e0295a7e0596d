"""The stage board: one row a stage in flow order, so that one glance finds where it hurts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from textual.strip import Strip

from metrics.format import printable
from metrics.snapshot import Snapshot, StageState
from tui.format import UNKNOWN, compact, pace, share, took
from tui.look import Look
from tui.page import Page, Row, Scene
from tui.text import Align, Line
from tui.views.bars import fill_bar, fill_style, moving_bar, progress_bar, stacked_bar, trend

WIDE = 108
"""From this many cells on, counts are written in full and bars have room."""

NAME_MIN, NAME_MAX = 9, 24
PERCENT = 5
TREND, WIDE_TREND = 3, 6
"""Cells for the last rates of a stage, at the end of its rate."""


def bottleneck(stages: Sequence[StageState]) -> int | None:
    """The position of the stage that holds the others up; None where no stage does.

    That is the busiest one, provided that it is busy most of the time and that something waits for
    it: its queue is more than half full, or a stage before it is blocked a fifth of its time.
    """
    worked = [(stage.busy, index) for index, stage in enumerate(stages) if stage.busy is not None]
    if len(worked) < 2:
        return None
    busy, index = max(worked, key=lambda pair: pair[0])
    queue = stages[index].queue
    full = queue is not None and queue.capacity > 0 and queue.size / queue.capacity > 0.5
    blocked = any((stage.blocked or 0.0) >= 0.2 for stage in stages[:index])
    return index if busy >= 0.6 and (full or blocked) else None


@dataclass(frozen=True, slots=True)
class _Row:
    """What the columns of one row need to know."""

    stage: StageState
    hot: bool
    fastest: float
    look: Look
    at: int
    """Grows with time, for what moves."""


@dataclass(frozen=True, slots=True)
class _Column:
    title: str
    width: int
    align: Align
    draw: Callable[[Line, _Row, int], None]


def board(snapshot: Snapshot, width: int, height: int, look: Look) -> list[Strip]:
    """A heading and a row for each stage, exactly ``width`` cells wide."""
    page = board_page(Scene(snapshot, width, height, look))
    return [made.strip(width) for made in (*page.head, *(row.line for row in page.rows))]


def board_page(scene: Scene) -> Page:
    """The heading stays, the stages scroll; the cursor stands on stages."""
    snapshot, look, width = scene.snapshot, scene.look, scene.width
    stages = snapshot.stages
    columns = _columns(width, stages, look)
    heading = Line(look).gap(2)
    for column in columns:
        heading.cell(column.title, column.width, look.styles.muted, column.align).gap(1)
    hot = bottleneck(stages) if snapshot.phase in ("running", "draining") else None
    fastest = max((stage.rate for stage in stages), default=0.0)
    rows = []
    for index, stage in enumerate(stages):
        row = _Row(stage, index == hot, fastest, look, int(snapshot.elapsed_s * 4))
        line = Line(look).put(look.glyphs.mark if row.hot else " ", look.styles.warn).gap(1)
        for column in columns:
            column.draw(line, row, column.width)
            line.gap(1)
        rows.append(Row(line, f"stage:{stage.name}"))
    if not stages:
        rows.append(Row(Line(look).cell("  waiting for the pipeline to start", width, look.styles.muted)))
    return Page((heading,), tuple(rows))


def board_title(snapshot: Snapshot, look: Look) -> str:
    """The board's title: the bottleneck in words, where there is one; else what the bars mean."""
    if snapshot.phase in ("running", "draining"):
        if snapshot.bottleneck:
            return f"STAGES   {look.glyphs.mark} {printable(snapshot.bottleneck, ascii=look.ascii)}"
        hot = bottleneck(snapshot.stages)
        if hot is not None:
            stage = snapshot.stages[hot]
            name = printable(stage.name, ascii=look.ascii)
            return f"STAGES   {look.glyphs.mark} {name} holds the others up: busy {share(stage.busy)}"
    return f"STAGES   {legend(look)}"


def board_table(stages: Sequence[StageState]) -> tuple[tuple[str, ...], ...]:
    """A heading and a line for each stage, as texts in full."""
    heading = (
        "stage", "in", "out", "filtered", "rejected", "held", "lost", "records_per_s", "p50_ms", "p95_ms",
        "queue", "busy", "idle", "blocked", "workers", "progress",
    )  # fmt: skip
    return heading, *(_cells(stage) for stage in stages)


def _cells(stage: StageState) -> tuple[str, ...]:
    latency, queue = stage.latency, stage.queue
    values = (
        stage.taken, stage.given, stage.filtered, stage.rejected, stage.held, stage.lost, stage.rate,
        latency.p50 if latency else None, latency.p95 if latency else None, queue.size if queue else None,
        stage.busy, stage.idle, stage.blocked, stage.workers, stage.progress,
    )  # fmt: skip
    return (stage.name, *("" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
                          for value in values))  # fmt: skip


def legend(look: Look) -> str:
    """What the bars mean, for the foot of the panel."""
    glyphs = look.glyphs
    return (
        f"time: {glyphs.busy} busy {glyphs.blocked} blocked {glyphs.idle} idle   "
        f"{glyphs.mark} holds the others up"
    )


def _columns(width: int, stages: Sequence[StageState], look: Look) -> list[_Column]:
    wide = width >= WIDE
    number = 9 if wide else 5
    columns = [
        _Column("IN", number, "right", lambda line, row, w: _number(line, row, row.stage.taken, w)),
        _Column("OUT", number, "right", lambda line, row, w: _number(line, row, row.stage.given, w)),
    ]
    if wide:
        columns.append(
            _Column("FILTERED", 8, "right", lambda line, row, w: _number(line, row, row.stage.filtered, w))
        )
    trend = WIDE_TREND if wide else TREND
    columns += [
        _Column("REJECTED" if wide else "REJ", 8 if wide else 5, "right", _rejected),
        _Column("LOST", 6 if wide else 4, "right", _lost),
        _Column("REC/S" + " " * trend, (7 if wide else 6) + trend, "right", _rate),
        _Column("P50", 5, "right", lambda line, row, w: _took(line, row, w, "p50")),
        _Column("P95", 5, "right", lambda line, row, w: _took(line, row, w, "p95")),
        _Column("QUEUE", 9 if wide else 5, "left" if wide else "right", _queue),
        _Column("TIME", 8 if wide else 4, "left", _time),
    ]
    if wide:
        columns.append(
            _Column("W", 2, "right", lambda line, row, w: _number(line, row, row.stage.workers, w))
        )
    # The first two cells of a row are the mark; every column is followed by a blank.
    room = width - 2 - sum(column.width + 1 for column in columns) - 1
    longest = max((len(_name(stage, wide=wide, look=look)) for stage in stages), default=0)
    name = max(NAME_MIN, min(longest, NAME_MAX, room - PERCENT - (9 if wide else 3)))
    bar = max(PERCENT + 1, room - name - 1)
    return [
        _Column("STAGE", name, "left", lambda line, row, w: _stage(line, row, w, wide=wide)),
        _Column("PROGRESS", bar, "left", _progress),
        *columns,
    ]


def _name(stage: StageState, *, wide: bool, look: Look) -> str:
    name = printable(stage.name, ascii=look.ascii)
    return name if wide or stage.workers <= 1 else f"{name} {look.glyphs.times}{stage.workers}"


def _stage(line: Line, row: _Row, width: int, *, wide: bool) -> None:
    look = row.look
    suffix = "" if wide or row.stage.workers <= 1 else f" {look.glyphs.times}{row.stage.workers}"
    line.cell(row.stage.name, width - len(suffix), look.styles.strong if row.hot else look.styles.text)
    line.put(suffix, look.styles.muted)


def _progress(line: Line, row: _Row, width: int) -> None:
    look, stage = row.look, row.stage
    bar = width - PERCENT
    if stage.progress is not None:
        style = look.styles.good if stage.progress >= 1 else look.styles.accent
        progress_bar(line, stage.progress, bar, look, style)
        line.cell(share(stage.progress), PERCENT, look.styles.text, "right")
        return
    # Without a total there is no percentage; the bar then compares the stages' rates.
    moving_bar(line, stage.rate / row.fastest if row.fastest else 0.0, row.at, bar, look, look.styles.accent)
    line.cell("rate", PERCENT, look.styles.muted, "right")


def _number(line: Line, row: _Row, value: int, width: int) -> None:
    line.cell(compact(value, width), width, row.look.styles.text if value else row.look.styles.muted, "right")


def _rejected(line: Line, row: _Row, width: int) -> None:
    styles, value = row.look.styles, row.stage.rejected
    line.cell(compact(value, width), width, styles.warn if value else styles.muted, "right")


def _lost(line: Line, row: _Row, width: int) -> None:
    styles, value = row.look.styles, row.stage.lost
    line.cell(compact(value, width), width, styles.bad if value else styles.muted, "right")


def _rate(line: Line, row: _Row, width: int) -> None:
    styles = row.look.styles
    room = WIDE_TREND if width >= 7 + WIDE_TREND else TREND
    line.cell(pace(row.stage.rate), width - room, styles.text, "right")
    # A trend of one reading is none.
    line.put(trend(row.stage.rates, room, row.look) if len(row.stage.rates) > 1 else " " * room, styles.good)


def _took(line: Line, row: _Row, width: int, which: str) -> None:
    latency, styles = row.stage.latency, row.look.styles
    text = UNKNOWN if latency is None else took(getattr(latency, which))
    line.cell(text, width, styles.text if latency is not None else styles.muted, "right")


def _queue(line: Line, row: _Row, width: int) -> None:
    queue = row.stage.queue
    if queue is None or queue.capacity <= 0:
        word = "chained" if row.stage.chained and width >= 7 else UNKNOWN
        line.cell(word, width, row.look.styles.muted)
        return
    filled = queue.size / queue.capacity
    if width < PERCENT + 3:
        # Colour alone would not tell, so the figure carries it.
        line.cell(share(filled), width, fill_style(filled, row.look), "right")
        return
    fill_bar(line, filled, width - PERCENT, row.look)
    line.cell(share(filled), PERCENT, fill_style(filled, row.look), "right")


def _time(line: Line, row: _Row, width: int) -> None:
    stage, glyphs, styles = row.stage, row.look.glyphs, row.look.styles
    if stage.busy is None:
        line.cell(UNKNOWN, width, styles.muted)
        return
    parts = [
        (stage.busy, glyphs.busy, styles.accent),
        (stage.blocked or 0.0, glyphs.blocked, styles.blocked),
        (stage.idle or 0.0, glyphs.idle, styles.rule),
    ]
    stacked_bar(line, parts, width)
