"""The ledger: where every record is, source by source and edge by edge, and the ids that are missing."""

from __future__ import annotations

from itertools import pairwise

from rich.style import Style

from metrics.definitions.units import SECONDS
from metrics.format import count, printable
from metrics.snapshot import Snapshot, SourceState, StageState
from tui.format import UNKNOWN, compact, measured, share
from tui.look import Look
from tui.page import Page, Row, Scene, View, blank, heading, line, matches, note
from tui.text import Line
from tui.views.table import Column, table


def equation(snapshot: Snapshot, look: Look) -> Line:
    """``read 500 = delivered 480 + filtered 6 + rejected 4 + in flight 10``, with a sign whether it holds."""
    records, styles = snapshot.records, look.styles
    parts = [
        ("delivered", records.delivered),
        ("filtered", records.filtered),
        ("rejected", records.rejected),
        ("in flight", records.in_flight),
    ]
    if records.lost:
        parts.append(("LOST", records.lost))
    whole = sum(value for _, value in parts) == records.read
    sound = whole and not records.lost and not records.duplicated
    made = Line(look).put(f" {look.glyphs.yes if sound else look.glyphs.no} ", _tone(look, sound))
    made.put("read ", styles.muted).put(count(records.read), styles.strong).put(" = ", styles.muted)
    for number, (name, value) in enumerate(parts):
        made.put(" + " if number else "", styles.muted).put(f"{name} ", styles.muted)
        made.put(count(value), styles.bad if name == "LOST" else styles.strong)
    if not whole:
        rest = records.read - sum(value for _, value in parts)
        made.put(f"  {rest:+,} not explained", styles.bad)
    if records.duplicated:
        made.put(f"  {count(records.duplicated)} written TWICE", styles.bad)
    return made


def ledger_page(scene: Scene) -> Page:
    """The run's equation; sources, stages and edges; lost and duplicated ids; where the books disagree."""
    snapshot, look, records = scene.snapshot, scene.look, scene.snapshot.records
    sources = table(snapshot.sources, _columns(look), scene, lambda each: f"{each.name}/{each.partition}")
    rows = [heading(look, "SOURCES", f"{len(snapshot.sources)}"), Row(sources.heading)]
    for row, source in zip(sources.rows, sources.items, strict=True):
        rows.append(row)
        if source.error:
            rows.append(note(look, f"  {source.error}", "bad"))
    if records.resumed:
        rows.append(
            note(look, f"{count(records.resumed)} more were settled by earlier runs and not read again")
        )
    rows += [blank(look), heading(look, "STAGES", "in = out + filtered + rejected + held + lost - created")]
    rows += [_stage(stage, look) for stage in snapshot.stages if matches(stage.name, scene.ask.filter)]
    rows += [blank(look), heading(look, "EDGES", "out of one stage = into the next + on the way")]
    rows += [
        _edge(before, after, look)
        for before, after in pairwise(snapshot.stages)
        if matches(f"{before.name} {after.name}", scene.ask.filter)
    ]
    for title, total, ids in (
        ("LOST", records.lost, records.lost_ids),
        ("WRITTEN TWICE", records.duplicated, records.duplicated_ids),
    ):
        kept = [id for id in ids if matches(id, scene.ask.filter)]
        rows += [blank(look), heading(look, title, "none" if not total else f"{count(total)}, by id")]
        rows += [Row(line(look, f"   {id}", "bad"), f"id:{id}", id) for id in kept]
        if total > len(ids):
            rows.append(note(look, f"  and {count(total - len(ids))} more; the report has them all"))
    if snapshot.disagreements:
        rows += [blank(look), heading(look, "THE BOOKS DISAGREE", "queues and ledger against events")]
        rows += [note(look, f"  {text}", "bad") for text in snapshot.disagreements]
    return Page((equation(snapshot, look).cut(scene.width),), tuple(rows), sources.cells)


def _columns(look: Look) -> list[Column[SourceState]]:
    styles = look.styles

    def sound(source: SourceState) -> bool:
        settled = source.delivered + source.filtered + source.rejected + source.in_flight
        return source.read == settled + source.lost and not source.lost

    return [
        Column("SOURCE", 0, lambda each: f"{each.name}/{each.partition}", order=lambda each: each.partition),
        Column("READ", 7, lambda each: compact(each.read, 7), align="right", wide=12,
               order=lambda each: each.read),
        Column("= DELIV", 8, lambda each: compact(each.delivered, 8), align="right", wide=12,
               order=lambda each: each.delivered),
        Column("+ FILT", 7, lambda each: compact(each.filtered, 7), align="right", wide=10,
               order=lambda each: each.filtered),
        Column("+ REJ", 7, lambda each: compact(each.rejected, 7), align="right", wide=10,
               style=lambda each: styles.warn if each.rejected else styles.muted,
               order=lambda each: each.rejected),
        Column("+ FLY", 6, lambda each: compact(each.in_flight, 6), align="right", wide=10,
               order=lambda each: each.in_flight),
        Column("+ LOST", 6, lambda each: compact(each.lost, 6), align="right",
               style=lambda each: styles.bad if each.lost else styles.muted, order=lambda each: each.lost),
        Column("OLDEST", 7, lambda each: measured(each.watermark_age_s, SECONDS), align="right", narrow=False,
               style=lambda _: styles.muted, order=lambda each: each.watermark_age_s or 0.0),
        Column("TOTAL", 10, lambda each: UNKNOWN if each.total is None else compact(each.total, 10),
               align="right", narrow=False),
        Column("DONE", 5, _done, align="right"),
        Column("", 1, lambda each: look.glyphs.yes if sound(each) else look.glyphs.no,
               style=lambda each: _tone(look, sound(each))),
    ]  # fmt: skip


def _done(source: SourceState) -> str:
    if source.error:
        return "ERROR"
    if source.ended:
        return "end"
    return share(source.read / source.total) if source.total else UNKNOWN


def _stage(stage: StageState, look: Look) -> Row:
    styles = look.styles
    right = [("", stage.given, "out"), ("+", stage.filtered, "filtered"), ("+", stage.rejected, "rejected")]
    right += [("+", stage.held, "held")] if stage.held else []
    right += [("+", stage.lost, "LOST")] if stage.lost else []
    right += [("-", stage.created, "created")] if stage.created else []
    total = stage.given + stage.filtered + stage.rejected + stage.held + stage.lost - stage.created
    sound = total == stage.taken and not stage.lost
    made = Line(look).put(f" {look.glyphs.yes if sound else look.glyphs.no} ", _tone(look, sound))
    made.cell(stage.name, 14, styles.text).put(count(stage.taken), styles.strong).put(" in = ", styles.muted)
    for sign, value, name in right:
        made.put(f" {sign} " if sign else "", styles.muted)
        made.put(count(value), styles.bad if name == "LOST" else styles.text).put(f" {name}", styles.muted)
    if total != stage.taken:
        # Lost records that vanished on their way to the stage are in none of its other counts.
        made.put(f"  ({stage.taken - total:+,})", styles.bad)
    return Row(made, f"stage:{stage.name}", made.text)


def _edge(before: StageState, after: StageState, look: Look) -> Row:
    styles = look.styles
    way = before.given - after.taken
    made = Line(look).put("   ").put(f"{before.name} {look.glyphs.arrow} {after.name}", styles.text).put("  ")
    made.put(count(before.given), styles.strong).put(" out = ", styles.muted)
    made.put(count(after.taken), styles.strong).put(" in + ", styles.muted)
    made.put(count(way), styles.text if way >= 0 else styles.warn).put(" on the way", styles.muted)
    if after.queue is not None:
        made.put(
            f"  (queue {count(after.queue.size)} of {count(after.queue.capacity)}, "
            f"peak {count(after.queue.peak)})",
            styles.muted,
        )
    elif after.chained:
        made.put("  (chained: no queue)", styles.muted)
    return Row(made, f"edge:{before.name}:{after.name}", printable(made.text))


def _tone(look: Look, sound: bool) -> Style:
    return look.styles.good if sound else look.styles.bad


LEDGER = View(
    "ledger",
    "LEDGER",
    ledger_page,
    ("source", "read", "delivered", "filtered", "rejected", "in flight", "lost", "oldest"),
    (
        (
            "Equation",
            "read = delivered + filtered + rejected + in flight, by id. The rest is LOST, and named.",
        ),
        ("Oldest", "How long ago the oldest record was read that is in flight: it grows where one hangs."),
        ("Edges", "What one stage gave and the next has not taken yet is on the way, in the queue between."),
        (
            "Two books",
            "Queues and ledger count for themselves, events too; where they differ it says so here.",
        ),
    ),
)
