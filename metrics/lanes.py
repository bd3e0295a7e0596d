"""Stages that share a thread, and where their time goes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce

from metrics.format import percent
from metrics.snapshot import StageState
from metrics.stage_fold import Spent, StageFold

BUSY = 0.85
FULL = 0.8
EMPTY = 0.1

Shares = tuple[float, float, float] | tuple[None, None, None]


def lanes(stages: Iterable[StageFold]) -> list[list[StageFold]]:
    """The stages in flow order, those chained to one another together."""
    groups: list[list[StageFold]] = []
    for stage in stages:
        if stage.info.chained and groups:
            groups[-1].append(stage)
        else:
            groups.append([stage])
    return groups


def shares(stage: StageFold, lane: Sequence[StageFold]) -> Shares:
    """The stage's busy, idle and blocked share of its workers' time over the run.

    In a chain the stages' events divide the time of one worker among them. While a neighbour
    works the stage idles; while the worker is blocked all of them are.
    """
    spent = _together(member.spent for member in lane)
    if spent.total <= 0:
        return None, None, None
    busy, blocked = stage.spent.busy / spent.total, spent.blocked / spent.total
    return busy, max(0.0, 1.0 - busy - blocked), blocked


def bottleneck(folds: Iterable[StageFold], states: Sequence[StageState]) -> str | None:
    """Which stage holds the others up now, in words; None where none clearly does.

    That is a stage whose worker is busy while its queue is full; or the first, if it is
    busy while the queue after it is empty.
    """
    rows = {state.name: state for state in states}
    groups = lanes(folds)
    best, words = 0.0, None
    for at, lane in enumerate(groups):
        spent = _together(stage.recently for stage in lane)
        if spent.total <= 0 or spent.busy / spent.total < max(BUSY, best):
            continue
        slowest = max(lane, key=lambda stage: stage.recently.busy)
        busy = spent.busy / spent.total
        row, queue = slowest.info.name, rows[lane[0].info.name].queue
        if queue is not None and queue.capacity and queue.size >= FULL * queue.capacity:
            full = (
                "full" if queue.size >= queue.capacity else f"{percent(queue.size / queue.capacity, 0)} full"
            )
            best, words = busy, f"{row} is the bottleneck: busy {percent(busy, 0)}, its queue is {full}"
        elif at == 0 and len(groups) > 1:
            after = rows[groups[1][0].info.name].queue
            if after is not None and after.size <= EMPTY * after.capacity:
                best, words = (
                    busy,
                    f"{row} is the bottleneck: busy {percent(busy, 0)}, the queue after it is empty",
                )
    return words


def _together(spent: Iterable[Spent]) -> Spent:
    return reduce(Spent.plus, spent, Spent())
