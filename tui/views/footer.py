"""The footer: the keys that matter now, in one line; a click on one is as good as its key."""

from __future__ import annotations

from collections.abc import Sequence

from rich.style import Style
from textual.strip import Strip

from run.live import Power
from tui.actions import Action
from tui.look import Look
from tui.text import Line

_PAIRS = {
    "run.faster": ("run.slower", "rate"),
    "replay.back": ("replay.forward", "frame"),
    "replay.slower": ("replay.faster", "speed"),
    "replay.previous": ("replay.next", "mark"),
}
"""Actions that share one entry with another, and its word."""


def footer(
    width: int,
    look: Look,
    actions: Sequence[Action],
    powers: frozenset[Power],
    *,
    paused: bool = False,
    ended: bool = False,
    playing: bool = False,
    view: str = "",
) -> Strip:
    """As many keys as fit, in the order of the table; the least important ones give way."""
    recording = "seek" in powers
    shown = [
        action
        for action in actions
        if action.short
        and not ((action.changes_run or action.power == "resend") and look.read_only)
        and not (action.changes_run and (ended or recording))
        and (action.power is None or action.power in powers)
        and action.view in ("", view)
    ]
    words = {action.id: _word(action, paused=paused, ended=ended) for action in shown}
    if recording:
        words["view.freeze"] = "stop" if playing else "play"
    while shown and _line(shown, words, look).width > width:
        shown.remove(max(shown, key=lambda action: action.rank))
    return _line(shown, words, look).strip(width)


def _line(shown: Sequence[Action], words: dict[str, str], look: Look) -> Line:
    line = Line(look)
    present = {action.id: action for action in shown}
    second = {other for first, (other, _) in _PAIRS.items() if first in present}
    for action in shown:
        if action.id in second:
            continue
        key, word = action.shown, words[action.id]
        pair = _PAIRS.get(action.id)
        if pair is not None and pair[0] in present:
            key, word = key + present[pair[0]].shown, pair[1]
        click = Style(meta={"@click": f"app.{action.action}"})
        line.gap(2 if line.width else 1).put(key, look.styles.title + click)
        line.put(f" {word}", look.styles.muted + click)
    return line


def _word(action: Action, *, paused: bool, ended: bool) -> str:
    if action.id == "run.pause" and paused:
        return "resume"
    if action.id == "app.quit" and ended:
        return "leave"
    return action.short
