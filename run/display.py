"""How the full screen is to look and behave, and what shows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from run.live import LiveRun


@dataclass(frozen=True, slots=True)
class Display:
    """What the user asked of the screen.

    ``read_only`` takes away the keys that change the run. ``interval`` is the seconds between two looks at
    it. ``theme`` is one of the screen's own, None its choice; ``ascii`` None leaves that to the terminal.
    ``screen_reader`` asks for plain labelled lines. ``keys`` are pairs of an action's id and the keys that it
    is to have instead of its own, with commas; ``keys_from`` says where they were read, for error messages.
    """

    read_only: bool = False
    interval: float = 0.25
    theme: str | None = None
    ascii: bool | None = None
    mouse: bool = True
    reduced_motion: bool = False
    screen_reader: bool = False
    keys: tuple[tuple[str, str], ...] = ()
    keys_from: str = ""


@runtime_checkable
class Checks(Protocol):
    """A front end that tells beforehand what it cannot show."""

    def check(self, display: Display) -> None:
        """Raise :class:`~pipeline.errors.ConfigurationError`."""
        ...


def check(show: object, display: Display) -> None:
    """Let a front end say what it cannot show, before anything runs. Raises
    :class:`~pipeline.errors.ConfigurationError`."""
    if isinstance(show, Checks):
        show.check(display)


Show = Callable[[LiveRun, Display], int | None]
"""Shows a run full screen until the user leaves; gives the signal that ended it, if one did."""
