"""The full-screen monitor: pulls a snapshot four times a second and steers the run with keys."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import ClassVar, Final, Protocol

from textual import events
from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.command import CommandPalette
from textual.containers import Horizontal

from metrics.snapshot import Notice, Snapshot
from run.live import LiveRun
from tui.actions import ACTIONS
from tui.commands import ActionProvider
from tui.css import CSS
from tui.layout import Plan, plan
from tui.look import THEME, Look
from tui.panel import MetricsPanel, Panel, SnapshotPanel
from tui.screens import Leave, PageScreen, QuitScreen
from tui.steering import Steering
from tui.views.board import board, legend
from tui.views.details import details
from tui.views.events import events as event_lines
from tui.views.footer import footer
from tui.views.header import header
from tui.views.help import help_lines
from tui.views.memory import memory_chart, rate_chart
from tui.views.summary import summary, too_small
from tui.views.verdict import MOST_LINES, verdict

INTERVAL: Final = 0.25


class Output(Protocol):
    """What stages printed while the screen was up."""

    def attach(self) -> None:
        """Begin to take hold of what is printed; called when the screen is up."""
        ...

    def collect(self, at_s: float) -> bool:
        """Take what was printed since the last call, as of ``at_s``; whether there was anything."""
        ...

    @property
    def notices(self) -> tuple[Notice, ...]:
        """The last lines, oldest first."""
        ...


class MonitorApp(App[int]):
    """The screen. :meth:`run` returns the number of the signal that ended it, or None.

    ``interval`` is in seconds. ``read_only`` refuses whatever would change the run, and leaves it
    alone on quitting. ``ascii`` draws with ASCII only. The environment's NO_COLOR is honoured.
    """

    CSS = CSS
    ENABLE_COMMAND_PALETTE = True
    COMMANDS: ClassVar[set[type[ActionProvider]]] = {ActionProvider}  # type: ignore[assignment]
    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [action.binding() for action in ACTIONS]

    def __init__(
        self,
        run: LiveRun,
        read_only: bool = False,
        interval: float = INTERVAL,
        *,
        ascii: bool = False,
        output: Output | None = None,
    ) -> None:
        # Textual takes NO_COLOR for "greys"; with its ANSI theme from the start it means no colours.
        colour = "NO_COLOR" not in os.environ
        super().__init__(ansi_color=None if colour else True)
        self.register_theme(THEME)
        self.theme = THEME.name if colour else "ansi-dark"
        self.set_class(ascii, "ascii")
        self.set_class(not colour, "plain")
        self._run = run
        self._interval = interval
        self._output = output
        self._look = Look.of(ascii=ascii, colour=colour, read_only=read_only)
        self._steering = Steering(run, read_only=read_only, tell=self._tell)
        self._snapshot: Snapshot = run.snapshot
        self._over = False
        self._leaving = False
        self._signal: int | None = None
        self._plan: Plan | None = None
        look = self._look
        self._header = SnapshotPanel(header, look, id="header", focusable=False)
        self._verdict = SnapshotPanel(verdict, look, id="verdict", focusable=False)
        self._board = SnapshotPanel(board, look, id="board", title=f"STAGES   {legend(look)}")
        self._metrics = MetricsPanel(look, id="metrics")
        self._rates = SnapshotPanel(rate_chart, look, id="rates", title="THROUGHPUT", focusable=False)
        self._memory = SnapshotPanel(memory_chart, look, id="memory", title="MEMORY", focusable=False)
        self._figures = Horizontal(self._metrics, self._rates, self._memory, id="figures")
        self._events = Panel(id="events", title="EVENTS")
        self._summary = SnapshotPanel(summary, look, id="summary")
        self._card = Panel(id="card", focusable=False)
        self._footer = Panel(id="footer", focusable=False)
        self._fed = (
            self._header,
            self._verdict,
            self._board,
            self._metrics,
            self._rates,
            self._memory,
            self._summary,
        )

    @property
    def failure(self) -> Exception | None:
        """The error that ended the screen, if one did."""
        return self._exception

    def compose(self) -> ComposeResult:
        yield self._header
        yield self._verdict
        yield self._board
        yield self._figures
        yield self._events
        yield self._summary
        yield self._card
        yield self._footer

    def on_mount(self) -> None:
        self.title = "Data Pipeline Monitor"
        if self._output is not None:
            self._output.attach()
        self._metrics.focus()
        self.set_interval(self._interval, self.tick)
        self.call_after_refresh(self._draw)

    def on_resize(self, _event: events.Resize) -> None:
        self.call_after_refresh(self._draw)

    def tick(self) -> None:
        """Pull the newest snapshot, and draw what changed."""
        # Asked before the snapshot is taken: when the run is over, the snapshot is its last word.
        over = self._run.finished
        snapshot = self._run.snapshot
        printed = self._output is not None and self._output.collect(snapshot.elapsed_s)
        if over and self._leaving:
            self.exit(self._signal)
            return
        if snapshot is self._snapshot and over == self._over and not printed:
            return
        self._snapshot, self._over = snapshot, over
        self._steering.observe(snapshot)
        self._draw()

    def _draw(self) -> None:
        self._arrange()
        snapshot, look = self._snapshot, self._look
        for panel in self._fed:
            panel.feed(snapshot)
        if self._events.display and self._events.room.width > 0:
            printed = self._output.notices if self._output is not None else ()
            self._events.show(event_lines((*snapshot.notices, *printed), self._events.room.width, look))
        width, height = self.size
        if self._card.display:
            self._card.show(too_small(width, height, look))
        else:
            paused = snapshot.phase == "paused"
            self._footer.show([footer(width, look, paused=paused, ended=self._over)])
        if isinstance(self.screen, PageScreen):
            self.screen.draw()

    def _arrange(self) -> None:
        width, height = self.size
        wanted = len(verdict(self._snapshot, width, MOST_LINES, self._look)) if self._over else 0
        new = plan(width, height, len(self._snapshot.stages), wanted)
        if new == self._plan:
            return
        self._plan = new
        full = new.mode == "full"
        self._header.display = full
        heights = (
            (self._verdict, new.verdict),
            (self._board, new.board),
            (self._figures, new.figures),
            (self._events, new.events),
        )
        for widget, lines in heights:
            widget.display = full and lines > 0
            widget.styles.height = lines
            widget.styles.margin = (0 if widget is self._verdict else new.gap, 0, 0, 0)
        self._rates.display = new.rate_chart
        self._summary.display = new.mode == "summary"
        self._card.display = new.mode == "card"
        self._footer.display = new.mode != "card"
        # What came into sight has no size yet.
        self.call_after_refresh(self._draw)

    def _tell(self, text: str) -> None:
        self.notify(text, timeout=3, markup=False)

    def _steer(self, step: Callable[[], None]) -> None:
        if self._over:
            self._tell("The run is over; q leaves.")
            return
        step()
        self.tick()

    def action_pause(self) -> None:
        self._steer(self._steering.pause)

    def action_step_record(self) -> None:
        self._steer(self._steering.step_record)

    def action_step_batch(self) -> None:
        self._steer(self._steering.step_batch)

    def action_faster(self) -> None:
        self._steer(self._steering.faster)

    def action_slower(self) -> None:
        self._steer(self._steering.slower)

    def action_unlimited(self) -> None:
        self._steer(self._steering.unlimited)

    def action_drain(self) -> None:
        self._steer(self._steering.drain)

    def action_help(self) -> None:
        self.push_screen(PageScreen("HELP", lambda width: help_lines(width, self._look)))

    def action_details(self) -> None:
        self.push_screen(PageScreen("DETAILS", lambda width: details(self._snapshot, width, self._look)))

    async def action_quit(self) -> None:
        self.action_request_quit()

    def action_command_palette(self) -> None:
        if not any(isinstance(screen, CommandPalette) for screen in self.screen_stack):
            self.push_screen(CommandPalette(placeholder="What to do?"))

    def action_request_quit(self) -> None:
        """Leave at once when the run is over; else ask what to do with it."""
        if self._run.finished:
            self.exit(self._signal)
        elif not isinstance(self.screen, QuitScreen):
            self.push_screen(QuitScreen(read_only=self._look.read_only), self._answered)

    def _answered(self, answer: Leave | None) -> None:
        if answer == "drain":
            self._leaving = True
            self._steering.drain()
            self.tick()
        elif answer == "abort":
            self._run.abort()
            self.exit(self._signal)
        elif answer == "leave":
            self.exit(self._signal)

    def action_interrupt(self) -> None:
        self.interrupt()

    def interrupt(self) -> None:
        """Ctrl+C or SIGINT: the first drains and then leaves, the second aborts and leaves at once."""
        if self._run.finished:
            self.exit(self._signal)
            return
        again, self._signal = self._signal is not None, signal.SIGINT
        if self._look.read_only:
            self.exit(self._signal)
        elif again:
            self._run.abort()
            self.exit(self._signal)
        else:
            self._leaving = True
            self._steering.drain()
            self._tell("Draining, then leaving. Ctrl+C again aborts.")

    def terminate(self, number: int) -> None:
        """SIGTERM or SIGHUP: let the run drain and give the terminal back at once."""
        self._signal = number
        if not self._look.read_only and not self._run.finished:
            self._run.drain()
        self.exit(number)

    def _fatal_error(self) -> None:
        # Textual would print a traceback with every local variable, records among them. The error goes
        # to whoever runs the screen instead, once the terminal is restored.
        self._close_messages_no_wait()
