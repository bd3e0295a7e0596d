"""How the full screen is to look and behave, and what shows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from run.live import LiveRun


@dataclass(frozen=True, slots=True)
class Display:
    """What the user asked of the screen. ``read_only`` takes away the keys that change the run."""

    read_only: bool = False


Show = Callable[[LiveRun, Display], int | None]
"""Shows a run full screen until the user leaves; gives the signal that ended it, if one did."""
