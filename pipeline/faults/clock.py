"""Bugs with time: the time of day taken for intervals, waits that add up, windows, counters that begin anew.

The machine's own clock is never set. Where a fault needs one that is stepped, as NTP or a suspended machine
does, the program is given such a one: the text's ``wall`` takes the place of what the run reads as its time
of day.
"""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.faults.spec import Evidence, Param, Site, Value, Variant


def _every(medium: int, what: str = "records") -> Param:
    return Param("every", medium, f"{what} from one step to the next", "whole", 1)


def _variant(
    name: str,
    help: str,
    symptom: str,
    evidence: Evidence,
    text: str,
    params: tuple[Param, ...],
    low: Mapping[str, Value],
    high: Mapping[str, Value],
    site: Site = "record",
) -> Variant:
    return Variant(f"clock.{name}", "clock", help, symptom, evidence, site, text, params, low, high)


_STEP = Param("step", -60, "seconds by which the time of day is stepped", "number", -86_400, 86_400)

WALL = _variant(
    "wall",
    "A stage measures how long a record takes by the time of day, which is stepped now and then.",
    "records rejected that took less than nothing, or minutes; the clocks drift apart",
    "rejected",
    """
from datetime import UTC, datetime, timedelta

from pipeline import Reject

calls = 0


def wall():
    return datetime.now(UTC) + timedelta(seconds=STEP) * (calls // EVERY)


def around(call):
    def handle(record):
        global calls
        began = wall()
        result = call(record)
        calls += 1
        took = (wall() - began).total_seconds()  #!
        if not 0 <= took < 30:
            raise Reject(f"took {took:.1f} s")
        return result

    return handle
""",
    (_STEP, _every(100)),
    {"every": 300, "step": -40},
    {"every": 5, "step": -3600},
)

WALL_RATE = _variant(
    "wall_rate",
    "A limit on the rate goes by the time of day: after a step back, nothing is due for a while.",
    "records filtered that were not before; the clocks drift apart",
    "filtered",
    """
from datetime import UTC, datetime, timedelta

calls = 0
latest = None


def wall():
    return datetime.now(UTC) + timedelta(seconds=STEP) * (calls // EVERY)


def around(call):
    def handle(record):
        global calls, latest
        calls += 1
        now = wall()
        if latest is not None and now < latest:  #!
            if calls % 4 == 0:
                latest = now
            return None
        latest = now
        return call(record)

    return handle
""",
    (_STEP, _every(100)),
    {"every": 300, "step": -40},
    {"every": 10, "step": -3600},
)

DRIFT = _variant(
    "drift",
    "A stage keeps time by sleeping a whole period after its work, so that the work is never made up for.",
    "the stage takes longer for its records; the rate falls",
    "slow",
    """
from threading import Event

closing = Event()
calls = 0


def around(call):
    def handle(record):
        global calls
        result = call(record)
        calls += 1
        if calls % EVERY == 0:
            closing.wait(PERIOD)  #!
        return result

    return handle
""",
    (Param("period", 0.02, "seconds", "seconds", 0.0, 10.0), _every(100)),
    {"period": 0.01},
    {"period": 0.05, "every": 50},
)

WINDOW = _variant(
    "window",
    "Records go by the window in which they arrive; the first of each window is late for the one before it.",
    "records filtered that were not before, others in each run",
    "filtered",
    """
import time

window = None


def around(call):
    def handle(record):
        global window
        now = int(time.monotonic() / WIDTH)
        if now != window:
            window = now
            return None  #!
        return call(record)

    return handle
""",
    (Param("width", 0.01, "seconds in a window", "seconds", 0.00001, 86_400),),
    {"width": 0.1},
    {"width": 0.001},
)

RESET = _variant(
    "reset",
    "An age is the difference of two readings of a counter that begins anew at its limit.",
    "records rejected whose age is less than nothing",
    "rejected",
    """
from pipeline import Reject

ticks = 0


def around(call):
    def handle(record):
        global ticks
        before = ticks
        ticks = (ticks + 1) % EVERY
        result = call(record)
        if ticks - before < 0:  #!
            raise Reject(f"age {ticks - before} ticks")
        return result

    return handle
""",
    (_every(100),),
    {"every": 300},
    {"every": 5},
)

DEADLINE = _variant(
    "deadline",
    "A deadline is worked out once, when the file is loaded, and not for each record.",
    "from some moment on every record is rejected as too late",
    "rejected",
    """
import time

from pipeline import Reject

deadline = time.monotonic() + ALLOWED  #!


def around(call):
    def handle(record):
        result = call(record)
        if time.monotonic() > deadline:
            raise Reject("took too long")
        return result

    return handle
""",
    (Param("allowed", 0.002, "seconds", "seconds", 0.0, 86_400),),
    {"allowed": 0.005},
    {"allowed": 0.0},
)

UNITS = _variant(
    "units",
    "A wait that is given in milliseconds is taken for hundredths of a second.",
    "the stage takes longer for its records; the rate falls",
    "slow",
    """
from threading import Event

closing = Event()
calls = 0


def around(call):
    def handle(record):
        global calls
        calls += 1
        if calls % EVERY == 0:
            closing.wait(DELAY_MS / 100)  #!
        return call(record)

    return handle
""",
    (Param("delay_ms", 2, "milliseconds that were meant", "number", 0.0, 1000.0), _every(100)),
    {"delay_ms": 1},
    {"delay_ms": 5, "every": 50},
)

TIMER = _variant(
    "timer",
    "The times of a stage are taken from a clock that is stepped, not from a steady one.",
    "times of the stage that cannot be: more than the run has taken",
    "impossible_times",
    """
class Timer:
    def __init__(self, clock):
        self.clock = clock
        self.wall = clock.wall
        self.sleep = clock.sleep
        self.looks = 0

    def monotonic(self):
        self.looks += 1
        return self.clock.monotonic() + STEP * (self.looks // EVERY)  #!
""",
    (
        Param("step", 60, "seconds by which it is stepped", "number", 0, 86_400),
        _every(5, "looks at the clock"),
    ),
    {"step": 10, "every": 20},
    {"step": 3600, "every": 3},
    "timer",
)

VARIANTS = (WALL, WALL_RATE, DRIFT, WINDOW, RESET, DEADLINE, UNITS, TIMER)
