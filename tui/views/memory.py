"""Charts over time: the process's memory with its verdict, and records per second."""

from __future__ import annotations

from textual.strip import Strip

from metrics.format import size
from metrics.memory_state import CacheState
from metrics.snapshot import Snapshot
from tui.format import UNKNOWN, compact, pace
from tui.look import Look
from tui.text import Line
from tui.views.bars import spark, spark_chart

FLAT_SHARE = 0.05
"""A change of less than this share of the highest reading is drawn as nearly flat."""


def memory_chart(snapshot: Snapshot, width: int, height: int, look: Look) -> list[Strip]:
    """Current size and verdict, the curve, and its lowest and highest reading; then caches, a line each:
    name, length, bytes, verdict and sawtooth. ``height`` lines."""
    memory, styles = snapshot.memory, look.styles
    head = Line(look).put(size(memory.rss), styles.strong).put(" ")
    head.put(memory.verdict, look.memory(memory.verdict))
    if memory.slope_bytes_per_record is not None and memory.verdict == "growing":
        head.put(f"  {size(memory.slope_bytes_per_record)}/record", styles.bad)
    series = memory.series
    low, high = (min(series), max(series)) if series else (memory.rss, memory.rss)
    style = styles.bad if memory.verdict == "growing" else styles.accent
    # The largest first, and those that grow before all others; the curve keeps a line at least.
    caches = sorted(
        memory.caches, key=lambda each: (each.verdict != "growing", -(each.bytes or 0), -each.len)
    )
    caches = caches[: max(0, height - 3)] if caches else []
    told = [_cache(cache, width, look) for cache in caches]
    room = height - 1 - len(told)
    foot = [] if room < 3 else [_extremes(f"min {size(low)}", f"max {size(high)}", width, look)]
    rows = spark_chart(series, width, max(1, room - len(foot)), look, high * FLAT_SHARE)
    body = [Line(look).put(row, style) for row in rows]
    if not foot:
        head.cell(f"{size(low)}..{size(high)}", max(0, width - head.width), styles.muted, "right")
    return [line.strip(width) for line in (head, *body, *foot, *told)][:height]


def _cache(cache: CacheState, width: int, look: Look) -> Line:
    style = look.memory(cache.verdict)
    wide = width >= 44
    line = Line(look).cell(cache.name, 14 if wide else 8, look.styles.text)
    line.cell(compact(cache.len, 7 if wide else 5), 8 if wide else 6, look.styles.strong, "right")
    held = UNKNOWN if cache.bytes is None else size(cache.bytes)
    # 1.5 MB as 1.5M: the line must have room for its curve.
    held = held if wide else held.replace(" ", "").removesuffix("B")
    line.cell(held, 8 if wide else 5, look.styles.muted, "right")
    line.gap(1).cell(cache.verdict, 9, style)
    return line.put(spark(cache.series, max(0, width - line.width), look), style)


def rate_chart(snapshot: Snapshot, width: int, height: int, look: Look) -> list[Strip]:
    """Records settled per second over the last readings; ``height`` lines."""
    styles = look.styles
    history = snapshot.rate_history
    head = (
        Line(look).put(pace(snapshot.throughput.records_per_s), styles.strong).put(" rec/sec", styles.muted)
    )
    low, high = (min(history), max(history)) if history else (0.0, 0.0)
    foot = _extremes(f"min {pace(low)}", f"max {pace(high)}", width, look)
    rows = spark_chart(history, width, max(1, height - 2), look, high * FLAT_SHARE)
    body = [Line(look).put(row, styles.good) for row in rows]
    return [line.strip(width) for line in (head, *body, foot)][:height]


def _extremes(low: str, high: str, width: int, look: Look) -> Line:
    line = Line(look).put(low, look.styles.muted)
    return line.cell(high, max(0, width - line.width), look.styles.muted, "right")
