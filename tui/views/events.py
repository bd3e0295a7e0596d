"""The events panel: what happened, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from textual.strip import Strip

from metrics.format import printable
from metrics.snapshot import Notice, Snapshot
from tui.format import elapsed
from tui.look import Look
from tui.text import Line, wrap

MOST_LINES = 200

Severity = Literal["info", "warning", "error"]


def happenings(snapshot: Snapshot) -> tuple[Notice, ...]:
    """Notices together with anomalies, and with faults as they came and went."""
    told = list(snapshot.notices)
    for anomaly in snapshot.anomalies:
        severity: Severity = "error" if anomaly.severity == "critical" else "warning"
        told.append(Notice(anomaly.at_s, severity, f"anomaly: {anomaly.text}"))
        if anomaly.ended_s is not None:
            told.append(Notice(anomaly.ended_s, "info", f"over: {anomaly.text}"))
    for fault in snapshot.faults:
        where = f"@{fault.stage}" if fault.stage else ""
        told.append(Notice(fault.at_s, "warning", f"fault put in: {fault.name}{where}"))
        if fault.lifted_s is not None:
            told.append(Notice(fault.lifted_s, "info", f"fault lifted: {fault.name}{where}"))
    return tuple(told)


def events(notices: Sequence[Notice], width: int, look: Look) -> list[Strip]:
    """Time, severity and text of each notice; long texts go on below themselves."""
    styles, glyphs = look.styles, look.glyphs
    severities = {
        "info": (glyphs.info, styles.muted, styles.text),
        "warning": (glyphs.warning, styles.warn, styles.text),
        "error": (glyphs.error, styles.bad, styles.bad),
    }
    lines: list[Strip] = []
    # Reversing keeps the order of equals, so that of one moment the later notice stands above.
    newest_first = sorted(notices, key=lambda notice: notice.at_s)[::-1]
    for notice in newest_first:
        glyph, mark, style = severities[notice.severity]
        text = printable(notice.text, ascii=look.ascii)
        for number, part in enumerate(wrap(text, width - 10)):
            line = Line(look)
            if number == 0:
                line.cell(elapsed(notice.at_s), 7, styles.muted, "right").put(f" {glyph} ", mark)
            else:
                line.gap(10)
            lines.append(line.put(part, style).strip(width))
        if len(lines) >= MOST_LINES:
            break
    if not lines:
        lines.append(Line(look).cell("nothing to report", width, styles.muted).strip(width))
    return lines[:MOST_LINES]
