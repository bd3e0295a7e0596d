"""Small terminals: the whole run in one column, from 60x16 cells on; below that a card that says so."""

from __future__ import annotations

from textual.strip import Strip

from metrics.snapshot import Snapshot, StageState
from tui.format import compact, pace, share
from tui.look import Look
from tui.text import Line
from tui.views.bars import progress_bar, spark_chart
from tui.views.board import bottleneck
from tui.views.header import header
from tui.views.memory import FLAT_SHARE
from tui.views.metrics import metric_nodes
from tui.views.verdict import verdict

SMALLEST = (60, 16)


def summary(snapshot: Snapshot, width: int, height: int, look: Look) -> list[Strip]:
    """Header, a line a stage, the five figures; the final verdict stands first when the run is over."""
    lines = header(snapshot, width, 2, look)
    if snapshot.phase == "ended":
        figures = 5
        room = max(2, height - 2 - len(snapshot.stages) - figures)
        lines += verdict(snapshot, width, room, look)
    hot = bottleneck(snapshot.stages) if snapshot.phase in ("running", "draining") else None
    fastest = max((stage.rate for stage in snapshot.stages), default=0.0)
    lines += [
        _stage(stage, index == hot, fastest, width, look) for index, stage in enumerate(snapshot.stages)
    ]
    if len(lines) + 6 <= height:
        lines.append(Line(look).strip(width))
    for node in metric_nodes(snapshot, look):
        line = Line(look).gap(1).cell(f"{node.label}:", 20, look.styles.muted).put(node.value, node.style)
        if node.key == "memory":
            series = snapshot.memory.series
            room = width - line.width - 3
            if room > 5 and series:
                line.gap(2).put(
                    spark_chart(series, room, 1, look, max(series) * FLAT_SHARE)[0], look.styles.accent
                )
        lines.append(line.strip(width))
    return lines


def _stage(stage: StageState, hot: bool, fastest: float, width: int, look: Look) -> Strip:
    styles = look.styles
    line = Line(look).put(look.glyphs.mark if hot else " ", styles.warn)
    line.cell(stage.name, 12, styles.strong if hot else styles.text).gap(1)
    right = Line(look)
    right.cell(f"{pace(stage.rate)}/s", 9, styles.text, "right")
    right.cell(
        f"{compact(stage.rejected, 5)} rej", 10, styles.warn if stage.rejected else styles.muted, "right"
    )
    right.cell(f"{compact(stage.lost, 4)} lost", 10, styles.bad if stage.lost else styles.muted, "right")
    room = max(4, width - line.width - right.width - 6)
    part = stage.progress if stage.progress is not None else (stage.rate / fastest if fastest else 0.0)
    done = stage.progress is not None and stage.progress >= 1
    progress_bar(line, part, room, look, styles.good if done else styles.accent)
    line.cell(share(stage.progress) if stage.progress is not None else "rate", 5, styles.text, "right")
    return line.join(right).strip(width)


def too_small(width: int, height: int, look: Look) -> list[Strip]:
    """A card for a terminal below :data:`SMALLEST`."""
    least_width, least_height = SMALLEST
    texts = [
        "Terminal too small",
        f"{width}{look.glyphs.times}{height}, needs {least_width}{look.glyphs.times}{least_height}",
        "The run is not affected.",
        "q quits",
    ][: max(1, height)]
    top = max(0, (height - len(texts)) // 2)
    styles = [look.styles.warn, look.styles.text, look.styles.muted, look.styles.muted]
    card = [Line(look).cell(text, width, style, "centre") for text, style in zip(texts, styles, strict=False)]
    return [Line(look).strip(width)] * top + [line.strip(width) for line in card]
