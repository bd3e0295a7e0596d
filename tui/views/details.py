"""Everything a snapshot knows that has no room on the board; shown on a screen that scrolls."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.style import Style
from textual.strip import Strip

from metrics.format import count, printable
from metrics.snapshot import Snapshot
from tui.format import UNKNOWN
from tui.look import Look
from tui.text import Line, wrap
from tui.views.verdict import outcome


def details(snapshot: Snapshot, width: int, look: Look) -> list[Strip]:
    """Outcome, reasons, ids that are lost or twice, disagreements, rejections, sources, traceback."""
    styles, records = look.styles, snapshot.records
    page = _Page(width, look)
    glyph, style = look.status(snapshot.status)
    page.text(f"{glyph} {snapshot.status.upper()}", style + Style(bold=True))
    page.text(
        outcome(snapshot) if snapshot.phase == "ended" else f"{snapshot.phase}, not over yet", styles.text
    )
    page.section("Why", snapshot.reasons)
    page.section("Problem", [snapshot.problem] if snapshot.problem else [], styles.bad)
    page.section(f"Lost ids ({count(records.lost)})", records.lost_ids, styles.bad)
    page.section(f"Ids written twice ({count(records.duplicated)})", records.duplicated_ids, styles.bad)
    if records.truncated:
        page.text("  the lists are cut; the report holds the counts", styles.muted)
    page.section("The books disagree", snapshot.disagreements, styles.bad)
    page.section(
        "Rejected, by reason",
        [
            f"{count(reason.count)} {look.glyphs.times} {reason.stage}: {reason.reason}"
            for reason in sorted(snapshot.rejections, key=lambda reason: -reason.count)
        ],
        styles.warn,
    )
    page.section("Sources", [], heading=True)
    for source in snapshot.sources:
        total = UNKNOWN if source.total is None else count(source.total)
        page.text(f"  {source.name}/{source.partition}{'  (ended)' if source.ended else ''}", styles.text)
        page.text(
            f"    read {count(source.read)} of {total}, delivered {count(source.delivered)}, "
            f"filtered {count(source.filtered)}, rejected {count(source.rejected)}, "
            f"in flight {count(source.in_flight)}, lost {count(source.lost)}",
            styles.muted,
        )
        if source.error:
            page.text(f"    {source.error}", styles.bad)
    page.section(
        "Traceback", (snapshot.traceback or "").rstrip("\n").split("\n") if snapshot.traceback else []
    )
    return page.lines


class _Page:
    """Lines under construction, wrapped to a width."""

    def __init__(self, width: int, look: Look) -> None:
        self._width = width
        self._look = look
        self.lines: list[Strip] = []

    def text(self, text: str, style: Style) -> None:
        indent = len(text) - len(text.lstrip(" "))
        body = printable(text[indent:], ascii=self._look.ascii)
        for part in wrap(body, self._width - indent):
            self.lines.append(Line(self._look).gap(indent).put(part, style).strip(self._width))

    def section(
        self,
        title: str,
        texts: Sequence[str] | Iterable[str],
        style: Style | None = None,
        heading: bool = False,
    ) -> None:
        texts = list(texts)
        if not texts and not heading:
            return
        self.lines.append(Line(self._look).strip(self._width))
        self.text(title, self._look.styles.title)
        for text in texts:
            self.text(f"  {text}", style or self._look.styles.text)


def letter_lines(text: str, width: int, look: Look) -> list[Strip]:
    """A dead letter, as the run tells it, wrapped to ``width``."""
    page = _Page(width, look)
    for line in text.split("\n"):
        page.text(line, look.styles.text)
    return page.lines
