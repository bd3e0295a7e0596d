"""The one owner of starting threads: drives the tasks of an engine, a thread each."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

from pipeline.clock import Clock
from pipeline.control import Failure, Unit
from pipeline.engine import Engine
from pipeline.operators.base import failure_of
from pipeline.pipeline import INGESTION
from pipeline.tasks.base import Step, Task
from pipeline.thread_facts import Doing, ThreadFact

POLL_S = 0.25
"""The longest that a task waits without looking again."""

SHARED_POLL_S = 0.02
"""The same for tasks that share a thread: another of them may have something to do sooner."""

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
        self._threads: list[tuple[threading.Thread, list[Task]]] = []
        self._at_work: dict[int, Task] = {}
        """The task that each thread, by its place among them, is at."""
        self._doing: dict[int, Doing] = {}
        self._left: set[Task] = set()
        self.finished = threading.Event()
        self.abandoned: tuple[str, ...] = ()
        """The tasks that would not end in time."""

    def start(self) -> None:
        """Start every task, and the thread that watches over them."""
        self._engine.started()
        for place, lane in enumerate(self._engine.lanes):
            self._at_work[place] = lane[0]
            self._doing[place] = "idle"
            thread = spawn(lane[-1].name, partial(self._drive, place, lane))
            self._threads.append((thread, lane))
        spawn("supervisor", self._supervise)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the run is over; tell whether it is."""
        return self.finished.wait(timeout)

    def threads(self) -> list[ThreadFact]:
        """The threads that move records now: those of the tasks, and those that read ahead."""
        paused = self._engine.control.paused
        found = []
        for place, (thread, lane) in enumerate(list(self._threads)):
            if thread.is_alive():
                stages = tuple(dict.fromkeys(stage for task in lane for stage in task.stages))
                doing = self._doing[place]
                if paused and doing != "busy":
                    doing = "paused"
                found.append(_fact(thread, stages, self._at_work[place].stage, doing))
        ahead = {name for reader in self._engine.readers for name in list(reader.pumps)}
        found += [
            _fact(thread, (INGESTION,), INGESTION, None)
            for thread in threading.enumerate()
            if thread.name in ahead
        ]
        return found

    def _drive(self, place: int, lane: list[Task]) -> None:
        """The body of a thread: steps its tasks until all are done or the run is stopped."""
        task = lane[0]
        try:
            for task in lane:
                self._at_work[place] = task
                task.begin()
            while waiting := [each for each in lane if not each.done]:
                stuck: list[tuple[Task, Step]] = []
                # What is furthest along goes first, so that little is in flight.
                for task in reversed(waiting):
                    unit = self._admit(task, lane)
                    if unit is not None:
                        self._at_work[place] = task
                        self._doing[place] = "busy"
                        step = task.step(unit)
                        if self._engine.control.stepping is task:
                            self._engine.control.stepped(task)
                        self._doing[place] = "idle"
                        if step in (Step.IDLE, Step.BLOCKED):
                            stuck.append((task, step))
                if self._engine.control.stop.is_set():
                    break
                if len(stuck) == len(waiting):
                    self._wait(place, stuck, alone=len(lane) == 1)
        except BaseException as error:  # noqa: BLE001 - also SystemExit, or the run would wait for ever
            self._fail(task, error)
        finally:
            self._finish(place, lane)

    def _admit(self, task: Task, lane: list[Task]) -> Unit | None:
        control = self._engine.control
        if len(lane) == 1:
            return control.admit(task)
        unit = control.try_admit(task)
        if unit is None:
            control.wait_while_paused(lane, SHARED_POLL_S)
        return unit

    def _wait(self, place: int, stuck: list[tuple[Task, Step]], *, alone: bool) -> None:
        """Wait for what is stuck furthest along, or else for something to read."""
        blocked = [each for each in stuck if each[1] is Step.BLOCKED]
        task, step = blocked[0] if blocked else stuck[-1]
        self._at_work[place] = task
        self._doing[place] = "blocked" if blocked else "idle"
        task.wait(step, POLL_S if alone else SHARED_POLL_S)
        for each, _ in stuck:
            each.report()

    def _finish(self, place: int, lane: list[Task]) -> None:
        for task in lane:
            self._at_work[place] = task
            try:
                task.finish()
            except BaseException as error:  # noqa: BLE001 - the others must still be finished
                self._fail(task, error)
            self._left.add(task)

    def _fail(self, task: Task, error: BaseException) -> None:
        self._engine.control.fail(failure_of(task.stage, error))

    def _supervise(self) -> None:
        control = self._engine.control
        deadline: float | None = None
        while True:
            waiting = [place for place, (thread, _) in enumerate(self._threads) if thread.is_alive()]
            for thread, lane in self._threads:
                if not thread.is_alive() and not self._left.issuperset(lane):
                    message = f"{lane[-1].stage}: its thread died without a word"
                    control.fail(Failure(lane[-1].stage, message, None))
            if not waiting:
                break
            now = self._clock.monotonic()
            if control.stop.is_set():
                deadline = deadline if deadline is not None else now + STOP_S
                if now >= deadline:
                    self.abandoned = tuple(self._at_work[place].name for place in waiting)
                    break
            self._threads[waiting[0]][0].join(WATCH_S)
        try:
            self._engine.ended()
        finally:
            self.finished.set()


def _fact(thread: threading.Thread, stages: tuple[str, ...], stage: str, doing: Doing | None) -> ThreadFact:
    return ThreadFact(thread.name, stages, stage, doing, thread.ident, thread.native_id)
