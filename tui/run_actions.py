"""Keys that change the run, and those that leave it."""

from __future__ import annotations

import signal
from collections.abc import Callable

from textual.command import CommandPalette

from run.live import FaultChoice
from tui.actions import find
from tui.desk import Desk
from tui.fault_screen import FaultScreen
from tui.page_panel import PagePanel
from tui.screens import QuitScreen, ResendScreen


class RunActions(Desk):
    """Each refuses, in words, what the run or the screen does not allow."""

    def _steer(self, id: str, step: Callable[[], object]) -> None:
        if self.able(find(id)) and self.asked(step):
            self.tick()

    def action_pause(self) -> None:
        self._steer("run.pause", self.steering.pause)

    def action_step_record(self) -> None:
        self._steer("run.step_record", self.steering.step_record)

    def action_step_batch(self) -> None:
        self._steer("run.step_batch", self.steering.step_batch)

    def action_faster(self) -> None:
        self._steer("run.faster", self.steering.faster)

    def action_slower(self) -> None:
        self._steer("run.slower", self.steering.slower)

    def action_unlimited(self) -> None:
        self._steer("run.unlimited", self.steering.unlimited)

    def action_drain(self) -> None:
        self._steer("run.drain", self.steering.drain)

    def action_census(self) -> None:
        if self.able(find("run.census")) and self.asked(self.live.take_census):
            self.tell("Counting the objects; 4 shows them.")

    def action_diagnose(self) -> None:
        if self.able(find("run.diagnose")) and self.asked(self.live.diagnose):
            self.tell("Looking for the cause; 8 shows how far it is.")

    def action_resend(self) -> None:
        """Ask which dead letters to send again, and do it when that is confirmed."""
        if self.asked_for.read_only:
            self.tell("Read-only: this screen watches the run and cannot change it.")
        elif self.able(find("run.resend")):
            if self.view != "letters":
                self.tell("That is done where they are shown: 6.")
            elif not self.over:
                self.tell("The run still writes them: x drains it, and when it is over R sends them.")
            elif not self.letters.lines:
                self.tell("There is none to send.")
            else:
                cursor = self.query_one("#view", PagePanel).cursor or ""
                self.push_screen(ResendScreen(cursor.removeprefix("letter:")), self._resend)

    def _resend(self, answer: str | None) -> None:
        if answer is None or answer == "stay":
            return
        ids = [] if answer == "all" else [answer]
        if self.asked(lambda: self.live.resend_letters(ids)):
            self.tell("Sending, through the pipeline as its file is now.")

    def action_fault(self) -> None:
        if not self.able(find("run.fault")):
            return
        choices: list[FaultChoice] = []
        if self.asked(lambda: choices.extend(self.live.faults())):
            self.push_screen(FaultScreen(choices, self.ask.stage), self._fault_chosen)

    def _fault_chosen(self, fault: str | None) -> None:
        if fault is not None and self.asked(lambda: self.live.inject(fault)):
            self.tell(f"Put in: {fault}. F lifts it.")
            self.tick()

    def action_lift(self) -> None:
        if not self.able(find("run.lift")):
            return
        active = [fault for fault in self.shown.faults if fault.lifted_s is None]
        if self.asked(self.live.lift_faults):
            self.tell("All faults lifted." if active else "No fault is at work.")
            self.tick()

    # Leaving

    async def action_quit(self) -> None:
        self.action_request_quit()

    def action_command_palette(self) -> None:
        if not any(isinstance(screen, CommandPalette) for screen in self.screen_stack):
            self.push_screen(CommandPalette(placeholder="What to do?"))

    @property
    def _leaves_alone(self) -> bool:
        """Whether to leave neither drains the run nor ends it."""
        return self.asked_for.read_only or not self.live.owned

    def action_request_quit(self) -> None:
        """Leave at once when the run is over, or is not this screen's; else ask what to do with it."""
        if self.live.finished or not self.live.owned:
            self.exit(self.ended_by)
        elif not isinstance(self.screen, QuitScreen):
            self.push_screen(QuitScreen(ours=not self._leaves_alone), self._answered)

    def _answered(self, answer: str | None) -> None:
        if answer == "drain":
            self.leaving = True
            self.live.drain()
            self.tick()
        elif answer == "abort":
            self.live.abort()
            self.exit(self.ended_by)
        elif answer == "leave":
            self.exit(self.ended_by)

    def action_interrupt(self) -> None:
        self.interrupt()

    def interrupt(self) -> None:
        """Ctrl+C or SIGINT: the first drains and then leaves, the second aborts and leaves at once."""
        if self.live.finished:
            self.exit(self.ended_by)
            return
        again, self.ended_by = self.ended_by is not None, signal.SIGINT
        if self._leaves_alone:
            self.exit(self.ended_by if self.live.owned else None)
        elif again:
            self.live.abort()
            self.exit(self.ended_by)
        else:
            self.leaving = True
            self.live.drain()
            self.tell("Draining, then leaving. Ctrl+C again aborts.")

    def terminate(self, number: int) -> None:
        """SIGTERM or SIGHUP: let the run drain and give the terminal back at once."""
        self.ended_by = number
        if not self._leaves_alone and not self.live.finished:
            self.live.drain()
        self.exit(number)
