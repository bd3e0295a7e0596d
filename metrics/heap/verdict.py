"""One verdict on memory, from all that is known: the resident set, the containers, the allocator's blocks."""

from __future__ import annotations

from dataclasses import replace

from metrics.heap.census import NOBODY, growing
from metrics.heap.watch import BLOCKS_PER_RECORD, HeapWatch
from metrics.memory_state import CacheState, MemoryState, TypeState

LEAK_BYTES = 64 * 1024
"""A container that grows and weighs less is told, and not yet held against the run."""
OBJECTS_PER_RECORD = 0.05
"""Of one class of the user's, that stay, are a leak if the allocator's blocks stay too."""


def leaking(cache: CacheState) -> bool:
    """Whether a container is held against the run: it grows, and weighs something."""
    return cache.verdict == "growing" and (cache.bytes or 0) >= LEAK_BYTES


def piling_up(state: MemoryState, records: int) -> list[TypeState]:
    """The types whose objects stay with the records, by the newest census, the most objects first.

    What nothing else refers to is no leak while the collector is on, which has only not come by yet. (Without
    the GIL it may also wait for the thread that made it, when another has given up the last reference.)
    """
    if state.census is None or not records:
        return []
    holders = dict(state.census.holders)
    found = [
        each
        for each in growing(state.census)
        if each.count_delta >= OBJECTS_PER_RECORD * records and holders.get(each.type) != NOBODY
    ]
    return sorted(found, key=lambda each: -each.count_delta)


def combined(state: MemoryState, heap: HeapWatch) -> MemoryState:
    """The state with what is known of the heap.

    A container that grows with the records is exact evidence, and goes before the resident set, which needs
    twenty seconds to tell a leak from pools that fill. Where that is too short a time, but the lengths of all
    containers and the allocator's blocks were read often enough and none of them grows, memory is stable.
    """
    caches = heap.caches
    state = replace(state, caches=caches, blocks=heap.blocks.now, census=heap.census)
    grown = [cache for cache in caches if leaking(cache)]
    if grown:
        per_record = sum(cache.bytes_per_record or 0.0 for cache in grown)
        slope = max(per_record, state.slope_bytes_per_record or 0.0)
        return replace(state, verdict="growing", slope_bytes_per_record=slope, confidence=0.95)
    if state.verdict != "unknown" or not heap.judged:
        return state
    if any(cache.verdict == "warming" and (cache.bytes or 0) >= LEAK_BYTES for cache in caches):
        return replace(state, verdict="warming", confidence=0.8)
    left = heap.unexplained
    if left is not None and left >= BLOCKS_PER_RECORD and piling_up(state, heap.records):
        return replace(state, verdict="growing", confidence=0.9)
    if left is not None and left < BLOCKS_PER_RECORD:
        return replace(state, verdict="stable", confidence=0.8)
    return state
