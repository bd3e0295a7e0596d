"""Whether other programs take the machine, so that what a run shows is not its own doing."""

from __future__ import annotations

from metrics.detectors.middle import Middle
from metrics.snapshot import Snapshot

WINDOW = 300
WAITING = 0.5
"""So many more of the run's threads than usual are ready and wait for a processor."""
STOLEN = 0.1
OWN_CORES = 0.75
"""A run that has so much of the processors waits for itself."""
ECHO_S = 10.0
"""Readings are those of the last seconds: for so long they still tell of a crowd that is gone."""
STAYS_S = 300


class Crowd:
    """Looks once a second, for one thread. What is usual is the median of the seconds without a crowd."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """What is now is what is usual."""
        self._waits = Middle(WINDOW)
        self._until = -1.0
        self._seconds = 0

    @property
    def has_come_to_stay(self) -> bool:
        """Whether it has lasted so long that this is how the machine is."""
        return self._seconds >= STAYS_S

    def look(self, snapshot: Snapshot, at: float) -> bool:
        """Whether the readings of this second tell of the machine more than of the run."""
        if self._is_crowded(snapshot):
            self._until = at + ECHO_S
        is_echo = at < self._until
        self._seconds = self._seconds + 1 if is_echo else 0
        return is_echo

    def _is_crowded(self, snapshot: Snapshot) -> bool:
        resources = snapshot.resources
        if resources.steal is not None and resources.steal >= STOLEN:
            return True
        waits, own = resources.run_wait, resources.cpu
        if waits is None or (own is not None and own >= OWN_CORES):
            return False
        if len(self._waits) and waits >= self._waits.median + WAITING:
            return True
        self._waits.add(waits)
        return False
