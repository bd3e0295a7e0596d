"""Keys that change what is looked at and how, and nothing else."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from pathlib import Path
from typing import Final

from run.display import Display
from run.live import LetterLine
from tui.actions import find
from tui.desk import HOME
from tui.export import write
from tui.look import SKINS, Look
from tui.page import Letters, Setting
from tui.page_panel import PagePanel
from tui.panel import Move, Panel
from tui.prompt import Prompt
from tui.replay_actions import ReplayActions
from tui.screens import FORMATS, ChoiceScreen, PageScreen
from tui.views.board import board_table
from tui.views.details import details, letter_lines
from tui.views.help import help_lines
from tui.views.letters import AT_ONCE
from tui.views.registry import VIEWS
from tui.views.stage import neighbour

INTERVALS: Final = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0)
MOST_COPIED: Final = 100_000
ID: Final = re.compile(r"\S+/.+:\d+(\.\d+)*")
"""A record's id, as ``orders/a.jsonl:17.2``."""


class ViewActions(ReplayActions):
    """None of these touches the run, but for the tap, which shows records while somebody looks."""

    # Which view

    def action_view(self, id: str) -> None:
        if id == self.view:
            return
        self._tap(id == "records")
        self.view, self.maximised = id, None
        self.query_one(Prompt).close()
        self.query_one("#view", PagePanel).forget()
        if id == "letters":
            self.read_letters()
        self.draw()
        self.focus_view()

    def focus_view(self) -> None:
        """Let keys go to the panel of the view that is shown."""
        wanted = "#board" if self.view == HOME else "#view"
        self.call_after_refresh(lambda: self.query_one(wanted, Panel).focus())

    def _tap(self, on: bool) -> None:
        if "tap" in self.live.powers and (on or self.view == "records") and not self.over:
            self.asked(lambda: self.live.tap(on))

    def read_letters(self) -> None:
        """Ask for the dead letters that the filter wants."""
        if "letters" not in self.live.powers:
            self.letters = Letters(
                problem="this run does not show its dead letters; `monitor.py dlq list` does"
            )
            return
        wanted = self.asks["letters"].filter if "letters" in self.asks else ""
        found: list[LetterLine] = []
        if self.asked(lambda: found.extend(self.live.letters(wanted, 0, AT_ONCE + 1))):
            self.letters = Letters(tuple(found[:AT_ONCE]), more=len(found) > AT_ONCE)
        else:
            self.letters = Letters(problem="the dead letters cannot be read now")

    # What the cursor does

    @property
    def panel(self) -> Panel:
        """The panel that keys go to."""
        focused = self.focused
        if self.view == HOME and isinstance(focused, Panel) and focused.id != "view":
            return focused
        return self.query_one("#board" if self.view == HOME else "#view", Panel)

    def action_move(self, where: Move) -> None:
        if self.view == "stage" and where in ("left", "right"):
            self.want(stage=neighbour(self.shown, self.ask.stage, 1 if where == "right" else -1))
        else:
            self.panel.move(where)

    def action_open(self, again: bool = True) -> None:
        panel = self.panel
        if again and isinstance(panel, PagePanel) and not panel.is_made:
            # Keys may come faster than the view that they are meant for.
            self.call_after_refresh(self.call_after_refresh, self.action_open, False)
            return
        if not panel.open_row():
            self.tell("There is nothing to open here.")

    def on_page_panel_opened(self, event: PagePanel.Opened) -> None:
        kind, _, rest = event.key.partition(":")
        if event.panel.id == "board" or (self.view == "ledger" and kind == "stage"):
            self.asks["stage"] = replace(self.asks.get("stage", self.ask), stage=rest, filter="")
            self.action_view("stage")
        elif kind == "setting":
            self.change_setting(rest)
        elif kind == "letter":
            self._show_letter(rest)
        elif self.view == "records" and event.key in self.ask.opened and self.ask.follow != rest:
            self._follow(rest)
        elif self.view == "timeline" and self.is_recording and event.key in self.ask.opened:
            self._go_to_span(event.key)
        else:
            self.want(opened=self.ask.opened ^ {event.key})

    def _follow(self, id: str | None) -> None:
        if self.able(replace(find("view.records"), power="tap")) and self.asked(lambda: self.live.follow(id)):
            self.want(follow=id)
            self.tell(f"Following {id}: n steps it on." if id is not None else "Following no record.")

    def _show_letter(self, id: str) -> None:
        text: list[str] = []
        if self.asked(lambda: text.append(self.live.letter(id))):
            self.push_screen(
                PageScreen(f"DEAD LETTER {id}", lambda width: letter_lines(text[0], width, self.look))
            )

    def _go_to_span(self, key: str) -> None:
        from tui.views.timeline import spans

        span = next((span for span in spans(self.shown) if span.key == key), None)
        if span is not None:
            self.seek_to(span.at_s)

    def action_step_back(self) -> None:
        """Close what is open, from the inside out: a question, a filter, a record, the view."""
        prompt = self.query_one(Prompt)
        if prompt.display:
            prompt.close()
            if prompt.purpose == "filter":
                self.want(filter="")
                self._filtered()
            self.focus_view()
        elif self.maximised is not None:
            self.action_maximise()
        elif self.ask.filter:
            self.want(filter="")
            self._filtered()
        elif self.view == "records" and self.ask.follow is not None:
            self._follow(None)
        elif self.view != HOME:
            self.action_view(HOME)

    # What is shown of it

    def action_freeze(self) -> None:
        if self.is_recording:
            self.toggle_playing()
            return
        self.frozen = not self.frozen
        self.draw()
        if self.frozen:
            self.tell("The view is frozen; the pipeline goes on.")
        else:
            self.tick()

    def action_filter(self) -> None:
        if self.view == HOME or not VIEWS[self.view].filters:
            self.tell("This view has nothing to filter.")
        else:
            self.query_one(Prompt).ask("filter", "filter: ", self.ask.filter)

    def action_goto(self) -> None:
        if self.able(find("replay.goto")):
            self.query_one(Prompt).ask("goto", "go to (seconds, or 1:30): ", "")

    def on_prompt_typed(self, event: Prompt.Typed) -> None:
        if event.purpose == "filter":
            self.want(filter=event.text)
            self._filtered()

    def on_prompt_answered(self, event: Prompt.Answered) -> None:
        if event.purpose == "goto":
            self.go_to(event.text)
        elif self.view == "records" and ID.fullmatch(event.text.strip()):
            self.want(filter="")
            self._follow(event.text.strip())
        else:
            self.want(filter=event.text)
            self._filtered()
        self.focus_view()

    def _filtered(self) -> None:
        if self.view == "letters":
            self.read_letters()
            self.draw()

    def action_sort(self) -> None:
        columns = () if self.view == HOME else VIEWS[self.view].columns
        if not columns:
            self.tell("This view keeps its own order.")
            return
        sort = (self.ask.sort + 1) % (len(columns) + 1)
        self.want(sort=sort)
        self.tell(f"Sorted by {columns[sort - 1]}." if sort else "In its own order.")

    def action_reverse(self) -> None:
        if self.view == HOME:
            self.tell("Stages stand in the order of the flow.")
        else:
            self.want(reverse=not self.ask.reverse)

    def action_maximise(self) -> None:
        if self.view != HOME:
            self.tell("This view has the whole screen already.")
            return
        focused = self.focused
        self.maximised = focused.id if self.maximised is None and focused is not None else None
        self.draw()

    def action_interval(self) -> None:
        later = [each for each in INTERVALS if each > self.interval + 1e-9]
        self.set_pace(later[0] if later else INTERVALS[0])
        self.tell(f"Looks at the run every {self.interval:g} s.")

    def set_pace(self, interval: float) -> None:
        """Look at the run every so many seconds."""
        raise NotImplementedError

    # What is taken away from it

    def action_export(self) -> None:
        self.push_screen(ChoiceScreen("Export this view as", FORMATS), self._export)

    def _export(self, kind: str | None) -> None:
        if kind is not None:
            # The question itself is not to be in the picture.
            self.call_after_refresh(lambda: self.call_later(self._write, kind))

    def _write(self, kind: str) -> None:
        try:
            path = write(self, kind, self.view, self.table, time.strftime("%Y%m%d-%H%M%S"))
        except OSError as error:
            self.tell(f"It could not be written: {error.strerror or error}")
        else:
            self.tell(f"Wrote {path}")

    def action_keep(self) -> None:
        name = "".join(each if each.isalnum() else "-" for each in self.shown.pipeline)
        path = Path.cwd() / f"monitor-{name}-{time.strftime('%Y%m%d-%H%M%S')}.rec"
        if self.able(find("view.keep")) and self.asked(lambda: self.live.save_recording(str(path))):
            self.tell(f"Wrote {path}")

    @property
    def table(self) -> tuple[tuple[str, ...], ...]:
        """The view that is shown, as a heading and lines of texts."""
        if self.view == HOME:
            return board_table(self.shown.stages)
        return self.query_one("#view", PagePanel).page.table

    def action_copy(self) -> None:
        text = self.panel.copied[:MOST_COPIED]
        self.copy_to_clipboard(text)
        lines = text.count("\n") + 1
        self.tell(
            f"Copied {'a line' if lines == 1 else f'{lines} lines'}, if your terminal lets a program do so."
        )

    def action_help(self) -> None:
        view = VIEWS.get(self.view)
        title = "HELP" if view is None else f"HELP: {view.title}"
        self.push_screen(PageScreen(title, lambda width: help_lines(width, self.look, self.actions, view)))

    def action_details(self) -> None:
        self.push_screen(PageScreen("DETAILS", lambda width: details(self.shown, width, self.look)))

    # Settings

    def settings(self) -> tuple[Setting, ...]:
        """What can be set while the screen is up, and how it was started."""
        asked, look = self.asked_for, self.look
        plain = "NO_COLOR is set" if not look.colour else f"one of {', '.join(SKINS)}"
        powers = ", ".join(sorted(self.live.powers)) or "none"
        return (
            Setting("theme", "colours", self.theme_name if look.colour else "none", plain, look.colour),
            Setting("ascii", "glyphs", "ASCII" if look.ascii else "Unicode", "bars, lines and signs"),
            Setting("motion", "motion", "full" if look.motion else "reduced", "what moves by itself"),
            Setting("interval", "looks at the run", f"every {self.interval:g} s", "r changes it too"),
            Setting("mouse", "mouse", "taken" if asked.mouse else "left to the terminal",
                    "--no-mouse gives the terminal's own selection back", changes=False),
            Setting("read_only", "keys that change the run", "off" if asked.read_only else "on",
                    "--read-only takes them away", changes=False),
            Setting("keys", "other keys", f"{len(asked.keys)} of them" if asked.keys else "none",
                    asked.keys_from or "`monitor.py keys` lists all", changes=False),
            Setting("powers", "this run can", f"{len(self.live.powers)} things", powers, changes=False),
        )  # fmt: skip

    @property
    def theme_name(self) -> str:
        """The name of the theme that is on."""
        return self.asked_for.theme or next(iter(SKINS))

    def change_setting(self, id: str) -> None:
        """Give a setting its next value."""
        if id == "interval":
            self.action_interval()
        elif id == "theme" and self.look.colour:
            names = list(SKINS)
            self.wear(replace(self.asked_for, theme=names[(names.index(self.theme_name) + 1) % len(names)]))
        elif id == "ascii":
            self.wear(replace(self.asked_for, ascii=not self.look.ascii))
        elif id == "motion":
            self.wear(replace(self.asked_for, reduced_motion=self.look.motion))
        else:
            self.tell("This is set when the monitor starts.")
        self.draw()

    def wear(self, display: Display) -> None:
        """Draw as the display says from now on."""
        raise NotImplementedError


def look_for(display: Display, *, colour: bool) -> Look:
    """The look that a display asks for."""
    return Look.of(
        ascii=bool(display.ascii),
        colour=colour,
        read_only=display.read_only,
        theme=display.theme or next(iter(SKINS)),
        motion=not display.reduced_motion,
    )
