"""Steering a run: pause, step, drain, abort, and the failure that ends it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from pipeline.clock import Clock

Unit = Literal["record", "batch"]

PAUSE_POLL_S = 0.25
"""The longest that anybody waits without looking again whether the run still goes on."""

NO_TIME_S = 1e-6
"""What is left of a wait that is over: times are floats, and their differences do not come out even."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What ended the run: where, in one line, and the traceback where there is one."""

    stage: str | None
    message: str
    traceback: str | None


class Steppable(Protocol):
    """A part of the engine that can be moved one step at a time."""

    def ready(self) -> bool:
        """Whether a step would do something now."""
        ...

    def wake(self) -> None:
        """End any wait that it is in."""
        ...


class Control:
    """The switches of a run. Safe to use from any thread; no method waits but those that say so."""

    def __init__(self) -> None:
        self._changed = threading.Condition(threading.Lock())
        self._tasks: Sequence[Steppable] = ()
        self._asked: deque[Unit] = deque()
        """Steps that were asked for, and whose turn has not come."""
        self._leave: Unit | None = None
        """What the task at :attr:`stepping` may do, until it begins."""
        self.stepping: Steppable | None = None
        """The task that has leave for one step by hand, until it has made it."""
        self.stop = threading.Event()
        """Set when no record may start any more: the run was aborted or has failed."""
        self._ending = threading.Event()
        self._unrest = threading.Event()
        """Set while the run is paused, and when it ends."""
        self.paused = False
        self.draining = False
        self.aborted = False
        self.failure: Failure | None = None

    def attach(self, tasks: Sequence[Steppable]) -> None:
        """Steer these, given in flow order."""
        self._tasks = tasks

    def pause(self) -> None:
        """Let every task stop before its next batch."""
        self._set(self._pause)

    def resume(self) -> None:
        """Go on."""
        self._set(self._unpause)

    def drain(self) -> None:
        """Read no more; a paused run goes on, so that it can end."""

        def change() -> None:
            self.draining = True
            self._end()
            self._unpause()

        self._set(change)

    def abort(self) -> None:
        """Stop before the next batch, wherever that is."""

        def change() -> None:
            self.aborted = True
            self.stop.set()
            self._end()

        self._set(change)

    def fail(self, failure: Failure) -> None:
        """Stop, since this happened; the first failure is kept."""

        def change() -> None:
            self.failure = self.failure or failure
            self.stop.set()
            self._end()

        self._set(change)

    def step(self, unit: Unit) -> bool:
        """Pause, and let the task that is furthest along make one step; False if none can.

        What is asked for while a step is being made comes after it.
        """
        with self._changed:
            self._pause()
            self._asked.append(unit)
            self._give_leave()
            given = self.stepping is not None
        self._wake()
        return given

    def stepped(self, task: Steppable) -> None:
        """Whoever drives tells, while :attr:`stepping` is set, that this task has made a step."""
        with self._changed:
            if self.stepping is not task or self._leave is not None:
                return
            self.stepping = None
            self._give_leave()
        self._wake()

    def admit(self, task: Steppable) -> Unit | None:
        """Wait for leave to make one step. None says that the run has been stopped."""
        if not self.paused:
            return None if self.stop.is_set() else "batch"
        with self._changed:
            while True:
                if self.stop.is_set():
                    return None
                unit = self._take_leave(task)
                if unit is not None:
                    return unit
                if not self.paused:
                    return "batch"
                self._changed.wait(PAUSE_POLL_S)

    def try_admit(self, task: Steppable) -> Unit | None:
        """Like :meth:`admit`, but where it would wait, None."""
        if self.stop.is_set():
            return None
        if not self.paused:
            return "batch"
        with self._changed:
            return self._take_leave(task) or (None if self.paused else "batch")

    def rest(self, clock: Clock, seconds: float) -> Literal["drain", "stop"] | None:
        """Wait so long in the middle of a step; tells by what the wait was cut short.

        A pause stops the time, but for a step by hand: that is seen through to its end.
        """
        by_hand = self.paused
        left = seconds
        while left > NO_TIME_S and not self._ending.is_set():
            if self.paused and not by_hand:
                with self._changed:
                    if self.paused and not self._ending.is_set():
                        self._changed.wait(PAUSE_POLL_S)
                continue
            began = clock.monotonic()
            clock.sleep(self._ending if by_hand else self._unrest, left)
            left -= clock.monotonic() - began
        if self.stop.is_set():
            return "stop"
        return "drain" if self.draining else None

    def wait_while_paused(self, tasks: Sequence[Steppable], timeout: float) -> None:
        """Wait until something is changed, or one of these may make a step, at most ``timeout`` seconds."""
        with self._changed:
            allowed = self._leave is not None and self.stepping in tasks
            if self.paused and not allowed and not self.stop.is_set():
                self._changed.wait(timeout)

    def _pause(self) -> None:
        self.paused = True
        self._unrest.set()

    def _end(self) -> None:
        self._ending.set()
        self._unrest.set()

    def _unpause(self) -> None:
        self.paused = False
        if not self._ending.is_set():
            self._unrest.clear()
        self._asked.clear()
        self._leave = self.stepping = None

    def _give_leave(self) -> None:
        while self.stepping is None and self._asked:
            unit = self._asked.popleft()
            self.stepping = next((task for task in reversed(self._tasks) if task.ready()), None)
            self._leave = None if self.stepping is None else unit

    def _take_leave(self, task: Steppable) -> Unit | None:
        if self.stepping is not task:
            return None
        unit, self._leave = self._leave, None
        return unit

    def _set(self, change: Callable[[], None]) -> None:
        with self._changed:
            change()
        self._wake()

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()
        for task in self._tasks:
            task.wake()
