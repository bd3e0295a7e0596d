"""The full-screen monitor: puts panels, views and keys together, pulls snapshots, and draws what changed."""

from __future__ import annotations

import os
from typing import ClassVar, Final

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.geometry import Size
from textual.notifications import SeverityLevel
from textual.strip import Strip
from textual.timer import Timer

from metrics.snapshot import Snapshot
from run.display import Display
from run.live import LiveRun, Playhead
from tui.bindings import bindings, overlay
from tui.commands import ActionProvider
from tui.css import CSS
from tui.desk import HOME, Output
from tui.layout import Plan, plan
from tui.look import SKINS
from tui.metrics_panel import MetricsPanel
from tui.page import Page, Scene
from tui.page_panel import PagePanel
from tui.panel import Panel, SnapshotPanel
from tui.prompt import Prompt
from tui.run_actions import RunActions
from tui.screens import PageScreen
from tui.text import shorten
from tui.view_actions import ViewActions, look_for
from tui.views.board import board_page, board_title
from tui.views.events import events as event_lines
from tui.views.events import happenings
from tui.views.footer import footer
from tui.views.header import header
from tui.views.memory import memory_chart, rate_chart
from tui.views.registry import VIEWS
from tui.views.summary import summary, too_small
from tui.views.tabs import banners, tabs
from tui.views.verdict import MOST_LINES, verdict

LETTERS_S: Final = 2.0
"""How often the dead letters are asked for while they are shown."""
RESENT_S: Final = 15.0
"""How long it is told what became of those that were sent again."""


class MonitorApp(ViewActions, RunActions):
    """The screen. :meth:`run` returns the number of the signal that ended it, or None.

    The environment's NO_COLOR is honoured.
    """

    CSS = CSS
    ENABLE_COMMAND_PALETTE = True
    COMMANDS: ClassVar[set[type[ActionProvider]]] = {ActionProvider}  # type: ignore[assignment]
    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [*bindings()]

    def __init__(self, run: LiveRun, display: Display | None = None, *, output: Output | None = None) -> None:
        display = display or Display()
        # Textual takes NO_COLOR for "greys"; with its ANSI theme from the start it means no colours.
        colour = "NO_COLOR" not in os.environ
        look = look_for(display, colour=colour)
        super().__init__(run, display, look, ansi_color=None if colour else True)
        for skin in SKINS.values():
            self.register_theme(skin.theme)
        self.theme = SKINS[self.theme_name].theme.name if colour else "ansi-dark"
        self.set_class(look.ascii, "ascii")
        self.set_class(not colour, "plain")
        self._output = output
        self._timer: Timer | None = None
        self._plan: Plan | None = None
        self._head: Playhead | None = None
        self._connection = ""
        self._letters_in = 0.0
        self._resent = 0
        self._drawn_for: tuple[object, ...] = ()
        self._banners = Panel(id="banners", focusable=False)
        self._tabs = Panel(id="tabs", focusable=False)
        self._header = SnapshotPanel(header, look, id="header", focusable=False)
        self._verdict = SnapshotPanel(verdict, look, id="verdict", focusable=False)
        self._board = PagePanel(self._board_page, look, id="board", title="STAGES")
        self._metrics = MetricsPanel(look, id="metrics")
        self._rates = SnapshotPanel(rate_chart, look, id="rates", title="THROUGHPUT", focusable=False)
        self._memory = SnapshotPanel(memory_chart, look, id="memory", title="MEMORY", focusable=False)
        self._figures = Horizontal(self._metrics, self._rates, self._memory, id="figures")
        self._events = Panel(id="events", title="EVENTS")
        self._view = PagePanel(self._view_page, look, id="view", title="VIEW")
        self._summary = SnapshotPanel(summary, look, id="summary")
        self._card = Panel(id="card", focusable=False)
        self._prompt = Prompt()
        self._footer = Panel(id="footer", focusable=False)
        self._fed = (self._header, self._verdict, self._metrics, self._rates, self._memory, self._summary)

    @property
    def failure(self) -> Exception | None:
        """The error that ended the screen, if one did."""
        return self._exception

    def compose(self) -> ComposeResult:
        yield self._header
        yield self._tabs
        yield self._banners
        yield self._verdict
        yield self._board
        yield self._figures
        yield self._events
        yield self._view
        yield self._summary
        yield self._card
        yield self._prompt
        yield self._footer

    def on_mount(self) -> None:
        self.title = "Data Pipeline Monitor"
        self.set_keymap(overlay(self.actions))
        if self._output is not None:
            self._output.attach()
        self._board.focus()
        self.set_pace(self.interval)
        self.call_after_refresh(self.draw)

    def on_unmount(self) -> None:
        self._tap(False)

    def on_resize(self, _event: events.Resize) -> None:
        self.call_after_refresh(self.draw)

    def set_pace(self, interval: float) -> None:
        self.interval = interval
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_interval(interval, self.tick)

    def tick(self) -> None:
        # Asked before the snapshot is taken: when the run is over, the snapshot is its last word.
        over = self.live.finished and not self.is_recording
        snapshot, head, connection = self.live.snapshot, self.live.playhead, self.live.connection
        if self._output is not None:
            printed = self._output.collect()
            if printed:
                self.live.printed(printed)
        if over and self.leaving:
            self.exit(self.ended_by)
            return
        self._look_at_letters()
        self._look_at_resent()
        if self.frozen and not over:
            snapshot = self.shown
        same = snapshot is self.shown and over == self.over
        if same and head == self._head and connection == self._connection:
            return
        self.frozen &= not over
        self.shown, self.over, self._head, self._connection = snapshot, over, head, connection
        self.steering.observe(snapshot)
        self.draw()

    def _look_at_letters(self) -> None:
        if self.view != "letters" or self.frozen or "letters" not in self.live.powers:
            return
        self._letters_in -= self.interval
        if self._letters_in <= 0:
            self._letters_in = LETTERS_S
            before = self.letters
            self.read_letters()
            if self.letters != before:
                self._view.draw()

    def _look_at_resent(self) -> None:
        """Say once what became of dead letters that were sent again."""
        resent = self.live.resent
        if resent is None or resent.under_way or resent.number <= self._resent:
            return
        self._resent = resent.number
        severity: SeverityLevel = "information" if resent.sound else "error"
        self.notify(resent.text, timeout=RESENT_S, severity=severity, markup=False)
        if self.view == "letters":
            self.read_letters()
            self._view.draw()

    def draw(self) -> None:
        width, height = self.size
        self._arrange()
        snapshot, look = self.shown, self.look
        mode = self._plan.mode if self._plan is not None else "card"
        if mode == "card":
            self._card.show(too_small(width, height, look))
        else:
            self._draw_frame(snapshot, width)
        if self.view == HOME:
            for panel in self._fed:
                panel.feed(snapshot)
            title = shorten(board_title(snapshot, look), max(1, width - 6), look.glyphs.more)
            self._board.border_title = f" {title} "
            self._board.draw()
            if self._events.display and self._events.room.width > 0:
                self._events.show(event_lines(happenings(snapshot), self._events.room.width, look))
        else:
            self._header.feed(snapshot)
            self._view.draw()
        if isinstance(self.screen, PageScreen):
            self.screen.draw()

    def _draw_frame(self, snapshot: Snapshot, width: int) -> None:
        """Tabs, banners and footer."""
        look, head = self.look, self._head
        paused = snapshot.phase == "paused"
        self._banners.show(self._banner_lines(width))
        playing = head is not None and head.playing
        drawn_for = (width, id(look), self.view, self.live.powers, paused, self.over, playing)
        if drawn_for == self._drawn_for:
            return
        self._drawn_for = drawn_for
        self._tabs.show([tabs(width, look, self.view, self.actions)])
        keys = footer(
            width,
            look,
            self.actions,
            self.live.powers,
            paused=paused,
            ended=self.over,
            playing=playing,
            view=self.view,
        )
        self._footer.show([keys])

    def _banner_lines(self, width: int) -> list[Strip]:
        return banners(
            self.shown,
            width,
            self.look,
            frozen=self.frozen,
            paused=self.shown.phase == "paused",
            connection=self._connection,
            playhead=self._head,
        )

    def _arrange(self) -> None:
        width, height = self.size
        above = len(self._banner_lines(width))
        wanted = len(verdict(self.shown, width, MOST_LINES, self.look)) if self.over else 0
        new = plan(width, height, len(self.shown.stages), wanted, above, self.view, self.maximised)
        if new == self._plan:
            return
        self._plan = new
        home = self.view == HOME and new.mode == "full"
        other = self.view != HOME and new.mode != "card"
        self._header.display = home or other
        self._tabs.display = new.mode == "full" or other
        self._banners.display = above > 0 and new.mode != "card"
        self._banners.styles.height = above
        heights = (
            (self._verdict, new.verdict),
            (self._board, new.board),
            (self._figures, new.figures),
            (self._events, new.events),
        )
        for widget, lines in heights:
            widget.display = home and lines > 0
            widget.styles.height = lines
            widget.styles.margin = (0 if widget is self._verdict else new.gap, 0, 0, 0)
        inner = self.maximised if self.maximised in ("metrics", "rates", "memory") else None
        self._metrics.display = inner in (None, "metrics")
        self._rates.display = new.rate_chart and inner in (None, "rates")
        self._memory.display = inner in (None, "memory")
        self._view.display = other
        if other:
            self._view.border_title = f" {VIEWS[self.view].title} "
        self._summary.display = new.mode == "summary" and self.view == HOME
        self._card.display = new.mode == "card"
        self._footer.display = new.mode != "card"
        # What came into sight has no size yet.
        self.call_after_refresh(self.draw)

    def _scene(self, room: Size) -> Scene:
        return Scene(
            self.shown,
            room.width,
            room.height,
            self.look,
            self.ask,
            self.live.powers,
            self.letters,
            self._head,
            self.settings() if self.view == "settings" else (),
        )

    def _board_page(self, room: Size) -> Page:
        return board_page(self._scene(room))

    def _view_page(self, room: Size) -> Page:
        view = VIEWS.get(self.view)
        return view.draw(self._scene(room)) if view is not None else Page((), ())

    def wear(self, display: Display) -> None:
        self.asked_for = display
        self.look = look_for(display, colour=self.look.colour)
        if self.look.colour:
            self.theme = SKINS[self.theme_name].theme.name
        self.set_class(self.look.ascii, "ascii")
        for panel in (*self._fed, self._board, self._view):
            panel.dress(self.look)
        self._plan = None
        self.draw()

    def _fatal_error(self) -> None:
        # Textual would print a traceback with every local variable, records among them. The error goes
        # to whoever runs the screen instead, once the terminal is restored.
        self._close_messages_no_wait()
