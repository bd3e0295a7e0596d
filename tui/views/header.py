"""The two lines at the top: how the pipeline is, and where its records are."""

from __future__ import annotations

from rich.style import Style
from textual.strip import Strip

from metrics.snapshot import Snapshot
from tui.format import UNKNOWN, compact, elapsed, pace, share
from tui.look import Look
from tui.text import Line
from tui.views.bars import progress_bar

LONGEST_ETA_S = 100 * 24 * 3600


def header(snapshot: Snapshot, width: int, height: int, look: Look) -> list[Strip]:
    """Pipeline, status and reason, phase and times; then the ledger of all records."""
    return [status_line(snapshot, width, look), ledger_line(snapshot, width, look)][:height]


def status_line(snapshot: Snapshot, width: int, look: Look) -> Strip:
    """``flights  ● HEALTHY  every record accounted for      RUNNING 0:42  ETA 0:18``."""
    styles = look.styles
    right = _phase(snapshot, look)
    glyph, style = look.status(snapshot.status)
    status = f"{glyph} {snapshot.status.upper()}"
    line = Line(look)
    name_room = max(8, width - right.width - len(status) - 6)
    line.put(" ")
    line.cell(snapshot.pipeline, min(name_room, 32, _cells(snapshot.pipeline, look)), styles.strong)
    line.gap(2).put(status, style + Style(bold=True)).gap(2)
    room = width - line.width - right.width - 2
    if room >= 10:
        line.cell(headline(snapshot), room, styles.muted)
    line.gap(width - line.width - right.width - 1)
    return line.join(right).strip(width)


def headline(snapshot: Snapshot) -> str:
    """Why the status is what it is, in one line."""
    if snapshot.problem:
        return snapshot.problem
    if snapshot.reasons:
        more = f" (+{len(snapshot.reasons) - 1} more)" if len(snapshot.reasons) > 1 else ""
        return snapshot.reasons[0] + more
    if snapshot.status == "healthy" and snapshot.records.read:
        return "every record accounted for"
    return ""


def _phase(snapshot: Snapshot, look: Look) -> Line:
    styles = look.styles
    style = {
        "starting": styles.muted,
        "running": styles.accent,
        "paused": styles.warn,
        "draining": styles.warn,
        "ended": styles.strong,
    }[snapshot.phase]
    line = Line(look)
    if look.read_only:
        line.put("READ-ONLY", styles.warn).gap(2)
    line.put(snapshot.phase.upper(), style + Style(bold=True)).put(
        f" {elapsed(snapshot.elapsed_s)}", styles.text
    )
    if snapshot.phase in ("running", "paused", "draining"):
        line.put("  ETA ", styles.muted).put(elapsed(remaining(snapshot)), styles.text)
    return line


def remaining(snapshot: Snapshot) -> float | None:
    """Seconds until the input is read at the pace so far; None where nobody can know."""
    progress = snapshot.progress
    if snapshot.phase != "running" or not progress or snapshot.elapsed_s < 1:
        return None
    left = snapshot.elapsed_s * (1 - min(progress, 1.0)) / progress
    # From the first few records of an endless input nobody can tell.
    return left if left < LONGEST_ETA_S else None


def ledger_line(snapshot: Snapshot, width: int, look: Look) -> Strip:
    """How much was read, and what became of it; what matters least goes first when room is short."""
    styles, records = look.styles, snapshot.records
    ledger = [
        ("read", records.read, styles.strong),
        ("delivered", records.delivered, styles.text),
        ("filtered", records.filtered, styles.text),
        ("rejected", records.rejected, styles.warn if records.rejected else styles.text),
        ("in flight", records.in_flight, styles.text),
        ("lost", records.lost, styles.bad if records.lost else styles.text),
        ("duplicated", records.duplicated, styles.bad if records.duplicated else styles.text),
    ]
    for optional in ("duplicated", "filtered", "in flight"):
        parts = _parts(ledger, look, width)
        if parts.width + 18 <= width:
            break
        ledger = [
            entry for entry in ledger if entry[0] != optional or (optional == "duplicated" and entry[1])
        ]
    parts = _parts(ledger, look, width)
    line = Line(look).put(" ")
    if snapshot.rate_limit is not None and width - parts.width >= 36:
        parts.put(f"  {look.glyphs.dot} limit ", styles.muted).put(
            f"{pace(snapshot.rate_limit)}/s", styles.warn
        )
    room = width - parts.width - 9
    if snapshot.progress is None:
        line.cell("total not known" if room > 12 else UNKNOWN, room + 5, styles.muted)
    elif room > 0:
        style = styles.good if snapshot.progress >= 1 else styles.accent
        progress_bar(line, snapshot.progress, room, look, style)
        line.cell(share(snapshot.progress), 5, styles.text, "right")
    return line.gap(2).join(parts).strip(width)


def _parts(ledger: list[tuple[str, int, Style]], look: Look, width: int) -> Line:
    line = Line(look)
    # What is lost stands last, and must not be cut off.
    room = 9 if width >= 80 else 6
    for index, (name, value, style) in enumerate(ledger):
        line.put(f" {look.glyphs.dot} " if index else "", look.styles.muted)
        line.put(compact(value, room), style).put(f" {name}", look.styles.muted)
    return line


def _cells(text: str, look: Look) -> int:
    return Line(look).put(text).width
