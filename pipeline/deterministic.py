"""Drives an engine in one thread, in an order chosen by a seed: same seed, same event log."""

from __future__ import annotations

import random
from collections.abc import Callable

from pipeline.clock import ManualClock
from pipeline.engine import Engine
from pipeline.operators.base import failure_of
from pipeline.tasks.base import Step, Task

STALLED_AFTER = 20_000
"""So many fruitless steps in a row mean that nothing will ever move again."""


class Stalled(Exception):  # noqa: N818 - the finding of a test
    """The tasks wait for one another for ever."""


class DeterministicDriver:
    """Steps the tasks of an engine, one at a time, chosen at random."""

    def __init__(self, engine: Engine, clock: ManualClock, seed: int) -> None:
        self._engine = engine
        self._clock = clock
        self._chance = random.Random(seed)

    def run(self, between: Callable[[random.Random], None] | None = None) -> None:
        """Step until all is done; ``between`` is called before each step and may steer the engine.

        Raises :class:`Stalled` where nothing moves any more.
        """
        engine = self._engine
        engine.started()
        began: list[Task] = []
        try:
            for task in engine.tasks:
                began.append(task)
                self._guard(task, task.begin)
            self._loop(between)
        finally:
            for task in began:
                self._guard(task, task.finish)
        engine.ended()

    def _loop(self, between: Callable[[random.Random], None] | None) -> None:
        control = self._engine.control
        fruitless = 0
        while not control.stop.is_set():
            waiting = [task for task in self._engine.tasks if not task.done]
            if not waiting:
                return
            if between is not None:
                between(self._chance)
            if self._step(self._chance.choice(waiting)):
                fruitless = 0
                continue
            fruitless += 1
            if fruitless > STALLED_AFTER:
                names = ", ".join(task.name for task in waiting)
                raise Stalled(f"nothing moves any more; still to do: {names}")

    def _step(self, task: Task) -> bool:
        unit = self._engine.control.try_admit(task)
        if unit is None:
            return False
        steps: list[Step] = []
        self._guard(task, lambda: steps.append(task.step(unit)))
        self._engine.control.stepped(task)
        moved = bool(steps) and steps[0] in (Step.WORKED, Step.DONE)
        self._clock.advance(0.0001 if moved else 0.001)
        return moved

    def _guard(self, task: Task, action: Callable[[], object]) -> None:
        try:
            action()
        except KeyboardInterrupt:
            raise  # somebody wants to end the driver itself
        except BaseException as error:  # noqa: BLE001 - like a thread's, it ends the run
            self._engine.control.fail(failure_of(task.stage, error))
