"""The door to the other process: diagnosis knows a pipeline only through it."""

from __future__ import annotations

from typing import Protocol

from diagnosis.change import Change
from diagnosis.observation import Observation


class Launcher(Protocol):
    """Runs the pipeline, an opaque program, with one thing changed."""

    def launch(self, change: Change, deadline_s: float) -> Observation:
        """Run it in a process of its own, which is gone when this returns; never raises for what the
        pipeline does. After ``deadline_s`` seconds it is ended, with everything it started."""
        ...

    def command(self, change: Change) -> str:
        """What a person types to repeat that run."""
        ...
