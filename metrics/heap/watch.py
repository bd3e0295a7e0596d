"""Watches the containers of a pipeline while it runs: how long they are at every batch, and what they weigh.

Lengths are read at two speeds. At the end of batches, in the thread that emits the event, where a stage's
records and its containers' lengths fit together exactly: so a run of a few milliseconds has enough readings
as well. They come ever more seldom (4 % more records between two) and cost a long run nothing. And ten
times a second, in a thread of the watch's own, which also looks for new containers and weighs them, each
within a share of the time.
"""

from __future__ import annotations

import gc
import itertools
import random
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from metrics.heap.blocks import Blocks
from metrics.heap.census import Censuses, Known
from metrics.heap.discovery import Walk
from metrics.heap.spots import Spot
from metrics.heap.stage_counts import MIN_READINGS, StageCounts
from metrics.heap.tracked import Tracked
from metrics.memory_state import CacheState, Census, MemoryVerdict
from pipeline.clock import Clock
from pipeline.events import Event, StageWorked

TICK_S = 0.1
COLD_EVERY = 10
"""Ticks between two looks at containers that have not changed for a while."""
COLD_READINGS = 4
"""Readings of a stage between two at which those are read as well."""
BLOCKS_EARLY = 32
"""So many of the first readings count the allocator's blocks as well, and each cold one: they take as long as
all containers, and are counted ten times a second anyway."""
TOLD_EVERY = 5
"""Ticks between two times that what was found is told."""
SHARE = 0.004
"""Of the time, spent on looking for containers; the same again on weighing them."""
LOOK_S = (1.0, 60.0)
"""The shortest and the longest time between two walks."""
FIND_AT = (2, 5, 12)
"""Readings of a stage at which is looked for containers that its first records have made."""
QUICK = 2_000
"""Only where a walk meets fewer objects (a millisecond or two); else it is left to the watch's own thread."""
KEPT_S = 5.0
"""How long a container that grew is told after it has gone."""
WAIT_S = 0.02
"""The longest that a thread waits for another that takes over what it has found."""
PATIENCE_S = 3.0
"""While a run goes on, nothing is called growing before; at its end, it is."""
WEIGHED_LAST = 20
"""Containers, the longest, that are weighed at the end of a run."""
LAST_CENSUS_S = 20.0
"""How long the end of a run waits for a last census, where one is needed."""
BLOCKS_PER_RECORD = 1.0
"""Fewer are explained by what the monitor itself counts."""


class Declared(Protocol):
    """A container that the pipeline asked to be watched (:class:`pipeline.watched.WatchedCache`)."""

    @property
    def name(self) -> str: ...

    @property
    def stage(self) -> str | None: ...

    @property
    def ref(self) -> Callable[[], object]: ...


Roots = Callable[[], Mapping[str, Sequence[object]]]
"""By stage, in flow order, what runs in it now."""

Arrangement = Callable[[], object]
"""Equal to what it was before as long as the same runs in every stage."""


class HeapWatch:
    """``put`` is for the threads that emit events; the rest is for one thread at a time."""

    def __init__(
        self,
        clock: Clock,
        roots: Roots,
        declared: Callable[[], Sequence[Declared]] = tuple,
        *,
        output: str = "output",
        seed: int = 0,
        arrangement: Arrangement | None = None,
    ) -> None:
        """``output`` is the stage that is the sink; ``seed`` chooses the items that are weighed.
        ``arrangement`` is asked often: give one where it is cheaper than the roots."""
        self._clock = clock
        self._roots = roots
        self._arrangement = arrangement or (lambda: _shape(roots()))
        self._declared = declared
        self._output = output
        self._chance = random.Random(seed)
        self._stages: dict[str, StageCounts] = {}
        self._tracked: dict[tuple[str | None, str, int], Tracked] = {}
        self._by_stage: dict[str | None, list[Tracked]] = {}
        self._names: frozenset[str | None] = frozenset()
        """Of the stages."""
        self._arranged: object = ()
        self._walked_at = float("-inf")
        """When the newest walk that was taken over began."""
        self._tickets = itertools.count(1)
        self._applied = 0
        self._applying = threading.Lock()
        self._walk_steps = 0
        self._ticks = 0
        self._began = self._look_at = self._weigh_at = clock.monotonic()
        self._weighed = 0
        self.blocks = Blocks()
        self._walk: Walk | None = None
        self._censuses = Censuses(clock, self._known, self._owns)
        self.lost = 0
        """Events that were not taken: none."""
        self.failures = 0
        """How often watching failed: faults of the monitor, which cost the pipeline nothing."""
        self.caches: tuple[CacheState, ...] = ()
        """What there is to show, replaced as a whole."""

    def put(self, event: Event) -> None:
        """Take an event as it is emitted. Never blocks, never raises."""
        if type(event) is not StageWorked or not event.taken:
            return
        try:
            counts = self._stages.get(event.stage)
            if counts is None:
                counts = self._stages.setdefault(event.stage, StageCounts())
            if counts.add(event):
                self._read_stage(event.stage, counts, event.at)
        except Exception:  # noqa: BLE001 - what watches must not hurt what it watches
            self.failures += 1

    def begin(self) -> None:
        """Look for containers before anything runs."""
        self._began = self._clock.monotonic()
        self._guarded(self._find)

    def run(self, stop: threading.Event) -> None:
        """Look ten times a second until ``stop`` is set."""
        due = self._clock.monotonic()
        while not self._clock.sleep(stop, max(0.0, due - self._clock.monotonic())):
            now = self._clock.monotonic()
            self._guarded(lambda now=now: self.step(now))  # type: ignore[misc]
            due = max(due + TICK_S, now)

    def step(self, now: float) -> None:
        """One look at everything; what takes longer is done when its time has come."""
        self._ticks += 1
        self.blocks.read(self._most_taken(), self._own_blocks())
        cold = self._ticks % COLD_EVERY == 0
        for tracked in list(self._tracked.values()):
            if cold or tracked.lively:
                self._read(tracked)
        if now >= self._look_at or self._changed():
            took = self._timed(self._find)
            self._look_at = now + min(max(LOOK_S[0], took / SHARE), LOOK_S[1])
        if now >= self._weigh_at:
            self._weigh_at = now + self._timed(self._weigh_next) / SHARE
        self._censuses.step(now)
        self._weighed_by_census()
        if self._ticks % TOLD_EVERY == 1:
            self.publish()

    def finish(self) -> None:
        """The last look, when nothing runs any more."""
        self._guarded(self._last_look)
        self._guarded(self._last_census)

    def take_census(self) -> None:
        """Have all objects counted as soon as may be; for any thread."""
        self._censuses.ask()

    @property
    def census(self) -> Census | None:
        """The newest count of all objects."""
        return self._censuses.latest

    @property
    def records(self) -> int:
        """Records that the busiest stage has taken."""
        return self._most_taken()

    @property
    def unexplained(self) -> float | None:
        """The allocator's blocks that each record has left behind, but for those in containers that are
        known; None while that cannot be told."""
        return self.blocks.kept(sum(tracked.size or 0 for tracked in list(self._tracked.values())))

    def publish(self, *, last: bool = False) -> None:
        """Bring :attr:`caches` up to date."""
        states = [tracked.state() for tracked in self._tracked.values() if tracked.of_interest]
        if not last and self._clock.monotonic() - self._began < PATIENCE_S:
            # A cache may not have been flushed for the first time yet.
            states = [replace(each, verdict=_patient(each.verdict)) for each in states]
        states.sort(key=lambda state: (state.verdict != "growing", not state.declared, -(state.bytes or 0)))
        self.caches = tuple(states)

    @property
    def judged(self) -> bool:
        """Whether enough was read to say of every container that matters whether it grows."""
        return bool(self._stages) and all(counts.readings >= MIN_READINGS for counts in self._stages.values())

    def _last_look(self) -> None:
        self._find()
        for tracked in self._tracked.values():
            self._read(tracked)
        self.blocks.read(self._most_taken(), self._own_blocks())
        # Also those that did not change: what they hold was there all along, or came before they were found.
        longest = sorted(self._tracked.values(), key=lambda tracked: -tracked.entries)[:WEIGHED_LAST]
        for tracked in longest:
            if tracked.entries and (tracked.worth_weighing or tracked.size is None):
                tracked.weigh(self._chance)
        self.publish(last=True)

    def _last_census(self) -> None:
        """One more, where something is left that no container explains: it may name its type."""
        grows = any(cache.verdict == "growing" for cache in self.caches)
        if not grows and self._left_behind() and gc.isenabled():
            # Garbage for which the collector has not come by yet is no leak.
            gc.collect()
            self.blocks.read(self._most_taken(), self._own_blocks())
        self._censuses.finish(wanted=not grows and self._left_behind(), seconds=LAST_CENSUS_S)

    def _left_behind(self) -> bool:
        left = self.unexplained
        return left is not None and left >= BLOCKS_PER_RECORD

    def _weighed_by_census(self) -> None:
        sizes = self._censuses.sizes()
        if sizes:
            for tracked in self._tracked.values():
                if id(tracked) in sizes:
                    tracked.weighs(sizes[id(tracked)])

    def _known(self) -> list[Known]:
        return [
            Known(id(each), f"`{each.spot.name}` ({each.spot.place})", each.spot.held, each.too_far)
            for each in self._tracked.values()
        ]

    def _owns(self, kind: type) -> bool:
        return self._walk is not None and self._walk.code.owns_class(kind)

    def _read_stage(self, stage: str, counts: StageCounts, at: float) -> None:
        # What a batch did to a chain of stages, one walk sees.
        due = counts.readings in FIND_AT and self._walk_steps < QUICK and at >= self._walked_at
        if due or self._changed():
            self._find()
        cold = counts.readings % COLD_READINGS == 0
        for tracked in self._by_stage.get(stage, ()):
            if cold or tracked.lively:
                tracked.read(counts.taken, counts.held)
        if stage == self._last_stage():
            for tracked in self._by_stage.get(None, ()):
                if cold or tracked.lively:
                    tracked.read(counts.taken, 0)
            if cold or counts.readings < BLOCKS_EARLY:
                self.blocks.read(counts.taken, self._own_blocks())

    def _read(self, tracked: Tracked) -> None:
        counts = self._stages.get(tracked.spot.stage or "")
        if counts is not None:
            tracked.read(counts.taken, counts.held)
        else:
            # A stage that has taken nothing yet has not, whatever those before it have taken.
            tracked.read(0 if tracked.spot.stage in self._names else self._most_taken(), 0)

    def _own_blocks(self) -> int:
        return sum(tracked.own_blocks for tracked in list(self._tracked.values()))

    def _last_stage(self) -> str | None:
        return next(reversed(self._stages), None)

    def _most_taken(self) -> int:
        return max((counts.taken for counts in list(self._stages.values())), default=0)

    def _changed(self) -> bool:
        """Whether something else runs in a stage than at the last walk."""
        return self._arrangement() != self._arranged

    def _find(self) -> None:
        """Walk, and go on with what was found, unless a walk that began later was quicker."""
        ticket = next(self._tickets)
        began = self._clock.monotonic()
        arranged = self._arrangement()
        roots = self._roots()
        spots = self._spots(roots)
        if not self._applying.acquire(timeout=WAIT_S):
            return
        try:
            if ticket > self._applied:
                self._applied, self._arranged = ticket, arranged
                self._take_over(spots, roots)
                self._walked_at = began
        finally:
            self._applying.release()

    def _spots(self, roots: Mapping[str, Sequence[object]]) -> list[Spot]:
        walk = Walk(roots, self._output)
        self._walk, self._walk_steps = walk, walk.steps
        places = {id(held): spot for spot in walk.spots if (held := spot.held()) is not None}
        spots = []
        known = set()
        for each in self._declared():
            held = each.ref()
            if held is not None:
                known.add(id(held))
                there = places.get(id(held))
                place = there.place if there is not None else each.name
                stage = each.stage or (there.stage if there is not None else None)
                spots.append(Spot(each.name, place, stage, each.ref, declared=True))
        spots += [spot for key, spot in places.items() if key not in known]
        return spots

    def _take_over(self, spots: Sequence[Spot], roots: Mapping[str, Sequence[object]]) -> None:
        tracked: dict[tuple[str | None, str, int], Tracked] = {}
        for spot in spots:
            number = 0
            while (key := (spot.stage, _title(spot), number)) in tracked:
                number += 1
            known = self._tracked.get(key)
            tracked[key] = known.moved(spot) if known is not None else Tracked(spot)
        tracked |= self._gone(tracked)
        by_stage: dict[str | None, list[Tracked]] = {}
        for each in tracked.values():
            stage = each.spot.stage if each.spot.stage in roots else None
            by_stage.setdefault(stage, []).append(each)
        self._tracked, self._by_stage, self._names = tracked, by_stage, frozenset(roots)

    def _gone(
        self, found: Mapping[tuple[str | None, str, int], Tracked]
    ) -> dict[tuple[str | None, str, int], Tracked]:
        """What a thread kept for itself, and grew, goes when the thread ends, shortly before the run does: it
        is told for a while, and no longer kept alive."""
        now = self._clock.monotonic()
        left = {}
        for key, each in self._tracked.items():
            if key in found or not each.spot.of_thread or each.judged.verdict != "growing":
                continue
            if each.gone_at is None:
                if each.worth_weighing:
                    each.weigh(self._chance)
                each.let_go(now)
            if each.gone_at is not None and now - each.gone_at < KEPT_S:
                left[key] = each
        return left

    def _weigh_next(self) -> None:
        worth = [each for each in self._tracked.values() if each.worth_weighing]
        if worth:
            self._weighed += 1
            worth[self._weighed % len(worth)].weigh(self._chance)

    def _timed(self, work: Callable[[], None]) -> float:
        before = self._clock.monotonic()
        work()
        return self._clock.monotonic() - before

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception:  # noqa: BLE001 - a container in an odd state must not end the watching
            self.failures += 1


def _patient(verdict: MemoryVerdict) -> MemoryVerdict:
    return "warming" if verdict == "growing" else verdict


def _title(spot: Spot) -> str:
    """What stays the same of a container, however it was reached."""
    return spot.name if spot.declared else f"{spot.name} {spot.place}"


def _shape(roots: Mapping[str, Sequence[object]]) -> tuple[int, ...]:
    return tuple(id(part) for parts in roots.values() for part in parts)
