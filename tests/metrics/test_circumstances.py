"""What a run has to live with is told in words when it lasts and is beyond the ordinary, and not else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from metrics.circumstances import TICKS, Circumstances
from metrics.snapshot import Phase, Recent, Resources, Snapshot
from tests.metrics.made import RESOURCES, snapshot

STEADY = (400.0,) * TICKS
BURSTS = (4000.0, 0.0, 0.0, 0.0) * (TICKS // 4)
SPARSE = (4.0, 0.0, 0.0, 0.0) * (TICKS // 4)
At = Callable[[float], Resources]


def calm(at: float) -> Resources:
    return replace(RESOURCES, cpu=0.2, run_wait=0.02, steal=0.0, gc_pause_s=0.03 * at)


def collecting(at: float) -> Resources:
    return replace(calm(at), gc_pause_s=0.4 * at, gc_collections=round(30 * at))


def crowded(at: float) -> Resources:
    return replace(calm(at), run_wait=0.6)


def busy_itself(at: float) -> Resources:
    return replace(calm(at), cpu=1.9, run_wait=2.2)


def robbed(at: float) -> Resources:
    return replace(calm(at), steal=0.3)


def shown(at: float, resources: At, phase: Phase, limit: float | None, blocked: float) -> Snapshot:
    made = snapshot(elapsed_s=at, resources=resources(at))
    recent = Recent(10.0, 100, 0, None, 0.1, 0.9 - blocked, blocked)
    stages = tuple(replace(each, recent=recent) for each in made.stages)
    return replace(made, phase=phase, stages=stages, rate_limit=limit)


def told(
    resources: At = calm,
    reads: tuple[float, ...] = STEADY,
    seconds: float = 30.0,
    *,
    watch: Circumstances | None = None,
    begin: float = 0.0,
    phase: Phase = "running",
    limit: float | None = None,
    blocked: float = 0.0,
) -> tuple[str, ...]:
    watch = watch or Circumstances()
    words: tuple[str, ...] = ()
    for tick in range(round(seconds * 5)):
        words = watch.look(shown(begin + tick / 5, resources, phase, limit, blocked), reads)
    return words


@pytest.mark.parametrize(
    ("resources", "reads", "words"),
    [
        (collecting, STEADY, "cyclic collector takes 40% of the time (30.0 collections a second)"),
        (crowded, STEADY, "other programs take the processors: on average 0.6 of the run's threads"),
        (robbed, STEADY, "hypervisor take 30%"),
        (calm, BURSTS, "the input comes in bursts: about 1,000 records every 1 s"),
    ],
)
def test_what_lasts_is_told(resources: At, reads: tuple[float, ...], words: str) -> None:
    (said,) = told(resources, reads)
    assert words in said
    assert told(resources, reads, seconds=5.0) == ()
    assert told(resources, reads, phase="paused") == ()


def test_the_ordinary_is_not_told() -> None:
    assert told() == ()
    assert told(busy_itself) == (), "a run that has the processors waits for itself"
    assert told(calm, SPARSE) == (), "where little comes, nothing comes for a while"
    assert told(calm, BURSTS, limit=100.0) == (), "the limit is the user's"
    assert told(calm, BURSTS, blocked=0.5) == (), "a stage holds the reading up"
    assert told(calm, BURSTS[: TICKS // 2]) == ()


def test_it_is_told_once_and_so_is_its_end() -> None:
    watch = Circumstances()
    assert told(crowded, watch=watch)
    (begun,) = watch.news
    watch.news.clear()
    assert told(calm, seconds=5.0, begin=30.0, watch=watch), "a moment is no end"
    assert not watch.news
    assert told(calm, seconds=20.0, begin=35.0, watch=watch) == ()
    assert watch.news == [f"no longer: {begun}"]
