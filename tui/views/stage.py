"""One stage in depth: its figures, latency as a histogram, errors by reason, threads, and its queue."""

from __future__ import annotations

from metrics.format import count, millis, percent, size
from metrics.snapshot import Snapshot, StageState, ThreadState
from tui.format import UNKNOWN, elapsed, pace, share
from tui.look import Look
from tui.page import Page, Row, Scene, View, beside, blank, heading, note
from tui.text import Line
from tui.views.bars import fill_bar, fill_style, spark, stacked_bar

SIDE_BY_SIDE = 100
"""From this many cells on, histogram and threads stand beside the figures."""
MOST_BUCKETS = 14


def chosen(snapshot: Snapshot, wanted: str | None) -> StageState | None:
    """The stage that was asked for; else the one that needs looking at most: the first that lost records,
    or the busiest."""
    stages = snapshot.stages
    for stage in stages:
        if stage.name == wanted:
            return stage
    if not stages:
        return None
    lossy = next((stage for stage in stages if stage.lost), None)
    return lossy or max(stages, key=lambda stage: stage.busy or 0.0)


def neighbour(snapshot: Snapshot, wanted: str | None, by: int) -> str | None:
    """The name of the stage ``by`` places on, around the ends."""
    now = chosen(snapshot, wanted)
    if now is None:
        return None
    names = [stage.name for stage in snapshot.stages]
    return names[(names.index(now.name) + by) % len(names)]


def stage_page(scene: Scene) -> Page:
    """Everything about the chosen stage."""
    look, stage = scene.look, chosen(scene.snapshot, scene.ask.stage)
    if stage is None:
        return Page((), (note(look, "waiting for the pipeline to start"),))
    left = [*_figures(stage, scene), blank(look), *_queue(stage, scene)]
    right = [*_histogram(stage, scene), blank(look), *_threads(stage, scene)]
    errors = [blank(look), *_reasons(stage, scene), *_alerts(stage, scene)]
    if scene.width >= SIDE_BY_SIDE:
        rows = beside(left, right, scene.width // 2, look) + errors
    else:
        rows = [*left, blank(look), *right, *errors]
    table = (("upto_ms", "records"), *((f"{each.upto_ms:g}", str(each.records)) for each in stage.histogram))
    return Page((_choice(stage, scene),), tuple(rows), table)


def _choice(stage: StageState, scene: Scene) -> Line:
    look = scene.look
    made = Line(look).put(" ")
    for each in scene.snapshot.stages:
        style = look.selected if each.name == stage.name else look.styles.muted
        made.put(f" {each.name} ", style)
    return made.put("   left/right: another stage", look.styles.muted).cut(scene.width)


def _figures(stage: StageState, scene: Scene) -> list[Row]:
    look, styles = scene.look, scene.look.styles
    workers = f"{stage.workers} worker{'s' if stage.workers != 1 else ''}"
    rows = [
        heading(look, stage.name.upper(), f"{stage.kind}, {workers}{', chained' if stage.chained else ''}")
    ]
    for name, value, style in (
        ("in", count(stage.taken), styles.strong),
        ("out", count(stage.given), styles.strong),
        ("filtered", count(stage.filtered), styles.text),
        ("rejected", count(stage.rejected), styles.warn if stage.rejected else styles.text),
        ("held back", count(stage.held), styles.text),
        ("created", count(stage.created), styles.text),
        ("lost", count(stage.lost), styles.bad if stage.lost else styles.text),
    ):
        if value != "0" or name in ("in", "out", "rejected", "lost"):
            rows.append(_figure(look, name, Line(look).put(value, style)))
    room = max(8, (scene.width // 2 if scene.width >= SIDE_BY_SIDE else scene.width) - 32)
    rate = Line(look).cell(f"{pace(stage.rate)}/s", 10, styles.strong)
    rows.append(_figure(look, "rate", rate.put(spark(stage.rates[-room:], room, look), styles.good)))
    rows.append(_figure(look, "progress", Line(look).put(share(stage.progress), styles.text)))
    if stage.latency is not None:
        latency = stage.latency
        told = "  ".join(
            f"{name} {millis(value)}"
            for name, value in (
                ("p50", latency.p50),
                ("p95", latency.p95),
                ("p99", latency.p99),
                ("max", latency.max),
            )
        )
        rows.append(_figure(look, "latency", Line(look).put(told, styles.text)))
    if stage.busy is not None:
        glyphs = look.glyphs
        bar = Line(look)
        parts = [
            (stage.busy, glyphs.busy, styles.accent),
            (stage.blocked or 0.0, glyphs.blocked, styles.blocked),
            (stage.idle or 0.0, glyphs.idle, styles.rule),
        ]
        stacked_bar(bar, parts, min(20, room))
        bar.put(
            f"  {share(stage.busy)} busy, {share(stage.blocked)} blocked, {share(stage.idle)} idle",
            styles.text,
        )
        rows.append(_figure(look, "time", bar))
    return rows


def _figure(look: Look, name: str, value: Line) -> Row:
    return Row(Line(look).gap(3).cell(name, 11, look.styles.muted).join(value))


def _queue(stage: StageState, scene: Scene) -> list[Row]:
    look, queue = scene.look, stage.queue
    if queue is None:
        why = "chained: it is called by the stage before" if stage.chained else "none is before this stage"
        return [heading(look, "QUEUE", why)]
    filled = queue.size / queue.capacity if queue.capacity else 0.0
    bar = Line(look)
    fill_bar(bar, filled, 20, look)
    bar.put(f" {share(filled)}", fill_style(filled, look))
    rows = [
        heading(look, "QUEUE", "before this stage"),
        _figure(look, "full", bar),
        _figure(
            look,
            "records",
            Line(look).put(f"{count(queue.size)} of {count(queue.capacity)}, peak {count(queue.peak)}"),
        ),
        _figure(look, "bytes", Line(look).put(size(queue.size_bytes))),
    ]
    if stage.queue_fill:
        room = max(8, (scene.width // 2 if scene.width >= SIDE_BY_SIDE else scene.width) - 18)
        worst = max(stage.queue_fill[-room:])
        chart = spark(stage.queue_fill[-room:], min(room, 60), look, 1.0)
        rows.append(_figure(look, "last minute", Line(look).put(chart, fill_style(worst, look))))
    return rows


def _histogram(stage: StageState, scene: Scene) -> list[Row]:
    look, styles = scene.look, scene.look.styles
    rows = [heading(look, "LATENCY", "records by the time they took")]
    buckets = _merged(stage)
    if not buckets:
        return [*rows, note(look, "  not measured yet")]
    room = (scene.width // 2 if scene.width >= SIDE_BY_SIDE else scene.width) - 26
    most = max(records for _, records in buckets) or 1
    for upto, records in buckets:
        bar = Line(look).gap(2).cell(f"{look.glyphs.flat}{millis(upto)}", 9, styles.muted, "right").gap(1)
        cells = max(int(records > 0), round(records / most * max(4, room)))
        bar.put(look.glyphs.fill * cells, styles.accent).put(f" {count(records)}", styles.text)
        rows.append(Row(bar))
    return rows


def _merged(stage: StageState) -> list[tuple[float, int]]:
    """The histogram in few bars, without empty ends."""
    bars = [(each.upto_ms, each.records) for each in stage.histogram]
    while bars and not bars[-1][1]:
        bars.pop()
    while bars and not bars[0][1]:
        bars.pop(0)
    step = -(-len(bars) // MOST_BUCKETS) if bars else 1
    chunks = [bars[at : at + step] for at in range(0, len(bars), step)]
    return [(chunk[-1][0], sum(records for _, records in chunk)) for chunk in chunks]


def _threads(stage: StageState, scene: Scene) -> list[Row]:
    look = scene.look
    own = [thread for thread in scene.snapshot.threads if thread.stage == stage.name]
    rows = [heading(look, "THREADS", "what each does now")]
    return rows + ([_thread(thread, look) for thread in own] or [note(look, "  none of its own is known")])


def _thread(thread: ThreadState, look: Look) -> Row:
    styles = look.styles
    tones = {"busy": styles.accent, "blocked": styles.blocked, "idle": styles.muted, "paused": styles.warn}
    made = Line(look).gap(3).cell(thread.name, 20, styles.text).gap(1)
    made.cell(thread.state or UNKNOWN, 8, tones.get(thread.state or "", styles.muted))
    made.cell(share(thread.cpu), 5, styles.text, "right").gap(2)
    return Row(made.put(thread.place or "", styles.muted), f"thread:{thread.name}")


def _reasons(stage: StageState, scene: Scene) -> list[Row]:
    look = scene.look
    own = sorted(
        (each for each in scene.snapshot.rejections if each.stage == stage.name), key=lambda each: -each.count
    )
    told = (
        f"{count(stage.rejected)} of {count(stage.taken)}, {percent(stage.rejected / stage.taken)}"
        if stage.taken
        else ""
    )
    rows = [heading(look, "ERRORS BY REASON", told)]
    if not own:
        return [*rows, note(look, "  none")]
    for each in own:
        made = Line(look).gap(3).cell(count(each.count), 9, look.styles.warn, "right").gap(2)
        rows.append(Row(made.put(each.reason, look.styles.text), f"reason:{each.reason}", each.reason))
    return rows


def _alerts(stage: StageState, scene: Scene) -> list[Row]:
    look = scene.look
    own = [each for each in scene.snapshot.anomalies if each.stage == stage.name]
    if not own:
        return []
    rows = [blank(look), heading(look, "ANOMALIES")]
    for each in own:
        over = "" if each.ended_s is None else f" to {elapsed(each.ended_s)}"
        rows.append(
            note(
                look,
                f"  {elapsed(each.at_s)}{over}  {each.text}",
                "bad" if each.severity == "critical" else "warn",
            )
        )
    return rows


STAGE = View(
    "stage",
    "STAGE",
    stage_page,
    (),
    (
        ("Histogram", "How many records took how long in this stage; a bar ends at the time beside it."),
        ("Threads", "busy, idle (nothing to take) or blocked (nowhere to put), and the line each is at."),
        ("Queue", "What waits before the stage: green to 60 %, yellow to 85 %, red above."),
    ),
    filters=False,
)
