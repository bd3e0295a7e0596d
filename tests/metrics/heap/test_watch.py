"""What is read of containers, and when."""

from __future__ import annotations

import pytest

from metrics.heap import watch as module
from metrics.heap.discovery import Walk
from metrics.heap.watch import HeapWatch
from pipeline.clock import ManualClock
from pipeline.events import StageWorked


def worked(stage: str, taken: int, at: float) -> StageWorked:
    return StageWorked(at, stage, 0, None, 0, taken, taken, 0, 0, 0, 0, 0.0, 0.0, 0.0)


def stages() -> tuple[dict[str, list[object]], list[int]]:
    """Two stages by name, and a list that the second one holds."""
    kept: list[int] = []

    def first(value: int) -> int:
        return value

    def second(value: int) -> int:
        kept.append(value)
        return value

    return {"first": [first], "second": [second]}, kept


def test_what_the_stages_before_have_taken_is_not_put_down_to_one_that_has_not_begun() -> None:
    roots, kept = stages()
    clock = ManualClock()
    watch = HeapWatch(clock, lambda: roots)
    watch.begin()
    # The first stage runs ahead in a thread of its own, and is looked at meanwhile.
    watch.put(worked("first", 700, 0.0))
    watch.step(0.1)
    for batch in range(1, 21):
        kept.extend(range(50))
        watch.put(worked("second", 50, 0.1 + batch / 100))
    watch.finish()
    (found,) = [cache for cache in watch.caches if cache.name == "kept"]
    assert (found.verdict, found.len) == ("growing", 1000)


@pytest.mark.parametrize("apart_s", [0.0, 1.0])
def test_one_walk_sees_what_a_batch_did_to_a_chain_of_stages(
    apart_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    walks: list[float] = []
    clock = ManualClock()

    def walk(*args: object) -> Walk:
        walks.append(clock.monotonic())
        return Walk(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "Walk", walk)
    roots, _ = stages()
    watch = HeapWatch(clock, lambda: roots)
    watch.begin()
    for _ in range(5):
        done_at = clock.monotonic()
        clock.advance(0.01)
        for stage in roots:
            watch.put(worked(stage, 100, done_at))
            clock.advance(apart_s)
            done_at += apart_s
        clock.advance(0.01)
    # At the second and the fifth reading, of each stage that worked since the walk before.
    assert len(walks) == 1 + (2 if not apart_s else 4)


def test_another_function_in_a_stages_place_is_looked_at_at_once() -> None:
    roots, _ = stages()
    arranged: list[object] = ["as declared"]
    watch = HeapWatch(ManualClock(), lambda: roots, arrangement=lambda: list(arranged))
    watch.begin()
    others, added = stages()
    roots["second"] = others["second"]
    arranged[:] = ["another"]
    added.extend(range(100))
    watch.put(worked("second", 100, 1.0))
    added.extend(range(100))
    watch.put(worked("second", 100, 2.0))
    watch.publish()
    assert [(cache.name, cache.len) for cache in watch.caches] == [("kept", 200)]


def test_a_container_that_has_long_been_the_same_is_read_again_when_it_grows() -> None:
    roots, kept = stages()
    watch = HeapWatch(ManualClock(), lambda: roots)
    watch.begin()
    for at in range(60):
        watch.put(worked("second", 1, at))
    for at in range(60, 72):
        kept.extend(range(100))
        watch.put(worked("second", 100, at))
    watch.publish()
    assert [(cache.name, cache.len) for cache in watch.caches] == [("kept", len(kept))]
