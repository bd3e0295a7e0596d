"""The help: what the keys do, from the table of actions, and how to read the screen."""

from __future__ import annotations

from textual.strip import Strip

from tui.actions import ACTIONS, MOVES
from tui.look import Look
from tui.text import Line, wrap


def help_lines(width: int, look: Look) -> list[Strip]:
    """The whole page, wrapped to ``width``."""
    styles = look.styles
    lines: list[Strip] = []

    def entry(key: str, title: str, text: str, room: int) -> None:
        for number, part in enumerate(wrap(f"{title}. {text}" if title else text, width - room)):
            line = Line(look).cell(key if number == 0 else "", room, styles.title)
            lines.append(line.put(part, styles.text).strip(width))

    def heading(text: str) -> None:
        if lines:
            lines.append(Line(look).strip(width))
        lines.append(Line(look).put(text, styles.strong).strip(width))

    heading("Keys")
    for action in ACTIONS:
        key = "? F1" if action.id == "app.help" else action.shown
        refused = look.read_only and action.changes_run
        entry(f" {key}", action.title, action.help + (" Not on a read-only screen." if refused else ""), 7)
    heading("Moving about")
    for key, text in MOVES:
        entry(f" {key}", "", text, 18)
    heading("How to read it")
    for word, text in _reading(look):
        entry(f" {word}", "", text, 18)
    return lines


def _reading(look: Look) -> tuple[tuple[str, str], ...]:
    glyphs = look.glyphs
    return (
        ("Ledger", "read = delivered + filtered + rejected + in flight. What is none of these is LOST."),
        ("Filtered", "A stage returned None for the record."),
        ("Rejected", "A stage refused the record; it is in the dead letters, with the reason."),
        ("Progress", "The share of the input that passed the stage; without a total, its rate."),
        ("P95", "95 of 100 records take no longer than this."),
        ("Queue", "How full the queue before the stage is: green to 60 %, yellow to 85 %, red above."),
        ("Time", f"{glyphs.busy} busy, {glyphs.blocked} blocked by the next stage, {glyphs.idle} idle."),
        (f"{glyphs.mark} beside a stage", "It holds the others up: it is busy while others wait for it."),
        ("Events", "What the run says about itself, and what stages print, newest first."),
    )  # fmt: skip
