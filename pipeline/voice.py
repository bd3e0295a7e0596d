"""What a run says of itself as a whole: how it is steered, what it failed of, and its end, the last event."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from pipeline.clock import Clock
from pipeline.events import Action, ControlChanged, EventBus, RunEnded, RunFailed


class Voice:
    """Safe to use from any thread, and in the middle of a word from a signal."""

    def __init__(self, bus: EventBus, clock: Clock) -> None:
        self._bus = bus
        self._clock = clock
        self._over = False
        self._speaking = threading.RLock()

    def steered(self, action: Action, value: float | None = None) -> None:
        """Somebody steers. What is asked for after the end comes too late, and is not told."""
        with self._speaking:
            if not self._over:
                self._bus.emit(ControlChanged(self._clock.monotonic(), action, value))

    def ended(self, failures: Iterable[RunFailed], *, complete: bool) -> None:
        """The run is over, by these failures if there are any."""
        with self._speaking:
            self._over = True
            for failure in failures:
                self._bus.emit(failure)
            self._bus.emit(RunEnded(self._clock.monotonic(), complete))
