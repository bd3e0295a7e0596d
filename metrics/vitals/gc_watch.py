"""How long the cyclic collector stops the program."""

from __future__ import annotations

import gc
from collections.abc import Mapping

from pipeline.clock import Clock


class GcWatch:
    """Times every collection of the process from :meth:`begin` to :meth:`end`. A collection runs in the
    thread that happened to set it off, while the others wait, and never two at once."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since: float | None = None
        self.collections = 0
        self.pause_s = 0.0
        self.longest_s = 0.0

    def begin(self) -> None:
        """Listen to the collector; once is enough."""
        if self._heard not in gc.callbacks:
            gc.callbacks.append(self._heard)

    def end(self) -> None:
        """Listen no more."""
        if self._heard in gc.callbacks:
            gc.callbacks.remove(self._heard)

    def _heard(self, phase: str, _: Mapping[str, int]) -> None:
        if phase == "start":
            self._since = self._clock.monotonic()
        elif self._since is not None:
            took = self._clock.monotonic() - self._since
            self._since = None
            self.collections += 1
            self.pause_s += took
            self.longest_s = max(self.longest_s, took)
