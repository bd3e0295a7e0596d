"""Puts faults into a running engine and takes them out again, between two batches."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.agenda import Agenda
from pipeline.clock import Clock
from pipeline.engine import Engine
from pipeline.faults.neighbour import Neighbour
from pipeline.faults.order import Order, parse
from pipeline.faults.sites import Sites
from pipeline.faults.source_text import Part, folder_of

PRODUCT = Path(__file__).resolve().parent.parent.parent
LOOK_S = 0.2
"""How often it is looked whether the run was stopped, so that no wait of a fault holds it up."""


@dataclass(eq=False, slots=True)
class Injection:
    """A fault that was ordered. Times are on the engine's clock; None is "not yet".

    What is not ``recorded`` is in no report: whoever ordered it keeps its own book.
    """

    order: Order
    recorded: bool = True
    part: Part | None = None
    neighbour: Neighbour | None = None
    put_in_at: float | None = None
    lifted_at: float | None = None
    leaving: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def at_work(self) -> bool:
        """Whether it is in the pipeline and nobody has asked to take it out."""
        return self.put_in_at is not None and not self.leaving


class Injector:
    """All faults of one run. Safe to use from any thread; no method waits for the pipeline."""

    def __init__(
        self, engine: Engine, clock: Clock, spawn: Callable[[str, Callable[[], None]], None] | None
    ) -> None:
        """``spawn`` starts the thread for what is to happen later; without it nothing can."""
        self._engine = engine
        self._clock = clock
        self._agenda = Agenda(clock, spawn) if spawn is not None else None
        self._watching = False
        self._lock = threading.RLock()
        self._sites = Sites(engine, clock)
        self.injections: list[Injection] = []

    def parse(self, text: str) -> Order:
        """Read an order; raises :class:`~pipeline.errors.ConfigurationError`."""
        return parse(text, self._engine.stages)

    def add(self, order: Order, *, recorded: bool = True) -> Injection:
        """Put a fault in now, or when its time has come."""
        injection = Injection(order, recorded)
        with self._lock:
            self.injections.append(injection)
        if order.after > 0 and self._agenda is not None:
            self._agenda.add(order.after, lambda: self._put_in(injection))
        else:
            self._put_in(injection)
        return injection

    def lift(self, injections: Iterable[Injection] | None = None) -> None:
        """Take these out, or all; those whose time has not come yet never will be put in."""
        with self._lock:
            for injection in list(self.injections) if injections is None else injections:
                self._lift(injection)

    def stop_waiting(self) -> None:
        """End every wait of a fault: the run is to end now."""
        with self._lock:
            for injection in self.injections:
                if injection.part is not None and injection.lifted_at is None:
                    injection.part.stop_waiting()

    def finish(self) -> None:
        """The run is over and its threads are gone: take everything out, so that nothing is left of it."""
        if self._agenda is not None:
            self._agenda.close()
        self.stop_waiting()
        with self._lock:
            self._sites.restore()
            for injection in self.injections:
                injection.leaving = True
                self._dispose(injection, at_the_end=True)

    def _put_in(self, injection: Injection) -> None:
        with self._lock:
            if injection.leaving or injection.put_in_at is not None:
                return
            order = injection.order
            if order.variant.site == "machine":
                injection.neighbour = Neighbour(dict(order.values))
            else:
                injection.part = Part(order, self._folder(), self._engine.options.workers)
            injection.put_in_at = self._clock.monotonic()
            self._apply([])
            if self._agenda is not None:
                if order.lasts is not None:
                    self._agenda.add(order.lasts, lambda: self.lift([injection]))
                if not self._watching:
                    self._watching = True
                    self._agenda.add(LOOK_S, self._look)

    def _lift(self, injection: Injection) -> None:
        if injection.leaving:
            return
        injection.leaving = True
        if injection.put_in_at is None:
            return
        if injection.part is not None:
            injection.part.stop_waiting()
        self._apply([injection])

    def _apply(self, leaving: list[Injection]) -> None:
        """Have what is at work, and only that, in its place; then let go of those that leave."""
        active = [
            (each.order, each.part) for each in self.injections if each.at_work and each.part is not None
        ]

        def gone() -> None:
            for injection in leaving:
                self._dispose(injection)

        self._sites.arrange(active, gone)

    def _dispose(self, injection: Injection, *, at_the_end: bool = False) -> None:
        with injection._lock:
            if injection.put_in_at is None or injection.lifted_at is not None:
                return
            if not at_the_end:
                injection.lifted_at = self._clock.monotonic()
            part, injection.part = injection.part, None
            neighbour, injection.neighbour = injection.neighbour, None
        if part is not None:
            part.dispose()
        if neighbour is not None:
            neighbour.stop()

    def _look(self) -> None:
        if self._engine.control.stop.is_set():
            self.stop_waiting()
        elif self._agenda is not None:
            self._agenda.add(LOOK_S, self._look)

    def _folder(self) -> Path:
        found = self._engine.at_work()
        return folder_of((part for parts in found.values() for part in parts), PRODUCT)
