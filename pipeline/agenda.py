"""Does things at times: one thread for all that is to happen later in a run."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable

from pipeline.clock import Clock


class Agenda:
    """What is to be done when. The body of its thread is :meth:`run`; whoever owns threads starts it."""

    def __init__(self, clock: Clock, spawn: Callable[[str, Callable[[], None]], None]) -> None:
        self._clock = clock
        self._spawn = spawn
        self._lock = threading.Lock()
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._changed = threading.Event()
        self._started = False
        self._ended = threading.Event()
        self.closed = False

    def add(self, seconds: float, action: Callable[[], None]) -> None:
        """Have ``action`` done so many seconds from now (it must not raise); the first starts the thread."""
        with self._lock:
            if self.closed:
                return
            heapq.heappush(self._due, (self._clock.monotonic() + seconds, next(self._numbers), action))
            start, self._started = not self._started, True
        if start:
            self._spawn("agenda", self.run)
        self._changed.set()

    def run(self) -> None:
        """Do what is due, until :meth:`close`."""
        while not self.closed:
            self._changed.clear()
            with self._lock:
                due = self._due[0][0] if self._due else None
            now = self._clock.monotonic()
            if due is None or due > now:
                self._clock.sleep(self._changed, 3600.0 if due is None else due - now)
                continue
            with self._lock:
                _, _, action = heapq.heappop(self._due)
            action()
        self._ended.set()

    def close(self) -> None:
        """Do no more; waits for the thread to end, unless it is its own."""
        with self._lock:
            self.closed = True
            self._due.clear()
            started = self._started
        self._changed.set()
        if started:
            self._ended.wait(1.0)
