"""The places of an engine at which something can be put in, and how that is done and undone.

At any time there is a list of what is to be in; the engine's parts are made anew from what they were at
first, so that faults may be put in and lifted in any order. Each task changes itself between two of its
steps.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial, reduce
from typing import Any

from pipeline.clock import Clock
from pipeline.engine import Engine
from pipeline.faults.order import Order
from pipeline.faults.source_text import Part
from pipeline.pipeline import OUTPUT
from pipeline.tasks.base import Task
from pipeline.tasks.reader import Reader
from pipeline.tasks.refit import Function, Shared, leaving, sieve, with_function, with_stage
from pipeline.tasks.worker import Worker
from pipeline.tasks.writer import Writer

Active = Sequence[tuple[Order, Part]]
NO_BOUND = 1 << 40


class Sites:
    """What the engine is made of when nothing is put in, and what is to be put in."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._tasks: list[Task] = engine.tasks
        self._works = {task: task.work for task in engine.tasks if isinstance(task, Worker)}
        self._deliveries = {task: task.delivery for task in engine.tasks if isinstance(task, Writer)}
        self._paces = {reader: reader.pace for reader in engine.readers}
        self._clocks: dict[Worker, Clock] = {}
        self._capacities = [
            (hop, hop.queue.capacity_records, hop.queue.capacity_bytes) for hop in engine.hops
        ]
        self._wrapped: dict[tuple[Worker, Part], tuple[Function, Function]] = {}
        self._shared: set[Shared] = set()
        self._in: set[Part] = set()

    def arrange(self, active: Active, then: Callable[[], None]) -> None:
        """Have exactly these in; ``then`` is called once every task has done its part."""
        shared = {part: Shared(part.get("Blocks")) for order, part in active if order.variant.site == "batch"}
        before, self._in = self._in, {part for _, part in active}
        changed = before ^ self._in
        old, self._shared = self._shared, set(shared.values())

        def done() -> None:
            for each in old:
                each.close()
            for key in [key for key in self._wrapped if key[1] not in self._in]:
                del self._wrapped[key]
            then()

        self._bounds(active)
        self._time_of_day(active)
        tasks = [task for task in self._tasks if not task.done]
        waiting = _Countdown(len(tasks), done)
        for task in tasks:
            change = self._change(task, active, shared) if changed else None
            task.between_steps(partial(_changed, change, waiting))

    def restore(self) -> None:
        """Put everything back at once; nothing runs any more."""
        for task in self._tasks:
            task.drop_changes()
        for worker, work in self._works.items():
            worker.work = work
        for writer, delivery in self._deliveries.items():
            writer.delivery = delivery
        for reader, pace in self._paces.items():
            reader.pace, reader.sift = pace, None
        for worker, clock in self._clocks.items():
            worker.watch.follow(clock)
        self._clocks.clear()
        for each in self._shared:
            each.close()
        self._shared.clear()
        self._wrapped.clear()
        self._in.clear()
        self._bounds([])
        self._time_of_day([])

    def _change(self, task: Task, active: Active, shared: dict[Part, Shared]) -> Callable[[], None] | None:
        if isinstance(task, Worker):
            return lambda: self._refit(task, active, shared)
        if isinstance(task, Writer):
            return lambda: self._rewrite(task, active)
        if isinstance(task, Reader):
            return lambda: self._reread(task, active)
        return None

    def _refit(self, worker: Worker, active: Active, shared: dict[Part, Shared]) -> None:
        work = self._works[worker]
        stages = work.stages
        mine = [(order, part) for order, part in active if order.stage in stages]
        for order, part in mine:
            if order.variant.site == "record" and order.stage is not None:
                work = with_function(work, order.stage, partial(self._around, worker, part))
        for order, part in mine:
            if order.variant.site == "batch" and order.stage is not None:
                work = with_stage(work, order.stage, shared[part], self._clock, self._engine.numbers)
        if work is not worker.work:
            base = worker.work is self._works[worker]
            worker.exchange(work, None if base else leaving(worker.work))
        self._retime(worker, mine)

    def _around(self, worker: Worker, part: Part, function: Function) -> Function:
        """The same function stays the same when another fault comes or goes: it may keep something."""
        known = self._wrapped.get((worker, part))
        if known is None or known[0] is not function:
            known = self._wrapped[worker, part] = function, part.get("around")(function)
        return known[1]

    def _retime(self, worker: Worker, mine: Active) -> None:
        timers = [part for order, part in mine if order.variant.site == "timer"]
        if worker in self._clocks:
            worker.watch.follow(self._clocks.pop(worker))
        if timers:
            clock = reduce(lambda inner, part: part.get("Timer")(inner), timers, self._clock)
            self._clocks[worker] = worker.watch.follow(clock)

    def _rewrite(self, writer: Writer, active: Active) -> None:
        delivery = self._deliveries[writer]
        sink: Any = delivery.sink
        for order, part in active:
            if order.variant.site in ("sink", "queue"):
                sink = part.get("Out")(sink)
        writer.delivery = delivery if sink is delivery.sink else delivery.to(sink)

    def _reread(self, reader: Reader, active: Active) -> None:
        reader.pace = self._paces[reader]
        changes: list[Callable[[list[Any]], list[Any]]] = []
        for order, part in active:
            if order.variant.site == "arrivals":
                reader.pace = part.get("Gate")(reader.pace)
            elif order.variant.site == "source":
                changes.append(part.get("clean"))
        reader.sift = sieve(changes) if changes else None

    def _time_of_day(self, active: Active) -> None:
        walls = [wall for _, part in active if (wall := getattr(part.module, "wall", None)) is not None]
        # An attribute of the clock itself hides that of its class, and leaves nothing behind when it goes.
        vars(self._clock).pop("wall", None)
        if walls:
            vars(self._clock)["wall"] = walls[-1]

    def _bounds(self, active: Active) -> None:
        lifted = any(order.variant.site == "queue" for order, _ in active)
        for hop, records, size in self._capacities:
            wide = lifted and hop.consumer == OUTPUT
            hop.queue.capacity_records = NO_BOUND if wide else records
            hop.queue.capacity_bytes = NO_BOUND if wide else size


class _Countdown:
    """Calls something when it was counted down to nothing."""

    def __init__(self, number: int, then: Callable[[], None]) -> None:
        self._lock = threading.Lock()
        self._number = number
        self._then = then
        if number == 0:
            then()

    def down(self) -> None:
        with self._lock:
            self._number -= 1
            if self._number:
                return
        self._then()


def _changed(change: Callable[[], None] | None, waiting: _Countdown) -> None:
    try:
        if change is not None:
            change()
    finally:
        waiting.down()
