"""What the keys do: one table, from which come the bindings, the footer, the help and the palette."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from textual.binding import Binding


@dataclass(frozen=True, slots=True)
class Action:
    """Something a user can do.

    ``keys`` are Textual's key names with commas, ``shown`` is how the keys are written,
    ``short`` the word in the footer (empty: not there) and ``rank`` its importance there (low goes
    last when room is short). ``changes_run`` marks what a read-only screen refuses.
    """

    id: str
    keys: str
    shown: str
    action: str
    title: str
    help: str
    short: str = ""
    rank: int = 9
    changes_run: bool = False
    priority: bool = False

    def binding(self) -> Binding:
        return Binding(
            self.keys,
            self.action,
            self.title,
            id=self.id,
            key_display=self.shown,
            priority=self.priority,
        )


ACTIONS: Final = (
    Action(
        "run.pause", "p", "p", "pause", "Pause or resume",
        "Lets every stage stop after the batch at hand; pressed again, goes on.", "pause", 1,
        changes_run=True,
    ),
    Action(
        "run.step_record", "n", "n", "step_record", "Step one record",
        "Pauses, and moves the record that is furthest along one hop on.", "step", 4, changes_run=True,
    ),
    Action(
        "run.step_batch", "N", "N", "step_batch", "Step one batch",
        "Pauses, and moves the batch that is furthest along one hop on.", "batch", 5, changes_run=True,
    ),
    Action(
        "run.faster", "plus,equals_sign", "+", "faster", "Raise the rate limit",
        "Reads 1.5 times as fast, where a limit is set.", "faster", 6, changes_run=True,
    ),
    Action(
        "run.slower", "minus", "-", "slower", "Lower the rate limit",
        "Reads 1.5 times slower; without a limit it starts from the present rate.", "slower", 6,
        changes_run=True,
    ),
    Action(
        "run.unlimited", "0", "0", "unlimited", "Lift the rate limit",
        "Reads as fast as the stages can take it.", changes_run=True,
    ),
    Action(
        "run.drain", "x", "x", "drain", "Drain",
        "Reads no more, finishes what is in flight, then ends. The screen stays.", "drain", 3,
        changes_run=True,
    ),
    Action("view.details", "d", "d", "details", "Details",
           "Sources, reasons of rejections, ids that are lost or twice, the traceback.", "details", 7),
    Action(
        "app.quit", "q", "q", "request_quit", "Quit",
        "Asks what to do with a run that is not over; leaves at once when it is.", "quit", 0,
    ),
    Action(
        "app.help", "question_mark,f1", "?", "help", "Help",
        "Shows what the keys do and how to read the screen.", "help", 2,
    ),
    Action("app.commands", "ctrl+p", "^p", "command_palette", "Commands",
           "Finds any of these by name.", "menu", 8),
    Action(
        "app.interrupt", "ctrl+c", "^c", "interrupt", "Drain and leave",
        "Drains, and leaves when that is done; pressed again, aborts and leaves at once.", priority=True,
    ),
)  # fmt: skip

MOVES: Final = (
    ("tab / shift+tab", "Moves from panel to panel."),
    ("up / down", "Moves within the panel; page up, page down, home and end too."),
    ("enter / right", "Opens a figure of the metrics, stage by stage; left closes it."),
    ("escape", "Closes what is open: help, details, commands, a question."),
)
