"""The line of views, and the lines above the board that must not be overlooked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.style import Style
from textual.strip import Strip

from metrics.snapshot import FaultState, Snapshot
from run.live import Playhead
from tui.actions import Action
from tui.format import elapsed
from tui.look import Look
from tui.text import Line

_SHORT: Final = (
    ("home", "home", "home"),
    ("stage", "stage", "stage"),
    ("ledger", "ledger", "ledger"),
    ("memory", "memory", "mem"),
    ("records", "records", "recs"),
    ("letters", "dead letters", "dead"),
    ("timeline", "anomalies", "time"),
    ("diagnosis", "diagnosis", "why"),
    ("log", "log", "log"),
    ("settings", "settings", "set"),
)
"""Views with their name in a long and in a short tab."""


def tabs(width: int, look: Look, current: str, actions: Sequence[Action]) -> Strip:
    """Every view with its key; a click goes there."""
    keys = {action.id: action.shown.split(" ")[0] for action in actions}
    for form in ("long", "short", "keys"):
        line = Line(look)
        for id, name, short in _SHORT:
            click = Style(meta={"@click": f"app.view('{id}')"})
            chosen = id == current
            key = look.selected if chosen else look.styles.title
            word = look.selected if chosen else look.styles.muted
            line.put(f" {keys[f'view.{id}']}", key + click)
            text = name if form == "long" else short if form == "short" or chosen else ""
            line.put(f" {text} " if text else " ", word + click)
        if line.width <= width:
            break
    return line.cut(width).strip(width)


def banners(
    snapshot: Snapshot,
    width: int,
    look: Look,
    *,
    frozen: bool = False,
    paused: bool = False,
    connection: str = "",
    playhead: Playhead | None = None,
) -> list[Strip]:
    """What must be seen: faults at work, a lost connection, a pause, a frozen view, a recording's time."""
    styles = look.styles
    lines = []
    active = [fault for fault in snapshot.faults if fault.lifted_s is None and snapshot.phase != "ended"]
    if active:
        told = f" {look.glyphs.error} FAULT AT WORK: {', '.join(_fault(fault) for fault in active)}"
        lines.append(_banner(told, "" if playhead else "F lifts all", styles.bad_banner, width, look))
    if connection:
        lines.append(_banner(f" {look.glyphs.warning} {connection}", "", styles.bad_banner, width, look))
    if paused and playhead is None:
        told = f" {look.glyphs.stop} PIPELINE PAUSED: nothing moves"
        lines.append(_banner(told, "p goes on, n steps", styles.warn_banner, width, look))
    if frozen:
        told = f" {look.glyphs.stop} VIEW FROZEN at {elapsed(snapshot.elapsed_s)}: the pipeline goes on"
        lines.append(_banner(told, "space goes on", styles.warn_banner, width, look))
    if playhead is not None:
        lines.append(_playhead(playhead, width, look))
    return lines


def _fault(fault: FaultState) -> str:
    params = "".join(f",{name}={value}" for name, value in fault.params)
    return f"{fault.name}{f'@{fault.stage}' if fault.stage else ''}{params} since {elapsed(fault.at_s)}"


def _banner(told: str, hint: str, style: Style, width: int, look: Look) -> Strip:
    line = Line(look).cell(told, max(0, width - len(hint) - 2), Style(bold=True)).gap(1)
    return line.put(hint).strip(width, style)


def _playhead(head: Playhead, width: int, look: Look) -> Strip:
    """The recording as a line: playing or not, speed, where it stands, and its marks."""
    styles, glyphs = look.styles, look.glyphs
    line = Line(look).put(f" {glyphs.play if head.playing else glyphs.stop} ", styles.title)
    word = "PLAYING" if head.playing else "STOPPED"
    line.put(f"RECORDING {word} x{head.speed:g}  ", styles.text)
    times = f" {elapsed(head.at_s)} of {elapsed(head.end_s)}  frame {head.frame + 1:,}/{head.frames:,}"
    times += "" if head.whole else "  (breaks off)"
    room = width - line.width - len(times) - 1
    span = max(head.end_s - head.start_s, 1e-9)
    if room >= 8:
        here = min(room - 1, int((head.at_s - head.start_s) / span * room))
        marks = {min(room - 1, max(0, int((mark.at_s - head.start_s) / span * room))) for mark in head.marks}
        for cell in range(room):
            if cell == here:
                line.put(glyphs.open, styles.strong)
            elif cell in marks:
                line.put(glyphs.warning, styles.warn)
            else:
                line.put(
                    glyphs.bar if cell < here else glyphs.bar_rest,
                    styles.accent if cell < here else styles.rule,
                )
    return line.put(times, styles.muted).cut(width).strip(width)
