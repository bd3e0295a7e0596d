"""What is no bug of the stage's, or no bug at all, and yet looks like one."""

from __future__ import annotations

from pipeline.faults.spec import Param, Variant

_LIMIT = Param("limit", 100, "records after which it happens", "whole", 0)

SLOW_SINK = Variant(
    "lookalike.slow_sink",
    "slow_sink",
    "Whoever takes the records takes a long time over each batch.",
    "writing takes longer; the queues before it fill and the stages wait",
    "slow",
    "sink",
    """
from threading import Event

closing = Event()


class Out:
    def __init__(self, sink):
        self.sink = sink

    def __getattr__(self, name):
        return getattr(self.sink, name)

    def write(self, ids, values):
        closing.wait(min(DELAY_MS * len(ids) / 1000, 5.0))  #!
        return self.sink.write(ids, values)
""",
    (Param("delay_ms", 0.2, "milliseconds for each record", "number", 0.0, 1000.0),),
    {"delay_ms": 0.1},
    {"delay_ms": 1.0},
)

SLOW_STAGE = Variant(
    "lookalike.slow_stage",
    "backpressure",
    "A stage takes longer over each record.",
    "the stage is busy all the time; the queue before it fills and what is before it waits",
    "slow",
    "record",
    """
from threading import Event

closing = Event()
calls = 0


def around(call):
    def handle(record):
        global calls
        calls += 1
        if calls % 20 == 0:
            closing.wait(DELAY_MS * 20 / 1000)  #!
        return call(record)

    return handle
""",
    (Param("delay_ms", 0.2, "milliseconds for each record", "number", 0.0, 1000.0),),
    {"delay_ms": 0.1},
    {"delay_ms": 1.0},
)

GC_STORM = Variant(
    "lookalike.gc_storm",
    "gc_pause",
    "A stage makes objects in cycles and has the collector go through everything again and again.",
    "many more collections; the stage is busy with them",
    "collections",
    "record",
    """
import gc

calls = 0


def around(call):
    def handle(record):
        global calls
        calls += 1
        if calls % EVERY == 0:
            for _ in range(OBJECTS):
                pair = []
                pair.append(pair)
            gc.collect()  #!
        return call(record)

    return handle
""",
    (
        Param("every", 50, "it happens to every n-th record", "whole", 1),
        Param("objects", 1000, "objects that are made each time", "whole", 0, 1_000_000),
    ),
    {"every": 100},
    {"every": 20},
)

BUSY_NEIGHBOUR = Variant(
    "lookalike.busy_neighbour",
    "noisy_neighbour",
    "Another process on the machine takes the processors' time; it ends with this one, whatever happens.",
    "everything takes longer, though the process itself does no more; threads wait for a processor",
    "processor",
    "machine",
    params=(
        Param("processes", 2, "how many, twice the processors at most", "whole", 1, 64),
        Param("share", 1.0, "share of the time that each is busy", "share", 0.01, 1.0),
    ),
    low={"processes": 1, "share": 0.5},
    high={"processes": 4},
)

INPUT_DRIFT = Variant(
    "lookalike.input_drift",
    "input_drift",
    "The input changes: in more and more records, numbers are written as words.",
    "records rejected that were not before, and more of them as time goes on",
    "rejected",
    "source",
    r"""
import random
import re

chance = random.Random(SEED)
number = re.compile(rb"(?<![\w.\"-])-?\d+\.?\d*(?![\w.\"])")
seen = 0


def clean(raws):
    return [clean_one(raw) for raw in raws]


def clean_one(raw):
    global seen
    seen += 1
    if chance.random() >= RATE * min(1.0, seen / UNTIL):
        return raw
    if isinstance(raw, bytes):
        return number.sub(b'"n/a"', raw, count=1) if raw[:1] in b"{[" else number.sub(b"n/a", raw)
    if isinstance(raw, dict):
        return {key: "n/a" if type(value) in (int, float, dict) else value for key, value in raw.items()}  #!
    return raw
""",
    (
        Param("rate", 0.5, "share of the records in the end", "share", 0.0, 1.0),
        Param("until", 500, "records until then", "whole", 1),
    ),
    {"rate": 0.2},
    {"rate": 1.0},
)

POISON_RECORD = Variant(
    "lookalike.poison_record",
    "poison_record",
    "Now and then a record of the input is broken in the middle: its contents decide which.",
    "single records rejected, the same in each run",
    "rejected",
    "source",
    """
from zlib import crc32


def clean(raws):
    return [clean_one(raw) for raw in raws]


def clean_one(raw):
    if crc32(repr(raw).encode()) % EVERY:
        return raw
    if isinstance(raw, (bytes, str)):
        return raw[: len(raw) // 2]
    if isinstance(raw, dict):
        return {key: [] if isinstance(value, (int, float, str)) else None for key, value in raw.items()}  #!
    return None
""",
    (Param("every", 100, "one of so many records", "whole", 1),),
    {"every": 300},
    {"every": 20},
)

FULL_DISK = Variant(
    "lookalike.full_disk",
    "disk_full",
    "The disk is full for the sink: after so many records it gets the system's error for every write.",
    "the run fails at the output: no space left on device",
    "fails",
    "sink",
    """
import errno
import os


class Out:
    def __init__(self, sink):
        self.sink = sink
        self.left = QUOTA

    def __getattr__(self, name):
        return getattr(self.sink, name)

    def write(self, ids, values):
        if len(ids) > self.left:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  #!
        self.left -= len(ids)
        return self.sink.write(ids, values)
""",
    (Param("quota", 300, "records that there is room for", "whole", 0),),
    {"quota": 600},
    {"quota": 0},
)

DEADLOCK = Variant(
    "lookalike.deadlock",
    "deadlock",
    "Two threads take two locks, each in another order, and wait for each other.",
    "after some records nothing moves any more: the stage is busy with one record for ever",
    "stalls",
    "record",
    """
from threading import Event, Lock, Thread

closing = Event()
rows, index = Lock(), Lock()
meeting = Event()
calls = 0


def take(lock):
    while not lock.acquire(timeout=0.05):
        if closing.is_set():
            return False
    return True


def rebuild():
    with index:
        meeting.wait()
        if take(rows):  #!
            rows.release()


thread = Thread(target=rebuild, daemon=True)
thread.start()


def around(call):
    def handle(record):
        global calls
        with rows:
            calls += 1
            if calls > LIMIT:
                meeting.set()
                if take(index):
                    index.release()
            return call(record)

    return handle


def close():
    meeting.set()
    thread.join()
""",
    (_LIMIT,),
    {"limit": 500},
    {"limit": 0},
)

DEAD_WORKER = Variant(
    "lookalike.dead_worker",
    "dead_worker",
    "A worker's thread ends in the middle of a batch.",
    "the run fails and names the stage that died",
    "fails",
    "record",
    """
calls = 0


def around(call):
    def handle(record):
        global calls
        calls += 1
        if calls > LIMIT:
            raise SystemExit(3)  #!
        return call(record)

    return handle
""",
    (_LIMIT,),
    {"limit": 500},
    {"limit": 0},
)

WARM_UP = Variant(
    "lookalike.warm_up",
    "warm_up",
    "A cache fills up to its bound, as it should; nothing is wrong.",
    "a container that grows with the records up to its bound, and then no more; the run is healthy",
    "plateau",
    "record",
    """
cache = {}
calls = 0


def around(call):
    def handle(record):
        global calls
        key = calls % ENTRIES
        calls += 1
        if key not in cache:
            cache[key] = record, bytes(SIZE)  #!
        return call(record)

    return handle
""",
    (
        Param("entries", 300, "entries at most", "whole", 1, 1_000_000),
        Param("size", 512, "bytes in an entry", "whole", 0, 1 << 20),
    ),
    {"entries": 100},
    {"entries": 600},
    holder="cache",
)

BURST = Variant(
    "lookalike.burst",
    "backpressure",
    "The source is silent for a while and then gives everything at once, again and again.",
    "the rate goes up and down; nothing is lost",
    "uneven",
    "arrivals",
    """
import time


class Gate:
    def __init__(self, pace):
        self.pace = pace
        self.spent = 0
        self.opens_at = 0.0
        self.leave = pace.leave
        self.join = pace.join

    def allowed(self, reader):
        return 0 if self.opens_at > time.monotonic() else self.pace.allowed(reader)

    def delay(self, reader):
        return max(self.opens_at - time.monotonic(), self.pace.delay(reader))

    def spend(self, reader, records):
        self.pace.spend(reader, records)
        self.spent += records
        if self.spent >= RECORDS:
            self.spent = 0
            self.opens_at = time.monotonic() + QUIET  #!
""",
    (
        Param("records", 300, "records in a burst, at least", "whole", 1),
        Param("quiet", 0.2, "seconds of silence", "seconds", 0.0, 3600),
    ),
    {"quiet": 0.1},
    {"quiet": 0.5},
)

UNBOUNDED_QUEUE = Variant(
    "lookalike.unbounded_queue",
    "backpressure",
    "The queue before the output has no bound, and the output is slower than what comes.",
    "the queue before the output grows beyond the bound that it had, and memory with it",
    "backlog",
    "queue",
    SLOW_SINK.text,
    (Param("delay_ms", 0.2, "milliseconds for each record", "number", 0.0, 1000.0),),
    {"delay_ms": 0.1},
    {"delay_ms": 1.0},
)

VARIANTS = (
    SLOW_SINK,
    SLOW_STAGE,
    GC_STORM,
    BUSY_NEIGHBOUR,
    INPUT_DRIFT,
    POISON_RECORD,
    FULL_DISK,
    DEADLOCK,
    DEAD_WORKER,
    WARM_UP,
    BURST,
    UNBOUNDED_QUEUE,
)
