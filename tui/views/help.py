"""The help: how to read the view that is shown, and what the keys do, from the table of actions."""

from __future__ import annotations

from collections.abc import Sequence

from textual.strip import Strip

from tui.actions import GROUPS, Action
from tui.look import Look
from tui.page import View
from tui.text import Line, wrap


def help_lines(width: int, look: Look, actions: Sequence[Action], view: View | None = None) -> list[Strip]:
    """The whole page, wrapped to ``width``; ``view`` None is home."""
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

    heading("How to read this view")
    for word, text in (view.reading if view is not None else _home(look)) or (("", "It explains itself."),):
        entry(f" {word}", "", text, 19)
    keys = max(len(action.shown) for action in actions) + 2
    for group, title in GROUPS:
        heading(title)
        for action in actions:
            if action.group == group:
                refused = look.read_only and action.changes_run
                told = action.help + (" Not on a read-only screen." if refused else "")
                entry(f" {action.shown}", action.title, told, keys)
    return lines


def _home(look: Look) -> tuple[tuple[str, str], ...]:
    glyphs = look.glyphs
    return (
        ("Ledger", "read = delivered + filtered + rejected + in flight. What is none of these is LOST."),
        ("Filtered", "A stage returned None for the record."),
        ("Rejected", "A stage refused the record; it is in the dead letters, with the reason."),
        ("Progress", "The share of the input that passed the stage; without a total, its rate, moving."),
        ("P50, P95", "Half of the records, and 95 of 100, take no longer than this."),
        ("Queue", "How full the queue before the stage is: green to 60 %, yellow to 85 %, red above."),
        ("Time", f"{glyphs.busy} busy, {glyphs.blocked} blocked by the next stage, {glyphs.idle} idle."),
        (f"{glyphs.mark} beside a stage", "It holds the others up: it is busy while others wait for it."),
        ("Memory", "The process, and below it each cache: length, bytes, verdict, and its length over time."),
        ("Events", "What the run says about itself, anomalies, and faults, newest first."),
    )  # fmt: skip
