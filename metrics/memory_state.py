"""What is known of memory at one moment: containers, objects by type, the verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MemoryVerdict = Literal["stable", "growing", "warming", "shrinking", "unknown"]


@dataclass(frozen=True, slots=True)
class CacheState:
    """A container that is watched: declared by the pipeline, or found by a census.

    ``bytes`` is its deep size at the last measurement, None before the first. ``place`` says where it is
    held (``orders.py: seen``, ``Enrich.cache``). ``series`` holds its length over the run, oldest first,
    thinned. ``kind`` is its type (``dict``).
    """

    name: str
    stage: str | None
    len: int
    bytes: int | None
    verdict: MemoryVerdict
    bytes_per_record: float | None = None
    declared: bool = False
    place: str | None = None
    series: tuple[int, ...] = ()
    kind: str = ""


@dataclass(frozen=True, slots=True)
class TypeState:
    """The live objects of one type, and how many more there are than at the first census after the warm-up.

    ``series`` holds the counts of the censuses, oldest first.
    """

    type: str
    count: int
    bytes: int
    count_delta: int
    bytes_delta: int
    series: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Census:
    """All live objects by type, the largest growth first. ``paused_s`` is how long the pipeline stood still
    for it; ``took_s`` how long it took in all. ``holders`` names, for the types that grow, who refers to
    them."""

    at_s: float
    took_s: float
    paused_s: float
    objects: int
    bytes: int
    types: tuple[TypeState, ...]
    holders: tuple[tuple[str, str], ...] = ()
    number: int = 1


@dataclass(frozen=True, slots=True)
class MemoryState:
    """The process's resident set.

    ``series`` holds readings in bytes over the whole run, oldest first, evenly thinned as it goes on.
    ``confidence`` (0 to 1) is how sure the verdict is, None while it is unknown. ``slope_low`` and
    ``slope_high`` bound the slope. ``blocks`` are those of Python's allocator, where it tells.
    """

    rss_start: int
    rss: int
    rss_peak: int
    slope_bytes_per_record: float | None
    verdict: MemoryVerdict
    series: tuple[int, ...]
    confidence: float | None = None
    slope_low: float | None = None
    slope_high: float | None = None
    uss: int | None = None
    blocks: int | None = None
    caches: tuple[CacheState, ...] = ()
    census: Census | None = None
