"""What the user's code sees of the time in a trial, and which of its lines ask for it."""

from __future__ import annotations

import random
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from diagnosis.change import ClockChange
from run.trial.files import UserFiles

SLEEP = time.sleep
MONOTONIC = time.perf_counter
CPU_TIME = time.thread_time
ALL_CPU_TIME = time.process_time
_WALL = ("time", "time_ns")
_STEADY = ("monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns")
_TICK_S = 1e-6
"""So little that no work takes any time by such a clock."""


class TrialClock:
    """The machine's clock for the engine, out of reach of what is done to the user's."""

    def monotonic(self) -> float:
        return MONOTONIC()

    def wall(self) -> datetime:
        return datetime.now(UTC)

    def sleep(self, event: threading.Event, seconds: float) -> bool:
        return event.wait(seconds)


class UserTime:
    """Stands in for ``time.time`` and its kin; only callers in the user's files see the change."""

    def __init__(self, files: UserFiles, change: ClockChange | None) -> None:
        self._files = files
        self._change = change or ClockChange()
        self._began: dict[str, float] = {}
        self._readings = 0
        self._lock = threading.Lock()
        self.records = 0
        """Records settled by now: a step comes at one of them."""
        self.reads: Counter[str] = Counter()

    def install(self) -> None:
        """Put the stand-ins in place; call it before the user's file is loaded."""
        for name in (*_WALL, *_STEADY):
            setattr(time, name, self._stand_in(name, getattr(time, name)))

    def ask(self, thing: Any, name: str, *arguments: Any, **named: Any) -> Any:
        """What ``thing.now(...)`` gives, or ``utcnow``, or ``today``: the trial's date where it is one."""
        call = getattr(thing, name)
        if not (isinstance(thing, type) and issubclass(thing, date)):
            return call(*arguments, **named)
        frame = sys._getframe(1)
        self.reads[f"{frame.f_code.co_filename}:{frame.f_lineno} {thing.__name__}.{name}"] += 1
        stamp = self.changed("datetime", datetime.now(UTC).timestamp())
        if name == "utcnow":
            return thing(1970, 1, 1) + timedelta(seconds=stamp)
        return thing.fromtimestamp(stamp, *arguments, **named)

    def _stand_in(self, name: str, real: Callable[[], Any]) -> Callable[[], Any]:
        unit = 1e-9 if name.endswith("_ns") else 1.0

        def read() -> Any:
            frame = sys._getframe(1)
            given = real()
            if frame.f_code.co_filename not in self._files:
                return given
            self.reads[f"{frame.f_code.co_filename}:{frame.f_lineno} {name}"] += 1
            changed = self.changed(name, given * unit)
            return int(changed / unit) if unit != 1.0 else changed

        read.__name__ = name
        return read

    def changed(self, name: str, now: float) -> float:
        """What a reading ``now`` of this clock becomes."""
        change = self._change
        with self._lock:
            began = self._began.setdefault(name, now)
            if change.frozen:
                self._readings += 1
                base = 1_700_000_000.0 if name in (*_WALL, "datetime") else 1000.0
                return base + self._readings * _TICK_S
        now = began + (now - began) * change.slew
        if change.step_s and name in (*_WALL, "datetime") and self.records >= change.step_at:
            now += change.step_s
        return now


def seed_chance(seed: int) -> None:
    """Make ``random`` and ``uuid`` give the same in every run."""
    random.seed(seed)
    dice = random.Random(seed)
    stand_in: Any = lambda: uuid.UUID(int=dice.getrandbits(128), version=4)  # noqa: E731
    uuid.uuid4 = stand_in
