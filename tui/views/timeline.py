"""Anomalies and faults on one axis: what was put in on purpose, and what the monitor noticed, when."""

from __future__ import annotations

from dataclasses import dataclass

from rich.style import Style

from metrics.format import number
from metrics.snapshot import Anomaly, FaultState, Snapshot
from tui.format import elapsed
from tui.look import Look
from tui.page import Page, Row, Scene, View, matches, note
from tui.text import Line, wrap

LABEL = 34


@dataclass(frozen=True, slots=True)
class Span:
    """Something that lasts; ``until`` is None while it does."""

    key: str
    at_s: float
    until: float | None
    label: str
    tone: str
    told: tuple[str, ...]


def spans(snapshot: Snapshot) -> list[Span]:
    """Faults and anomalies in the order of their onset."""
    found = [_fault(fault, at) for at, fault in enumerate(snapshot.faults)]
    found += [_anomaly(anomaly, at) for at, anomaly in enumerate(snapshot.anomalies)]
    return sorted(found, key=lambda span: (span.at_s, span.key))


def timeline_page(scene: Scene) -> Page:
    """A row each, with a bar from onset to end; opened rows tell more."""
    look, snapshot = scene.look, scene.snapshot
    label = LABEL if scene.width >= 100 else 26 if scene.width >= 70 else 18
    end = max(snapshot.elapsed_s, 1.0)
    start = 0.0
    if scene.playhead is not None:
        start, end = scene.playhead.start_s, max(scene.playhead.end_s, scene.playhead.start_s + 1.0)
    room = max(10, scene.width - label - 10)
    rows: list[Row] = []
    kept = [span for span in spans(snapshot) if matches(" ".join((span.label, *span.told)), scene.ask.filter)]
    if scene.ask.reverse:
        kept.reverse()
    for span in kept:
        rows.append(_row(span, label, room, start, end, snapshot.elapsed_s, look))
        if span.key in scene.ask.opened:
            for text in span.told:
                rows += [note(look, f"   {part}", "text") for part in wrap(text, max(20, scene.width - 6))]
    if not rows:
        what = "nothing is filtered out" if not scene.ask.filter else "none holds that text"
        quiet = "nothing out of the ordinary, and no fault was put in" if not spans(snapshot) else what
        rows.append(note(look, quiet))
    table = (
        ("at_s", "until_s", "what", "told"),
        *((f"{each.at_s:.3f}", _until(each), each.label, " ".join(each.told)) for each in kept),
    )
    return Page(_axis(label, room, start, end, snapshot.elapsed_s, look), tuple(rows), table)


def _until(span: Span) -> str:
    return "" if span.until is None else f"{span.until:.3f}"


def _axis(label: int, room: int, start: float, end: float, now: float, look: Look) -> tuple[Line, ...]:
    """Times above, ticks below, and where the present is."""
    times, ticks = Line(look).gap(label + 8), Line(look).gap(label + 8)
    step = max(10, room // max(1, room // 14))
    at = 0
    while at < room:
        text = elapsed(start + (end - start) * at / room)
        width = min(step, room - at)
        times.cell(text if len(text) <= width else "", width, look.styles.muted)
        ticks.put(look.glyphs.tick, look.styles.rule).put(look.glyphs.leaf * (width - 1), look.styles.rule)
        at += width
    here = _cell(now, room, start, end)
    marks = Line(look).gap(label + 8 + here).put(look.glyphs.open, look.styles.accent)
    return times, ticks, marks


def _row(span: Span, label: int, room: int, start: float, end: float, now: float, look: Look) -> Row:
    style: Style = getattr(look.styles, span.tone)
    made = Line(look).cell(elapsed(span.at_s), 6, look.styles.muted, "right").gap(1)
    made.cell(span.label, label, style).gap(1)
    first = _cell(span.at_s, room, start, end)
    last = max(first, _cell(now if span.until is None else span.until, room, start, end))
    made.gap(first).put(look.glyphs.span * (last - first + 1), style)
    if span.until is None:
        made.put(look.glyphs.arrow, style)
    return Row(made, span.key, f"{elapsed(span.at_s)} {span.label} {' '.join(span.told)}")


def _cell(at_s: float, room: int, start: float, end: float) -> int:
    return max(0, min(room - 1, int((at_s - start) / (end - start) * room)))


def _fault(fault: FaultState, position: int) -> Span:
    where = f"@{fault.stage}" if fault.stage else ""
    params = ", ".join(f"{name}={value}" for name, value in fault.params)
    told = [f"put in at {elapsed(fault.at_s)}{f' with {params}' if params else ''}"]
    told.append("still at work" if fault.lifted_s is None else f"lifted at {elapsed(fault.lifted_s)}")
    if fault.symptom:
        told.append(f"to be seen: {fault.symptom}")
    return Span(
        f"fault:{position}", fault.at_s, fault.lifted_s, f"FAULT {fault.name}{where}", "accent", tuple(told)
    )


def _anomaly(anomaly: Anomaly, position: int) -> Span:
    where = f" @{anomaly.stage}" if anomaly.stage else ""
    low, high = anomaly.expected
    bounds = [f"at least {number(low)}"] if low is not None else []
    bounds += [f"at most {number(high)}"] if high is not None else []
    told = [anomaly.text]
    told.append(
        f"{anomaly.kind}, {anomaly.severity}: {anomaly.metric} was {number(anomaly.value)}"
        + (f", before it was {' and '.join(bounds)}" if bounds else "")
    )
    tone = "bad" if anomaly.severity == "critical" else "warn"
    key = f"anomaly:{anomaly.metric}:{anomaly.stage}:{anomaly.at_s:.3f}:{position}"
    return Span(key, anomaly.at_s, anomaly.ended_s, f"{anomaly.metric}{where}", tone, tuple(told))


TIMELINE = View(
    "timeline",
    "ANOMALIES AND FAULTS",
    timeline_page,
    (),
    (
        ("Bar", "From the onset to the end; an arrow where it goes on."),
        (
            "FAULT",
            "Put in on purpose, with f or --fault. Anomalies stand below the faults that may have made them.",
        ),
        ("Enter", "Tells more; in a recording, a second enter goes to the onset."),
    ),
)
