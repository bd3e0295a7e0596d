"""One verdict on memory, from all that is known: the resident set, the containers, the allocator's blocks."""

from __future__ import annotations

from dataclasses import replace

from metrics.heap.watch import HeapWatch
from metrics.snapshot import CacheState, MemoryState

LEAK_BYTES = 64 * 1024
"""A container that grows and weighs less is told, and not yet held against the run."""
BLOCKS_PER_RECORD = 1.0
"""More of the allocator's blocks with each record are not explained by what the monitor itself counts."""


def leaking(cache: CacheState) -> bool:
    """Whether a container is held against the run: it grows, and weighs something."""
    return cache.verdict == "growing" and (cache.bytes or 0) >= LEAK_BYTES


def combined(state: MemoryState, heap: HeapWatch) -> MemoryState:
    """The state with what is known of the heap.

    A container that grows with the records is exact evidence, and goes before the resident set, which needs
    twenty seconds to tell a leak from pools that fill. Where that is too short a time, but the lengths of all
    containers and the allocator's blocks were read often enough and none of them grows, memory is stable.
    """
    caches = heap.caches
    blocks = heap.blocks
    state = replace(state, caches=caches, blocks=blocks.now)
    grown = [cache for cache in caches if leaking(cache)]
    if grown:
        per_record = sum(cache.bytes_per_record or 0.0 for cache in grown)
        slope = max(per_record, state.slope_bytes_per_record or 0.0)
        return replace(state, verdict="growing", slope_bytes_per_record=slope, confidence=0.95)
    if state.verdict != "unknown" or not heap.judged:
        return state
    if any(cache.verdict == "warming" and (cache.bytes or 0) >= LEAK_BYTES for cache in caches):
        return replace(state, verdict="warming", confidence=0.8)
    kept = blocks.kept(sum(cache.bytes or 0 for cache in caches))
    if kept is not None and kept < BLOCKS_PER_RECORD:
        return replace(state, verdict="stable", confidence=0.8)
    return state
