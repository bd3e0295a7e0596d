"""The one owner of starting threads: drives the tasks of an engine, a thread each."""

from __future__ import annotations

import threading
from collections.abc import Callable

from pipeline.clock import Clock
from pipeline.control import Failure
from pipeline.engine import Engine
from pipeline.operators.base import failure_of
from pipeline.tasks.base import Step, Task

POLL_S = 0.25
"""The longest that a task waits without looking again."""

WATCH_S = 0.1
"""How often it is checked that every thread is alive."""

STOP_S = 5.0
"""How long threads may take to end after an abort or a failure."""


def spawn(name: str, target: Callable[[], None]) -> threading.Thread:
    """Start a thread that does not keep the process alive."""
    thread = threading.Thread(target=target, name=name, daemon=True)
    thread.start()
    return thread


def spawn_detached(name: str, target: Callable[[], None]) -> None:
    """Like :func:`spawn`, for those who will not wait for it."""
    spawn(name, target)


class ThreadDriver:
    """Runs an engine to its end. Every wait in it has a way out."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._threads: dict[Task, threading.Thread] = {}
        self._left: set[Task] = set()
        self.finished = threading.Event()
        self.abandoned: tuple[str, ...] = ()
        """The tasks that would not end in time."""

    def start(self) -> None:
        """Start every task, and the thread that watches over them."""
        self._engine.started()
        for task in self._engine.tasks:
            self._threads[task] = spawn(task.name, lambda task=task: self._drive(task))  # type: ignore[misc]
        spawn("supervisor", self._supervise)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the run is over; tell whether it is."""
        return self.finished.wait(timeout)

    def _drive(self, task: Task) -> None:
        control = self._engine.control
        try:
            task.begin()
            while (unit := control.admit(task)) is not None:
                step = task.step(unit)
                if step is Step.DONE:
                    break
                if step is not Step.WORKED:
                    task.wait(step, POLL_S)
                    task.report()
        except BaseException as error:  # noqa: BLE001 - also SystemExit, or the run would wait for ever
            self._fail(task, error)
        finally:
            try:
                task.finish()
            except BaseException as error:  # noqa: BLE001
                self._fail(task, error)
            self._left.add(task)

    def _fail(self, task: Task, error: BaseException) -> None:
        self._engine.control.fail(failure_of(task.stage, error))

    def _supervise(self) -> None:
        control = self._engine.control
        deadline: float | None = None
        while True:
            waiting = [task for task, thread in self._threads.items() if thread.is_alive()]
            dead = [task for task in self._threads if task not in waiting and task not in self._left]
            for task in dead:
                control.fail(Failure(task.stage, f"{task.stage}: its thread died without a word", None))
            if not waiting:
                break
            now = self._clock.monotonic()
            if control.stop.is_set():
                deadline = deadline if deadline is not None else now + STOP_S
                if now >= deadline:
                    self.abandoned = tuple(task.name for task in waiting)
                    break
            self._threads[waiting[0]].join(WATCH_S)
        self._engine.ended()
        self.finished.set()
