"""What every group of keys works on: the run, what is shown of it, and what the user asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, Protocol

from textual.app import App

from metrics.snapshot import Snapshot
from pipeline.errors import ConfigurationError
from run.display import Display
from run.live import LiveRun, Power
from tui.actions import ACTIONS, Action
from tui.keymap import table
from tui.look import Look
from tui.page import Ask, Letters
from tui.steering import Steering

HOME: Final = "home"

_WITHOUT: Final[dict[Power, str]] = {
    "steer": "This run cannot be steered from here.",
    "inject": "No fault can be put into this run from here.",
    "census": "This run cannot count its objects.",
    "diagnose": "This run cannot be diagnosed from here.",
    "tap": "This run shows no records.",
    "letters": "This run does not show its dead letters.",
    "resend": "From here they cannot be sent again. `monitor.py dlq replay` does it, where progress is kept.",
    "record": "The last minutes of this run cannot be kept from here.",
    "seek": "This is no recording: time cannot be moved here.",
}
"""Why a key does nothing, where the run lacks the power for it."""


class Output(Protocol):
    """What stages printed while the screen was up."""

    def attach(self) -> None:
        """Begin to take hold of what is printed; called when the screen is up."""
        ...

    def collect(self) -> Sequence[str]:
        """Take the lines that were printed since the last call."""
        ...


class Desk(App[int]):
    """The state that actions share. What they ask of the run goes through :meth:`asked`."""

    def __init__(self, live: LiveRun, display: Display, look: Look, **options: object) -> None:
        super().__init__(**options)  # type: ignore[arg-type]
        self.live = live
        self.asked_for = display
        self.look = look
        self.interval = display.interval
        self.actions: tuple[Action, ...] = table(display.keys, display.keys_from) if display.keys else ACTIONS
        self.shown: Snapshot = live.snapshot
        self.over = False
        self.leaving = False
        self.frozen = False
        self.ended_by: int | None = None
        self.view = HOME
        self.asks: dict[str, Ask] = {}
        self.letters = Letters()
        self.maximised: str | None = None
        self.steering = Steering(live, tell=self.tell)

    @property
    def ask(self) -> Ask:
        """What the user asked of the view that is shown."""
        return self.asks.get(self.view, Ask())

    def want(self, **changes: object) -> None:
        """Ask something else of the view that is shown, and draw it."""
        self.asks[self.view] = replace(self.ask, **changes)  # type: ignore[arg-type]
        self.draw()

    @property
    def is_recording(self) -> bool:
        """Whether time can be moved."""
        return "seek" in self.live.powers

    def draw(self) -> None:
        """Draw everything that differs."""
        raise NotImplementedError

    def tick(self) -> None:
        """Pull the newest snapshot, and draw what changed."""
        raise NotImplementedError

    def tell(self, text: str) -> None:
        """Say something for some seconds."""
        self.notify(text, timeout=4, markup=False)

    def able(self, action: Action) -> bool:
        """Whether the run and this screen let an action be; else the user is told why not."""
        why = refusal(action, self)
        if why:
            self.tell(why)
        return not why

    def asked(self, step: Callable[[], object]) -> bool:
        """Ask something of the run; what it says against it is told. Whether it did it."""
        try:
            step()
        except ConfigurationError as error:
            self.tell(str(error))
            return False
        return True


def refusal(action: Action, desk: Desk) -> str:
    """Why an action cannot be done now, in words; "" where it can."""
    if action.changes_run:
        if desk.is_recording:
            return "This is a recording: what has passed cannot be changed. space plays it and stops it."
        if desk.asked_for.read_only:
            return "Read-only: this screen watches the run and cannot change it."
        if desk.over:
            return "The run is over; q leaves."
    needed: Power | None = action.power or ("steer" if action.changes_run else None)
    if needed is not None and needed not in desk.live.powers:
        return _WITHOUT[needed]
    return ""
