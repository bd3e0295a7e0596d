"""What the keys do: one table, from which come the bindings, the footer, the help and the palette.

Nothing here needs Textual, so that ``keys`` lists the table without it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from run.live import Power

Group = Literal["views", "run", "recording", "looking", "moving", "screen"]
GROUPS: Final[tuple[tuple[Group, str], ...]] = (
    ("views", "Views"),
    ("run", "The run"),
    ("recording", "A recording"),
    ("looking", "Looking"),
    ("moving", "Moving about"),
    ("screen", "The screen"),
)


@dataclass(frozen=True, slots=True)
class Action:
    """Something a user can do.

    ``keys`` are key names with commas, ``shown`` is how the keys are written,
    ``short`` the word in the footer (empty: not there) and ``rank`` its importance there (low goes
    last when room is short). ``changes_run`` marks what a read-only screen refuses, ``power`` what a run
    must be able to do for it.
    """

    id: str
    keys: str
    shown: str
    action: str
    title: str
    help: str
    group: Group
    short: str = ""
    rank: int = 9
    changes_run: bool = False
    power: Power | None = None
    priority: bool = False
    view: str = ""
    """The view in which it can be done; empty: in all."""


ACTIONS: Final = (
    Action("view.home", "1", "1", "view('home')", "Home",
           "Stages, figures, memory, events: the whole run at a glance.", "views"),
    Action("view.stage", "2", "2", "view('stage')", "One stage",
           "Its latency as a histogram, its errors, threads and queue; left and right change the stage.",
           "views"),
    Action("view.ledger", "3", "3", "view('ledger')", "Ledger",
           "Where every record is: the equation of each source, stage and edge, and the ids missing.",
           "views"),
    Action("view.memory", "4", "4", "view('memory')", "Memory",
           "Caches and live objects by type: how many, how large, growing or not, and who holds them.",
           "views"),
    Action("view.records", "5", "5", "view('records')", "Records",
           "Records on their way, before and after each stage; enter follows one.", "views"),
    Action("view.letters", "6", "6", "view('letters')", "Dead letters",
           "The records that were rejected; enter shows one whole.", "views"),
    Action("view.timeline", "7", "7", "view('timeline')", "Anomalies and faults",
           "What was out of the ordinary, and what was put in on purpose, on one time axis.", "views"),
    Action("view.diagnosis", "8", "8", "view('diagnosis')", "Diagnosis",
           "How probable each cause is, the evidence, the experiments, and a fix.", "views"),
    Action("view.log", "9,l", "9 l", "view('log')", "Log",
           "What the pipeline logs and prints, newest first.", "views"),
    Action("view.settings", "0,comma", "0 ,", "view('settings')", "Settings",
           "Colours, glyphs, motion, and how often the screen looks; enter changes one.", "views"),
    Action(
        "run.pause", "p", "p", "pause", "Pause or resume",
        "Lets every stage stop after the batch at hand; pressed again, goes on.", "run", "pause", 1,
        changes_run=True,
    ),
    Action(
        "run.step_record", "n", "n", "step_record", "Step one record",
        "Pauses, and moves the record that is furthest along one hop on.", "run", "step", 4,
        changes_run=True,
    ),
    Action(
        "run.step_batch", "N", "N", "step_batch", "Step one batch",
        "Pauses, and moves the batch that is furthest along one hop on.", "run", "batch", 8,
        changes_run=True,
    ),
    Action(
        "run.faster", "plus,equals_sign", "+", "faster", "Raise the rate limit",
        "Reads 1.5 times as fast, where a limit is set.", "run", "faster", 6, changes_run=True,
    ),
    Action(
        "run.slower", "minus", "-", "slower", "Lower the rate limit",
        "Reads 1.5 times slower; without a limit it starts from the present rate.", "run", "slower", 6,
        changes_run=True,
    ),
    Action(
        "run.unlimited", "u", "u", "unlimited", "Lift the rate limit",
        "Reads as fast as the stages can take it.", "run", changes_run=True,
    ),
    Action(
        "run.fault", "f", "f", "fault", "Put a fault in",
        "Chooses a fault, its stage, strength, length and seed, and puts it into the run.", "run",
        "fault", 5, changes_run=True, power="inject",
    ),
    Action(
        "run.lift", "F", "F", "lift", "Lift all faults",
        "Takes out every fault that is at work.", "run", changes_run=True, power="inject",
    ),
    Action(
        "run.census", "g", "g", "census", "Count the objects",
        "Counts all live objects by type now; the memory view has the result.", "run", changes_run=True,
        power="census",
    ),
    Action(
        "run.diagnose", "d", "d", "diagnose", "Diagnose",
        "Looks for the cause of what is wrong, by experiments beside the run.", "run", "diagnose", 5,
        changes_run=True, power="diagnose",
    ),
    Action(
        "run.resend", "R", "R", "resend", "Send dead letters again",
        "When the run is over: sends one or all of them through the pipeline as its file is now.", "run",
        "send again", 1, power="resend", view="letters",
    ),
    Action(
        "run.drain", "x", "x", "drain", "Drain",
        "Reads no more, finishes what is in flight, then ends. The screen stays.", "run", "drain", 7,
        changes_run=True,
    ),
    Action("replay.back", "left_square_bracket", "[", "frame(-1)", "One frame back",
           "Stops, and shows the moment before.", "recording", "back", 3, power="seek"),
    Action("replay.forward", "right_square_bracket", "]", "frame(1)", "One frame on",
           "Stops, and shows the moment after.", "recording", "on", 3, power="seek"),
    Action("replay.slower", "less_than_sign", "<", "speed(0.5)", "Slower",
           "Lets time pass half as fast.", "recording", "slower", 4, power="seek"),
    Action("replay.faster", "greater_than_sign", ">", "speed(2)", "Faster",
           "Lets time pass twice as fast.", "recording", "faster", 4, power="seek"),
    Action("replay.previous", "left_curly_bracket", "{", "mark(-1)", "Previous anomaly or fault",
           "Goes back to where one began.", "recording", "mark before", 2, power="seek"),
    Action("replay.next", "right_curly_bracket", "}", "mark(1)", "Next anomaly or fault",
           "Goes on to where one began.", "recording", "next mark", 2, power="seek"),
    Action("replay.goto", "t", "t", "goto", "Go to a time",
           "Asks for a second of the run, as in 90 or 1:30.", "recording", "time", 5, power="seek"),
    Action("view.freeze", "space", "space", "freeze", "Freeze the view",
           "The screen stands still and the pipeline goes on; in a recording, plays it or stops.",
           "looking", "freeze", 6),
    Action("view.filter", "slash", "/", "filter", "Filter",
           "Shows only lines that hold a text; escape shows all again.", "looking", "filter", 6),
    Action("view.sort", "s", "s", "sort", "Sort", "Sorts by the next column.", "looking"),
    Action("view.reverse", "S", "S", "reverse", "Sort the other way", "Turns the order around.", "looking"),
    Action("view.maximise", "m", "m", "maximise", "Maximise",
           "Gives the panel with the cursor the whole screen, or takes it back.", "looking"),
    Action("view.interval", "r", "r", "interval", "Look more or less often",
           "Goes through 0.1, 0.25, 0.5, 1, 2 and 5 seconds between two looks.", "looking"),
    Action("view.export", "e", "e", "export", "Export the view",
           "Writes it to a file: CSV, SVG or text.", "looking"),
    Action("view.keep", "w", "w", "keep", "Keep the last minutes",
           "Writes the last five minutes of the run to a recording, for replay.", "looking", power="record"),
    Action("view.copy", "y", "y", "copy", "Copy",
           "Copies the line with the cursor, or the whole panel without one.", "looking"),
    Action("view.details", "i", "i", "details", "All there is",
           "Outcome, reasons, ids that are lost or twice, sources, the traceback.", "looking", "details", 7),
    Action("move.up", "up,k", "up k", "move('up')", "Up", "One line up.", "moving"),
    Action("move.down", "down,j", "down j", "move('down')", "Down", "One line down.", "moving"),
    Action("move.left", "left,h", "left h", "move('left')", "Left",
           "Closes a figure; the stage before.", "moving"),
    Action("move.right", "right", "right", "move('right')", "Right",
           "Opens a figure; the next stage.", "moving"),
    Action("move.page_up", "pageup,ctrl+b", "pgup ^b", "move('page_up')", "Page up", "A screenful up.",
           "moving"),
    Action("move.page_down", "pagedown,ctrl+f", "pgdn ^f", "move('page_down')", "Page down",
           "A screenful down.", "moving"),
    Action("move.top", "home", "home", "move('top')", "First line", "To the first line.", "moving"),
    Action("move.end", "end,G", "end G", "move('end')", "Last line", "To the last line.", "moving"),
    Action("move.open", "enter", "enter", "open", "Open",
           "Opens what the cursor is on: a figure, a stage, a record, a letter, a setting.", "moving"),
    Action("move.back", "escape", "esc", "step_back", "Back",
           "Closes what is open, ends a filter, then goes home.", "moving"),
    Action("move.next", "tab", "tab", "app.focus_next", "Next panel", "To the next panel.", "moving"),
    Action("move.previous", "shift+tab", "shift+tab", "app.focus_previous", "Previous panel",
           "To the panel before.", "moving"),
    Action(
        "app.help", "question_mark,f1", "?", "help", "Help",
        "Tells what the keys do here, and how to read the view.", "screen", "help", 2,
    ),
    Action("app.commands", "ctrl+p", "^p", "command_palette", "Commands",
           "Finds any of these by name.", "screen", "menu", 8),
    Action(
        "app.quit", "q", "q", "request_quit", "Quit",
        "Asks what to do with a run that is not over; leaves at once when it is.", "screen", "quit", 0,
    ),
    Action(
        "app.interrupt", "ctrl+c", "^c", "interrupt", "Drain and leave",
        "Drains, and leaves when that is done; pressed again, aborts and leaves at once.", "screen",
        priority=True,
    ),
)  # fmt: skip


def find(id: str) -> Action:
    """The action with this id."""
    return next(action for action in ACTIONS if action.id == id)
