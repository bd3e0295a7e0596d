"""Bugs at the edges of batches: records that fall between two, or are in both."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.faults.spec import Evidence, Param, Site, Value, Variant

_HEAD = """
from pipeline import Stage


"""


def _size(medium: int) -> tuple[Param, ...]:
    return (Param("size", medium, "records in a block", "whole", 1),)


def _every(medium: int, what: str = "batch") -> tuple[Param, ...]:
    return (Param("every", medium, f"it happens to every n-th {what}", "whole", 1),)


def _variant(
    name: str,
    help: str,
    evidence: Evidence,
    text: str,
    params: tuple[Param, ...],
    low: Mapping[str, Value],
    high: Mapping[str, Value],
    site: Site = "batch",
) -> Variant:
    where = "the output" if site == "sink" else "the stage"
    symptom = f"records {'lost' if evidence == 'lost' else 'duplicated'} at {where}, the same in each run"
    return Variant(f"batching.{name}", "batching", help, symptom, evidence, site, text, params, low, high)


LAST_PARTIAL = _variant(
    "last_partial",
    "Records go on in full blocks; the last block, which is not full, never does.",
    "lost",
    _HEAD
    + """
class Blocks(Stage):
    def __init__(self, handle):
        self.handle = handle
        self.pending = []

    def process(self, records):
        self.pending += records
        while len(self.pending) >= SIZE:
            block, self.pending = self.pending[:SIZE], self.pending[SIZE:]
            for record in block:
                yield from self.handle(record)

    def flush(self):
        return []  #!
""",
    _size(31),
    {"size": 7},
    {"size": 97},
)

SIZE_PLUS_ONE = _variant(
    "size_plus_one",
    "A batch is cut into blocks, and the next block begins one record too late.",
    "lost",
    _HEAD
    + """
class Blocks(Stage):
    def __init__(self, handle):
        self.handle = handle

    def process(self, records):
        for start in range(0, len(records), SIZE + 1):  #!
            for record in records[start : start + SIZE]:
                yield from self.handle(record)
""",
    _size(20),
    {"size": 40},
    {"size": 5},
)

OVERLAP = _variant(
    "overlap",
    "A batch is cut into blocks, and each block takes the first record of the next one too.",
    "duplicated",
    _HEAD
    + """
class Blocks(Stage):
    def __init__(self, handle):
        self.handle = handle

    def process(self, records):
        for start in range(0, len(records), SIZE):
            for record in records[start : start + SIZE + 1]:  #!
                yield from self.handle(record)
""",
    _size(20),
    {"size": 40},
    {"size": 5},
)

TIMER_FLUSH = _variant(
    "timer_flush",
    "Blocks go on when they are full or a time is over; the record that comes when it is over is not kept.",
    "lost",
    """
import time

from pipeline import Stage


class Blocks(Stage):
    def __init__(self, handle):
        self.handle = handle
        self.pending = []
        self.flushed_at = 0.0

    def process(self, records):
        for record in records:
            if time.monotonic() - self.flushed_at >= INTERVAL:
                yield from self.flush()
                continue  #!
            self.pending.append(record)

    def flush(self):
        block, self.pending = self.pending, []
        self.flushed_at = time.monotonic()
        for record in block:
            yield from self.handle(record)
""",
    (Param("interval", 0.02, "seconds between two flushes", "seconds", 0.0001, 3600),),
    {"interval": 0.5},
    {"interval": 0.002},
)

OFF_BY_ONE = _variant(
    "off_by_one",
    "The first record of a batch is taken for a header and left out.",
    "lost",
    _HEAD
    + """
class Blocks(Stage):
    def __init__(self, handle):
        self.handle = handle
        self.batches = 0

    def process(self, records):
        first = 1 if self.batches % EVERY == 0 else 0
        self.batches += 1
        for record in records[first:]:  #!
            yield from self.handle(record)
""",
    _every(3),
    {"every": 10},
    {"every": 1},
)

DRAIN = _variant(
    "drain",
    "A few records are always held back to look ahead; at the end nobody asks for them.",
    "lost",
    _HEAD
    + """
class Blocks(Stage):
    def __init__(self, handle):
        self.handle = handle
        self.ahead = []

    def process(self, records):
        self.ahead += records
        ready, self.ahead = self.ahead[:-SIZE], self.ahead[-SIZE:]
        for record in ready:
            yield from self.handle(record)

    def close(self):
        self.ahead.clear()  #!
""",
    _size(8),
    {"size": 1},
    {"size": 40},
)

RETRY_TWICE = _variant(
    "retry_twice",
    "A block that was not confirmed in time is sent again as a whole, though it had arrived.",
    "duplicated",
    _HEAD
    + """
class Blocks(Stage):
    def __init__(self, handle):
        self.handle = handle
        self.sent = 0

    def process(self, records):
        made = self.send(records)
        self.sent += 1
        if self.sent % EVERY == 0:
            made += self.send(records)  #!
        return made

    def send(self, records):
        return [result for record in records for result in self.handle(record)]
""",
    _every(5),
    {"every": 15},
    {"every": 1},
)

FLUSH_TWICE = _variant(
    "flush_twice",
    "At the end the last records are given on once more.",
    "duplicated",
    _HEAD
    + """
class Blocks(Stage):
    def __init__(self, handle):
        self.handle = handle
        self.latest = []

    def process(self, records):
        self.latest = [*self.latest, *records][-SIZE:]
        for record in records:
            yield from self.handle(record)

    def flush(self):
        for record in self.latest:  #!
            yield from self.handle(record)
""",
    _size(10),
    {"size": 1},
    {"size": 50},
)

PAGE = _variant(
    "page",
    "Of each batch only the first page is worked on.",
    "lost",
    _HEAD
    + """
class Blocks(Stage):
    def __init__(self, handle):
        self.handle = handle

    def process(self, records):
        for record in records[:SIZE]:  #!
            yield from self.handle(record)
""",
    (Param("size", 35, "records in a page", "whole", 1),),
    {"size": 45},
    {"size": 10},
)

SHORT_WRITE = _variant(
    "short_write",
    "A batch is not written while the one before it is taken to be still under way.",
    "lost",
    """
class Out:
    def __init__(self, sink):
        self.sink = sink
        self.writes = 0

    def __getattr__(self, name):
        return getattr(self.sink, name)

    def write(self, ids, values):
        self.writes += 1
        if self.writes % EVERY == 0:
            return []  #!
        return self.sink.write(ids, values)
""",
    _every(5),
    {"every": 15},
    {"every": 2},
    "sink",
)

WRITE_TWICE = _variant(
    "write_twice",
    "A write is taken to have failed and is made again, though it had not.",
    "duplicated",
    """
class Out:
    def __init__(self, sink):
        self.sink = sink
        self.writes = 0

    def __getattr__(self, name):
        return getattr(self.sink, name)

    def write(self, ids, values):
        written = list(self.sink.write(ids, values))
        self.writes += 1
        if self.writes % EVERY == 0:
            written += self.sink.write(ids, values)  #!
        return written
""",
    _every(5),
    {"every": 15},
    {"every": 1},
    "sink",
)

VARIANTS = (
    LAST_PARTIAL,
    SIZE_PLUS_ONE,
    OVERLAP,
    TIMER_FLUSH,
    OFF_BY_ONE,
    DRAIN,
    RETRY_TWICE,
    FLUSH_TWICE,
    PAGE,
    SHORT_WRITE,
    WRITE_TWICE,
)
