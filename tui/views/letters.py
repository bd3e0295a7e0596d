"""Dead letters: the records that were rejected, as a list."""

from __future__ import annotations

from metrics.format import count, plural
from run.live import LetterLine
from tui.look import Look
from tui.page import Page, Scene, View, note
from tui.text import Line
from tui.views.table import Column, table

AT_ONCE = 200
"""So many letters are asked for."""


def letters_page(scene: Scene) -> Page:
    """The letters that hold the filter's text; the run has filtered them."""
    look, letters = scene.look, scene.letters
    rejected = scene.snapshot.records.rejected
    head = Line(look).put(
        f" {plural(rejected, 'record')} rejected", look.styles.warn if rejected else look.styles.muted
    )
    can = "resend" in scene.powers and not look.read_only
    again = "R, when the run is over" if can else "monitor.py dlq replay"
    head.put(f"   enter: the whole letter   after a mend: {again}", look.styles.muted)
    if letters.problem or not letters.lines:
        why = letters.problem or ("none holds that text" if scene.ask.filter else "no record was rejected")
        return Page((head.cut(scene.width),), (note(look, why),))
    found = table(letters.lines, _columns(look), scene, lambda each: f"letter:{each.id}")
    rows = found.rows
    if letters.more:
        rows = (*rows, note(look, f"the first {count(len(letters.lines))}; a filter finds others"))
    return Page((head.cut(scene.width), found.heading), rows, found.cells)


def _columns(look: Look) -> list[Column[LetterLine]]:
    styles = look.styles
    return [
        Column("ID", 26, lambda each: each.id, wide=36, order=lambda each: each.id),
        Column("STAGE", 12, lambda each: each.stage, wide=16, style=lambda _: styles.muted,
               order=lambda each: each.stage),
        Column("TRIES", 5, lambda each: str(each.attempts), align="right", style=lambda _: styles.muted,
               order=lambda each: each.attempts),
        Column("REASON", 0, lambda each: each.reason, style=lambda _: styles.warn,
               order=lambda each: each.reason),
    ]  # fmt: skip


LETTERS = View(
    "letters",
    "DEAD LETTERS",
    letters_page,
    ("id", "stage", "tries", "reason"),
    (
        (
            "Letter",
            "The record as it was read, the stage that refused it, why, and the traceback if there is one.",
        ),
        (
            "Replay",
            "When the run is over, R sends one or all of them through the pipeline as its file is now; those "
            "that come through leave the list in one commit with their rows. `monitor.py dlq replay` does "
            "it too, also for a run that this screen is only attached to.",
        ),
    ),
)
