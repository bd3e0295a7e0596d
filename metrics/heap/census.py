"""Counts of all live objects, again and again: which types grow, and who holds them."""

from __future__ import annotations

import gc
import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import psutil

from metrics.heap import counting
from metrics.heap.counting import Row
from metrics.heap.forked import NICE, Forked, Write, can_fork
from metrics.heap.pympler_door import summarized
from metrics.memory_state import Census, TypeState
from pipeline.clock import Clock

FIRST_S = 5.0
"""When the first is due: pools and first caches have filled by then."""
SHARE = 0.008
"""Of one processor, on average, for all of it; what somebody asks for is taken on top."""
SPACE_S = (20.0, 3600.0)
"""The shortest and longest time between two."""
DEADLINE_S = 60
KEPT = 32
"""Censuses of which the counts are kept, evenly thinned."""
SHOWN = 40
LEAST = 64
"""Objects of a class of the user's that are too few to ask about."""
GROWING = 3
"""Types of which it is asked who holds them."""
IN_PROCESS_MOST = 300_000
"""Objects that may be counted where no copy of the process can be made."""
SLICE = 2_000
ROOM = 0.5
"""Of the memory that is free, the most that the process may take: its copy may become as large."""

NOBODY = "nothing but each other"
"""Who refers to objects that no other object refers to."""

OwnsClass = Callable[[type], bool]


@dataclass(frozen=True, slots=True)
class Known:
    """A container that a census may name: its ``place`` in words, and how to look at it."""

    key: int
    place: str
    look: Callable[[], Any]
    weigh: bool
    """Whether its size is asked for."""


class Censuses:
    """Takes them when they are due. For one thread; only :meth:`ask` is for any."""

    def __init__(self, clock: Clock, known: Callable[[], Sequence[Known]], ours: OwnsClass) -> None:
        """``ours`` tells whether a class is the user's."""
        self._clock = clock
        self._ours = ours
        self._known = known
        self._began = clock.monotonic()
        self._due = self._began + FIRST_S
        self._asked = False
        self._child: Forked | None = None
        self._child_at = 0.0
        self._paused = 0.0
        self._counts: list[dict[str, int]] = []
        self._first: dict[str, tuple[int, int]] = {}
        self._number = 0
        self._weighed: dict[int, int] = {}
        self.latest: Census | None = None
        """Replaced as a whole."""

    def ask(self) -> None:
        """Take one as soon as may be."""
        self._asked = True

    def step(self, now: float) -> None:
        """Begin one if it is due; take in one that has ended. Never waits."""
        if self._child is not None:
            if self._child.poll():
                self._take_in(now)
            return
        if self._asked or now >= self._due:
            self._begin(now)

    def finish(self, *, wanted: bool, seconds: float) -> None:
        """End it; where ``wanted``, wait so long for one more."""
        deadline = self._clock.monotonic() + seconds
        if wanted and self._child is None:
            # Nothing runs any more that it could disturb.
            self._begin(self._clock.monotonic(), nice=0)
        while self._child is not None and wanted and (left := deadline - self._clock.monotonic()) > 0:
            self._child.wait(left)
            self.step(self._clock.monotonic())
        if self._child is not None:
            self._child.kill()
            self._child = None

    def sizes(self) -> dict[int, int]:
        """The sizes that were found since this was last asked, by the key of the container."""
        found, self._weighed = self._weighed, {}
        return found

    def _begin(self, now: float, nice: int | None = None) -> None:
        self._asked = False
        # Until it is known what one costs.
        self._due = now + SPACE_S[0]
        process = psutil.Process()
        if not can_fork() or process.memory_info().rss > ROOM * psutil.virtual_memory().available:
            self._in_process(now)
            return
        known = self._known()
        grown = self._grown()
        try:
            collecting = gc.isenabled()
            self._child = Forked(
                lambda write: _survey(write, self._clock, known, grown, self._ours, collecting=collecting),
                DEADLINE_S,
                NICE if nice is None else nice,
            )
        except OSError:
            return
        self._child_at = now
        self._paused = self._clock.monotonic() - now

    def _take_in(self, now: float) -> None:
        child, self._child = self._child, None
        assert child is not None
        took = now - self._child_at
        self._next(now, child.cpu_s + self._paused)
        rows: list[Row] | None = None
        objects = size = 0
        ours: frozenset[str] = frozenset()
        holders: list[tuple[str, str]] = []
        for line in child.result.splitlines():
            try:
                kind, *values = json.loads(line)
            except ValueError:  # it was killed while it wrote
                break
            if kind == "rows":
                objects, size, listed = values
                rows = [(name, count, bytes) for name, count, bytes in listed]
            elif kind == "ours":
                ours = frozenset(values[0])
            elif kind == "holder":
                holders.append((values[0], values[1]))
            elif kind == "size":
                self._weighed[values[0]] = values[1]
        if rows is not None:
            self._publish(rows, objects, size, took, self._paused, holders, ours)

    def _in_process(self, now: float) -> None:
        """Where there can be no child: the collector's own objects alone, a slice at a time."""
        objects = gc.get_objects()
        if len(objects) > IN_PROCESS_MOST:
            self._due = now + SPACE_S[1]
            return
        total: dict[str, tuple[int, int]] = {}
        for start in range(0, len(objects), SLICE):
            for name, count, size in summarized(objects[start : start + SLICE]):
                before = total.get(name, (0, 0))
                total[name] = before[0] + count, before[1] + size
            self._clock.sleep(_NEVER, 0.001)
        del objects
        took = self._clock.monotonic() - now
        self._next(now, took)
        rows = [(name, count, size) for name, (count, size) in total.items()]
        counts = sum(row[1] for row in rows), sum(row[2] for row in rows)
        self._publish(rows, *counts, took, took, [], frozenset())

    def _next(self, now: float, cost: float) -> None:
        self._due = now + min(max(SPACE_S[0], cost / SHARE), SPACE_S[1])

    def _publish(
        self,
        rows: Sequence[Row],
        objects: int,
        size: int,
        took: float,
        paused: float,
        holders: Sequence[tuple[str, str]],
        ours: frozenset[str],
    ) -> None:
        self._number += 1
        if not self._first:
            # Of the user's own classes there were no objects before the run.
            self._first = {name: (count, size) for name, count, size in rows if name not in ours}
        self._counts.append({name: count for name, count, _ in rows})
        if len(self._counts) > 2 * KEPT:
            self._counts = self._counts[::2]
        states = [self._state(row) for row in rows]
        states.sort(key=lambda state: (-state.bytes_delta, -state.bytes))
        self.latest = Census(
            at_s=self._clock.monotonic() - self._began,
            took_s=took,
            paused_s=paused,
            objects=objects,
            bytes=size,
            types=tuple(states[:SHOWN]),
            holders=tuple(holders) or (self.latest.holders if self.latest is not None else ()),
            number=self._number,
        )

    def _state(self, row: Row) -> TypeState:
        name, count, size = row
        first = self._first.get(name, (0, 0))
        series = tuple(counts.get(name, 0) for counts in self._counts)
        return TypeState(name, count, size, count - first[0], size - first[1], series)

    def _grown(self) -> tuple[str, ...]:
        """The types that grew most since the first, or of which there is most where there was no other."""
        if self.latest is None:
            return ()
        return tuple(state.type for state in growing(self.latest))[:GROWING]


_NEVER = threading.Event()


def growing(census: Census) -> list[TypeState]:
    """The types of which there were more at every census, the largest growth first."""
    return [
        state
        for state in census.types
        if state.count_delta > 0 and all(after >= before for before, after in pairwise(state.series))
    ]


def _survey(
    write: Write,
    clock: Clock,
    known: Sequence[Known],
    grown: Sequence[str],
    owns: OwnsClass,
    *,
    collecting: bool,
) -> None:
    """What the child does: the counts first, since they matter most."""
    deadline = clock.monotonic() + DEADLINE_S * 0.8

    def expired() -> bool:
        return clock.monotonic() > deadline

    places = {id(held): each.place for each in known if (held := each.look()) is not None}
    rows, objects = counting.count()
    total = sum(row[1] for row in rows), sum(row[2] for row in rows)
    ours = counting.names(objects, owns)
    write(_line("ours", sorted(ours)))
    write(_line("rows", *total, counting.largest(rows)))
    if not grown:
        most = sorted((row for row in rows if row[0] in ours), key=lambda row: -row[1])
        grown = [row[0] for row in most[:GROWING] if row[1] > LEAST]
    for name in grown:
        some = counting.of_type(objects, name)
        found = counting.holder(some, places, [objects, rows], expired)
        if found is None and not expired():
            collector = "" if collecting else ", and the cyclic collector is off"
            found = f"{NOBODY}{collector}"
        if found is not None:
            write(_line("holder", name, found))
    del objects
    for each in known:
        held = each.look()
        if each.weigh and held is not None and not expired():
            write(_line("size", each.key, counting.weigh(held)))


def _line(*values: object) -> bytes:
    return json.dumps(values).encode() + b"\n"
