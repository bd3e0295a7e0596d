"""Whether open files and threads grow: what is opened for records and never closed.

A run opens files and threads of its own when it begins, and lets go of them in the end, so that a comparison
with the start says little. What a leak moves is the floor: of each of four stretches of the run (after the
first fifth) only the lowest reading counts, and it must rise from each to the next.
"""

from __future__ import annotations

from itertools import pairwise

from metrics.format import plural
from metrics.memory_state import MemoryVerdict
from metrics.snapshot import Snapshot

KEPT = 64
STRETCHES = 4
WARM_UP = 0.2
LEAST = 10
"""So many readings there must be before a floor is seen."""

FILES_RISEN, THREADS_RISEN = 8, 4
"""Growth of the floor that counts."""
FILES_OF_A_RUN, THREADS_OF_A_RUN = 32, 24
"""So many, beside one a partition or a worker, a run may have more than there were before it."""


class Floor:
    """The lowest readings of equally long parts of the run, oldest first; a bounded number of them."""

    def __init__(self) -> None:
        self._lows: list[int] = []
        self._each = 1
        self._part: list[int] = []

    def add(self, reading: int | None) -> None:
        """The next one, None where the system does not tell."""
        if reading is None:
            return
        self._part.append(reading)
        if len(self._part) < self._each:
            return
        self._lows.append(min(self._part))
        self._part.clear()
        if len(self._lows) >= KEPT:
            self._lows = [min(pair) for pair in zip(self._lows[::2], self._lows[1::2], strict=True)]
            self._each *= 2

    @property
    def stretches(self) -> tuple[int, ...]:
        """The floor of each stretch; empty while there are too few readings."""
        lows = self._lows[int(len(self._lows) * WARM_UP) :]
        if len(self._lows) < LEAST:
            return ()
        edges = [len(lows) * part // STRETCHES for part in range(STRETCHES + 1)]
        return tuple(min(lows[begin:end]) for begin, end in pairwise(edges))


def rises(floor: tuple[int, ...], by: int) -> bool:
    """Whether a floor rises from each stretch to the next, and by more than ``by`` in all."""
    return bool(floor) and all(a < b for a, b in pairwise(floor)) and floor[-1] - floor[0] > by


def growing(snapshot: Snapshot) -> str | None:
    """What grows, in words; None where nothing does."""
    found = snapshot.resources
    grown = []
    if found.fds is not None and found.fds_start is not None:
        more = found.fds - found.fds_start
        own = FILES_OF_A_RUN + 2 * len(snapshot.sources)
        if rises(found.fds_floor, FILES_RISEN) or more > own:
            grown.append(f"{plural(more, 'open file')} more than at the start")
    more = found.threads - found.threads_start
    own = THREADS_OF_A_RUN + 2 * sum(stage.workers for stage in snapshot.stages)
    if rises(found.threads_floor, THREADS_RISEN) or more > own:
        grown.append(f"{plural(more, 'thread')} more than at the start")
    return " and ".join(grown) or None


def verdict(snapshot: Snapshot) -> MemoryVerdict:
    """The same in a word."""
    if growing(snapshot) is not None:
        return "growing"
    return "unknown" if snapshot.resources.fds is None else "stable"
