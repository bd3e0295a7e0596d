"""How many records a stage has taken, and at which of them its containers are read."""

from __future__ import annotations

import threading

from pipeline.events import StageWorked

MIN_READINGS = 6
"""Of a stage, before it is said that none of its containers grows."""
STEP = 1.04
"""By how much more records there are at the next reading."""


class StageCounts:
    """What a stage has taken and holds, in records, and when its containers are read next."""

    __slots__ = ("_due", "_lock", "held", "readings", "taken")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._due = 1
        self.taken = 0
        self.held = 0
        self.readings = 0

    def add(self, event: StageWorked) -> bool:
        """Count it, and tell whether a reading is due."""
        with self._lock:
            self.taken += event.taken
            self.held += event.taken + event.created - event.given - event.filtered - event.rejected
            if self.taken < self._due:
                return False
            self._due = max(self.taken + 1, round(self.taken * STEP))
            self.readings += 1
            return True
