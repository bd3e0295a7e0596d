"""The footer: the keys that matter now, in one line; a click on one is as good as its key."""

from __future__ import annotations

from collections.abc import Sequence

from rich.style import Style
from textual.strip import Strip

from tui.actions import ACTIONS, Action
from tui.look import Look
from tui.text import Line


def footer(width: int, look: Look, *, paused: bool, ended: bool) -> Strip:
    """As many keys as fit, in the order of the table; the least important ones give way."""
    shown = [action for action in ACTIONS if action.short and not (ended and action.changes_run)]
    if look.read_only:
        shown = [action for action in shown if not action.changes_run]
    while shown and _line(shown, look, paused=paused, ended=ended).width > width:
        shown.remove(max(shown, key=lambda action: action.rank))
    return _line(shown, look, paused=paused, ended=ended).strip(width)


def _line(shown: Sequence[Action], look: Look, *, paused: bool, ended: bool) -> Line:
    line = Line(look)
    present = {action.id for action in shown}
    for action in shown:
        if action.id == "run.slower" and "run.faster" in present:
            continue
        key, word = action.shown, _word(action, paused=paused, ended=ended)
        if action.id == "run.faster" and "run.slower" in present:
            key, word = "+-", "rate"
        click = Style(meta={"@click": f"app.{action.action}"})
        line.gap(2 if line.width else 1).put(key, look.styles.title + click).put(
            f" {word}", look.styles.muted + click
        )
    return line


def _word(action: Action, *, paused: bool, ended: bool) -> str:
    if action.id == "run.pause" and paused:
        return "resume"
    if action.id == "app.quit" and ended:
        return "leave"
    return action.short
