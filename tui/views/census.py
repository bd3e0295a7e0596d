"""Memory in depth: the process, the caches with their sawtooth, and all live objects by type."""

from __future__ import annotations

from metrics.format import count, plural, seconds, size
from metrics.memory_state import CacheState, Census, MemoryState, TypeState
from tui.format import UNKNOWN, compact, elapsed, share, signed
from tui.look import Look
from tui.page import Page, Row, Scene, View, blank, heading, line, matches, note
from tui.text import Line, wrap
from tui.views.bars import spark, spark_chart
from tui.views.memory import FLAT_SHARE
from tui.views.table import Column, table

CHART_ROWS = 4


def memory_page(scene: Scene) -> Page:
    """The verdict with how sure it is, the curve, caches, and the census."""
    memory, look = scene.snapshot.memory, scene.look
    rows = [*_process(scene), blank(look)]
    rows += _caches(memory, scene)
    rows.append(blank(look))
    cells: tuple[tuple[str, ...], ...] = ()
    if memory.census is None:
        able = "census" in scene.powers
        unable = "this run does not count its objects"
        if scene.playhead is not None:
            unable = "they were not counted before this moment"
        rows.append(heading(look, "OBJECTS BY TYPE"))
        rows.append(note(look, "g counts them now" if able else unable))
    else:
        found, cells = _census(memory.census, scene)
        rows += found
    return Page((_verdict(memory, look).cut(scene.width),), tuple(rows), cells)


def _verdict(memory: MemoryState, look: Look) -> Line:
    styles = look.styles
    made = Line(look).put(f" {size(memory.rss)} ", styles.strong)
    made.put(memory.verdict.upper(), look.memory(memory.verdict))
    if memory.confidence is not None:
        made.put(f" ({share(memory.confidence)} sure)", styles.muted)
    slope = memory.slope_bytes_per_record
    if slope is not None:
        made.put(f"  {size(slope)} a record", styles.bad if memory.verdict == "growing" else styles.text)
        if memory.slope_low is not None and memory.slope_high is not None:
            made.put(f", between {size(memory.slope_low)} and {size(memory.slope_high)}", styles.muted)
    made.put(f"  start {size(memory.rss_start)}  peak {size(memory.rss_peak)}", styles.muted)
    if memory.uss is not None:
        made.put(f"  its own {size(memory.uss)}", styles.muted)
    if memory.blocks is not None:
        made.put(f"  {count(memory.blocks)} blocks", styles.muted)
    return made


def _process(scene: Scene) -> list[Row]:
    memory, look = scene.snapshot.memory, scene.look
    style = look.styles.bad if memory.verdict == "growing" else look.styles.accent
    high = max(memory.series, default=0)
    chart = spark_chart(memory.series, max(1, scene.width - 2), CHART_ROWS, look, high * FLAT_SHARE)
    return [Row(Line(look).gap(1).put(row, style)) for row in chart]


def _caches(memory: MemoryState, scene: Scene) -> list[Row]:
    look = scene.look
    kept = [
        each for each in memory.caches if matches(f"{each.name} {each.stage} {each.place}", scene.ask.filter)
    ]
    rows = [
        heading(
            look, "CACHES", plural(len(memory.caches), "container") if memory.caches else "none is watched"
        )
    ]
    room = max(10, scene.width - 64)
    for cache in kept:
        rows += cache_rows(cache, room, look, scene.ask.opened)
    return rows


def cache_rows(cache: CacheState, room: int, look: Look, opened: frozenset[str]) -> list[Row]:
    """A cache in one line with its sawtooth, and what is known of it behind that."""
    styles = look.styles
    style = look.memory(cache.verdict)
    key = f"cache:{cache.stage}:{cache.name}"
    name = cache.name if cache.stage is None else f"{cache.stage}: {cache.name}"
    made = Line(look).put(f" {look.glyphs.open if key in opened else look.glyphs.closed} ", styles.accent)
    made.cell(name, 24, styles.text).cell(f" {compact(cache.len, 8)}", 9, styles.strong, "right")
    made.cell(UNKNOWN if cache.bytes is None else size(cache.bytes), 9, styles.text, "right").gap(1)
    made.cell(cache.verdict, 9, style).gap(1)
    made.put(spark(cache.series, room, look), styles.bad if cache.verdict == "growing" else styles.accent)
    rows = [Row(made, key, made.text)]
    if key in opened:
        per = UNKNOWN if cache.bytes_per_record is None else f"{size(cache.bytes_per_record)} a record"
        origin = "declared by the pipeline" if cache.declared else "found by a census"
        low, high = (min(cache.series), max(cache.series)) if cache.series else (cache.len, cache.len)
        rows.append(note(look, f"    {per}; {count(low)} to {count(high)} entries; {origin}"))
        if cache.place:
            rows.append(note(look, f"    held by {cache.place}"))
    return rows


def _census(census: Census, scene: Scene) -> tuple[list[Row], tuple[tuple[str, ...], ...]]:
    look = scene.look
    stood = f"the pipeline stood still for {census.paused_s * 1000:.0f} ms" if census.paused_s else "no pause"
    told = (
        f"census {census.number} at {elapsed(census.at_s)}: {count(census.objects)} objects, "
        f"{size(census.bytes)}; took {seconds(census.took_s)}, {stood}"
    )
    found = table(census.types, _columns(look), scene, lambda each: f"type:{each.type}")
    rows = [heading(look, "OBJECTS BY TYPE", told), Row(found.heading)]
    holders: dict[str, list[str]] = {}
    for name, holder in census.holders:
        holders.setdefault(name, []).append(holder)
    for row, state in zip(found.rows, found.items, strict=True):
        rows.append(row)
        held = holders.get(state.type, [])
        # Who holds what grows is the point of the table, so it stands there without being asked for.
        if state.type in holders or row.key in scene.ask.opened:
            for text in held or ["nobody was looked for: it does not grow"]:
                for number, part in enumerate(wrap(text, max(20, scene.width - 16))):
                    lead = "     held by " if number == 0 else "             "
                    rows.append(Row(line(look, f"{lead}{part}", "muted")))
    return rows, found.cells


def _columns(look: Look) -> list[Column[TypeState]]:
    styles = look.styles

    def delta(value: int) -> bool:
        return value > 0

    return [
        Column("TYPE", 0, lambda each: each.type, order=lambda each: each.type),
        Column("COUNT", 9, lambda each: compact(each.count, 9), align="right", order=lambda each: each.count),
        Column("BYTES", 8, lambda each: size(each.bytes), align="right", order=lambda each: each.bytes),
        Column("+COUNT", 9, lambda each: signed(each.count_delta, 9), align="right",
               style=lambda each: styles.warn if delta(each.count_delta) else styles.muted,
               order=lambda each: each.count_delta),
        Column("+BYTES", 9, lambda each: size(each.bytes_delta), align="right",
               style=lambda each: styles.warn if delta(each.bytes_delta) else styles.muted,
               order=lambda each: each.bytes_delta),
        Column("TREND", 10, lambda each: " ".join(str(value) for value in each.series), wide=24,
               draw=lambda made, each, width: _trend(made, each, width, look)),
    ]  # fmt: skip


def _trend(made: Line, state: TypeState, width: int, look: Look) -> None:
    made.put(spark(state.series, width, look), look.styles.accent)


MEMORY = View(
    "memory",
    "MEMORY",
    memory_page,
    ("type", "count", "bytes", "count since", "bytes since"),
    (
        ("Verdict", "growing, warming up, stable or shrinking: of the whole process, and of each cache."),
        ("Sawtooth", "A cache that fills and is emptied again rises and falls; a leak only rises."),
        ("+COUNT", "More, or fewer, than at the first census after the warm-up."),
    ),
)
