"""Asks a stage with a memory for what it remembers, at moments at which a commit may speak of it.

What a stage remembers belongs to the records that it has given up so far. So its state travels in the batch
that it gave up last, behind all others; when the sink has that batch, and nothing behind it, all of it is
committed together: rows, progress and state.
"""

from __future__ import annotations

from collections.abc import Callable

from pipeline.clock import Clock
from pipeline.errors import StageError
from pipeline.operators.base import FATAL, describe
from pipeline.stages import Stage

SHARE = 0.05
"""The most of the time that may be spent on states while batches wait."""
IDLE_SHARE = 0.2
"""The same while none waits."""


class StateSaver:
    """Decides when the state is due, and takes it."""

    def __init__(self, name: str, stage: Stage, saved: bytes | None, *, clock: Clock, every_s: float) -> None:
        """``saved`` is what an earlier run took; ``every_s`` is how often commits are made."""
        self._name = name
        self._stage = stage
        self._saved = saved
        self._clock = clock
        self._every_s = every_s
        self._taken_at = clock.monotonic()
        self._cost_s = 0.0
        self.more: Callable[[], bool] = lambda: False
        """Whether another batch waits for the stage."""

    def restore(self) -> None:
        """Give the stage what an earlier run took, if any. Raises StageError."""
        if self._saved is None:
            return
        try:
            self._stage.restore(self._saved)
        except FATAL:
            raise
        except Exception as error:
            raise StageError(
                f"stage {self._name!r} failed in restore(): {describe(error)[0]}; if its state has another "
                "form now, start over with --fresh"
            ) from error

    def due(self) -> bool:
        """Whether to take it now: where nobody waits, with every batch, unless it is dear."""
        passed = self._clock.monotonic() - self._taken_at
        if self.more():
            return passed >= max(self._every_s, self._cost_s / SHARE)
        return passed >= self._cost_s / IDLE_SHARE

    def take(self) -> bytes:
        """What the stage remembers. Raises StageError."""
        began = self._clock.monotonic()
        try:
            state = self._stage.snapshot()
        except FATAL:
            raise
        except Exception as error:
            raise StageError(f"stage {self._name!r} failed in snapshot(): {describe(error)[0]}") from error
        if not isinstance(state, bytes):
            raise StageError(
                f"stage {self._name!r}: snapshot() returned {type(state).__name__}; return bytes, such as "
                "msgspec.json.encode(...) gives"
            )
        self._taken_at = self._clock.monotonic()
        self._cost_s = self._taken_at - began
        return state


def saves(stage: Stage) -> bool:
    """Whether a stage has a state to be saved."""
    return type(stage).snapshot is not Stage.snapshot
