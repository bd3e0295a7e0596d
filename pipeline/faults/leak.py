"""Leaks: containers that keep something of every record and are never cleared."""

from __future__ import annotations

from pipeline.faults.spec import RATE, Param, Variant

_SIZE = Param("size", 512, "bytes kept beside each record", "whole", 0, 1 << 20)
_LIMIT = Param("limit", 400_000, "records after which no more are kept, so that the machine is not hurt")
_PARAMS = (RATE, _SIZE, _LIMIT)
_LOW, _HIGH = {"rate": 0.25, "size": 256}, {"rate": 1.0, "size": 1024}
_SYMPTOM = "a container that grows with the records, and memory with it"

_HEAD = """
import random

chance = random.Random(SEED)
"""


def _record(name: str, help: str, text: str, holder: str | None, symptom: str = _SYMPTOM) -> Variant:
    return Variant(
        f"leak.{name}", "leak", help, symptom, "grows", "record", text, _PARAMS, _LOW, _HIGH, holder=holder
    )


DICT = _record(
    "dict",
    "A dict remembers every record and is never cleared.",
    _HEAD
    + """
seen = {}


def around(call):
    def handle(record):
        if len(seen) < LIMIT and chance.random() < RATE:
            seen[len(seen)] = record, bytes(SIZE)  #!
        return call(record)

    return handle
""",
    "seen",
)

LRU_CACHE = _record(
    "lru_cache",
    "A method with an lru_cache without a bound is asked about every record.",
    """
import random
from functools import lru_cache
from itertools import count

chance = random.Random(SEED)


class Lookup:
    @lru_cache(maxsize=None)  #!
    def find(self, key):
        return key, bytes(SIZE)


lookup = Lookup()
numbers = count()


def around(call):
    def handle(record):
        if chance.random() < RATE:
            number = next(numbers)
            if number < LIMIT:
                lookup.find((number, repr(record)))
        return call(record)

    return handle


def close():
    Lookup.find.cache_clear()
""",
    "find",
)

CALLBACKS = _record(
    "callbacks",
    "Each record leaves a callback in a list, from which none is taken out.",
    _HEAD
    + """
listeners = []


def around(call):
    def handle(record):
        if len(listeners) < LIMIT and chance.random() < RATE:
            extra = bytes(SIZE)
            listeners.append(lambda: (record, extra))  #!
        return call(record)

    return handle
""",
    "listeners",
)

CLOSURE = _record(
    "closure",
    "A list that only the stage's own function can see keeps what it has handled.",
    _HEAD
    + """

def around(call):
    history = []

    def handle(record):
        if len(history) < LIMIT and chance.random() < RATE:
            history.append((record, bytes(SIZE)))  #!
        return call(record)

    return handle
""",
    "history",
)

THREAD_LOCAL = _record(
    "thread_local",
    "A list for each thread, kept in thread-local storage, is appended to and never emptied.",
    """
import random
import threading

chance = random.Random(SEED)
local = threading.local()


def around(call):
    def handle(record):
        items = local.__dict__.setdefault("items", [])
        if len(items) < LIMIT and chance.random() < RATE:
            items.append((record, bytes(SIZE)))  #!
        return call(record)

    return handle
""",
    "items",
)

ERROR_LOG = _record(
    "error_log",
    "A line about each record is kept in a list, for a summary that is never written.",
    _HEAD
    + """
messages = []


def around(call):
    def handle(record):
        if len(messages) < LIMIT and chance.random() < RATE:
            messages.append(f"{len(messages)}: {record!r} looks odd".ljust(SIZE))  #!
        return call(record)

    return handle
""",
    "messages",
)

CYCLE = _record(
    "cycle",
    "Each record leaves two objects that refer to each other, and the cyclic collector is switched off.",
    """
import gc
import random

chance = random.Random(SEED)
collecting = gc.isenabled()
gc.disable()  #!
made = 0


class Node:
    def __init__(self, record):
        self.record = record
        self.next = None


def around(call):
    def handle(record):
        global made
        if made < LIMIT and chance.random() < RATE:
            made += 1
            first, second = Node(record), Node(bytes(SIZE))
            first.next, second.next = second, first
        return call(record)

    return handle


def close():
    if collecting:
        gc.enable()
        gc.collect()
""",
    None,
    "objects of one type that grow with the records, and memory with them, while nothing is collected",
)

EXPIRY = _record(
    "expiry",
    "Entries get a time-out, but those that have timed out are only taken out when their key comes again.",
    """
import random
import time

chance = random.Random(SEED)
entries = {}


def around(call):
    def handle(record):
        key = repr(record)
        known = entries.get(key)
        if known is not None and known[0] < time.monotonic():
            del entries[key]
        if len(entries) < LIMIT and chance.random() < RATE:
            entries[key] = time.monotonic() + 1, record, bytes(SIZE)  #!
        return call(record)

    return handle
""",
    "entries",
)

REGISTRY = _record(
    "registry",
    "A class lists all of its instances, so that none of them ever goes.",
    _HEAD
    + """

class Job:
    jobs = []

    def __init__(self, record):
        self.record = record
        self.extra = bytes(SIZE)
        Job.jobs.append(self)  #!


def around(call):
    def handle(record):
        if len(Job.jobs) < LIMIT and chance.random() < RATE:
            return call(Job(record).record)
        return call(record)

    return handle


def close():
    Job.jobs.clear()
""",
    "jobs",
)

DEQUE = _record(
    "deque",
    "A deque of the latest records was meant to have a maximum length.",
    """
import random
from collections import deque

chance = random.Random(SEED)
recent = deque()


def around(call):
    def handle(record):
        if len(recent) < LIMIT and chance.random() < RATE:
            recent.append((record, bytes(SIZE)))  #!
        return call(record)

    return handle
""",
    "recent",
)

VARIANTS = (DICT, LRU_CACHE, CALLBACKS, CLOSURE, THREAD_LOCAL, ERROR_LOG, CYCLE, EXPIRY, REGISTRY, DEQUE)
