"""What a task is: something that can be stepped, and that can wait for the next step."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from enum import Enum, auto

from pipeline.control import Unit

REPORT_S = 0.5
"""How often a task that waits tells how its time is spent."""


class Step(Enum):
    """How a step ended."""

    WORKED = auto()
    IDLE = auto()
    """There was nothing to take."""
    BLOCKED = auto()
    """There was nowhere to put."""
    DONE = auto()
    """There is nothing more to do, ever."""


class Task(ABC):
    """One worker of one group of stages, or the reader of one source.

    :meth:`step` never blocks on another task; whoever drives it calls :meth:`wait` after a
    step that was idle or blocked.
    """

    name: str
    stage: str
    """The stage that is told where the task fails."""

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages that it works for, in flow order."""
        return (self.stage,)

    done: bool = False
    in_hand: int = 0
    """How many records it is at work on."""
    _changes: deque[Callable[[], None]] | None = None

    def between_steps(self, change: Callable[[], None]) -> None:
        """Have ``change`` done in the task's own thread, before its next step. It must not raise.

        What is asked for after the last step is never done.
        """
        if self._changes is None:
            self._changes = deque()
        self._changes.append(change)
        self.wake()

    def make_changes(self) -> None:
        """Do what was asked for with :meth:`between_steps`, in that order."""
        while self._changes:
            self._changes.popleft()()

    def drop_changes(self) -> None:
        """Forget what is still to be done; for after the last step."""
        self._changes = None

    def begin(self) -> None:  # noqa: B027 - most tasks have nothing to open
        """Open what is needed; called once, in the task's own thread, before the first step."""

    @abstractmethod
    def step(self, unit: Unit) -> Step:
        """Handle one batch, or one record."""

    @abstractmethod
    def wait(self, step: Step, timeout: float) -> None:
        """Wait until another step may be worth it, at most ``timeout`` seconds."""

    @abstractmethod
    def ready(self) -> bool:
        """Whether a step would do something now."""

    @abstractmethod
    def wake(self) -> None:
        """End any wait."""

    def report(self) -> None:  # noqa: B027 - a task without a stage of its own has nothing to tell
        """Tell how the time since the last report was spent, where that is due."""

    def finish(self) -> None:  # noqa: B027 - most tasks hold nothing open
        """Let go of what is open; called once, after the last step or after a failure."""
