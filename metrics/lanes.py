"""Where the workers' time goes, and who holds the others up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from metrics.books import QueueCount
from metrics.format import percent
from metrics.stage_fold import StageFold

BUSY = 0.85
FULL = 0.8
EMPTY = 0.1


class Lane(NamedTuple):
    """Threads that do one job after another: reading, a chain of stages, or writing.

    ``name`` is the stage that takes most of their time; they take from the queue before ``first``
    (None: from a source). ``busy`` is their share of work in the last seconds.
    """

    name: str
    first: str | None
    busy: float


def bottleneck(stages: Iterable[StageFold], queues: Mapping[str, QueueCount], now: float) -> str | None:
    """Which stage holds the others up now, in words; None where none clearly does.

    That is the one whose threads are busy while the queue before them is full; or a source that
    is busy being read while the queue behind it is empty.
    """
    limits = ((lane.busy, _limits(lane, queues)) for lane in _lanes(stages, now))
    found = [(busy, words) for busy, words in limits if words is not None]
    return max(found)[1] if found else None


def _limits(lane: Lane, queues: Mapping[str, QueueCount]) -> str | None:
    if lane.busy < BUSY:
        return None
    queue = queues.get(lane.first or lane.name)
    if queue is None or not queue.capacity_records:
        return None
    filled = queue.fill
    if lane.first is None:
        empty = f"reading is the bottleneck: busy {percent(lane.busy, 0)}, the queue after it is empty"
        return empty if filled <= EMPTY else None
    full = "full" if filled >= 1 else f"{percent(filled, 0)} full"
    words = f"{lane.name} is the bottleneck: busy {percent(lane.busy, 0)}, its queue is {full}"
    return words if filled >= FULL else None


def _lanes(stages: Iterable[StageFold], now: float) -> Iterator[Lane]:
    chain: list[StageFold] = []
    for stage in stages:
        if not stage.info.chained:
            yield from _chain(chain, now)
            chain = []
        chain.append(stage)
        if stage.times.ends.total > 0:
            name = stage.info.name
            first = name if stage.info.kind == "output" else None
            yield Lane(name, first, stage.recent.times(now).ends.busy_share)
    yield from _chain(chain, now)


def _chain(chain: list[StageFold], now: float) -> Iterator[Lane]:
    """While one stage of a chain works the others wait for it, so that their shares of work add up."""
    if chain:
        spent = [stage.recent.times(now).workers for stage in chain]
        slowest = max(range(len(chain)), key=lambda at: spent[at].busy)
        busy = sum(each.busy_share for each in spent)
        yield Lane(chain[slowest].info.name, chain[0].info.name, busy)
