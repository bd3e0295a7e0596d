"""Thousands of schedules: what moves next, what fails and when the process dies is all up to a seed."""

from __future__ import annotations

import random
from pathlib import Path

from pipeline.events import Event
from tests.chaos.table import Trials
from tests.chaos.world import World, resumable_plan

PROCESSES = 4
SAME_AGAIN_ONE_IN = 10


def life(seed: int, letters: Path) -> list[Event]:
    """One pipeline through some processes, each of which ends in another way; the events of all."""
    letters.unlink(missing_ok=True)
    chance = random.Random(seed)
    world = World(resumable_plan(chance.randint), letters, seed)
    for _ in range(PROCESSES):
        for _ in range(chance.randint(0, 6)):
            world.advance(chance.randint(1, 30))
            _disturb(world, chance)
        if chance.random() < 0.7:
            world.kill()
        else:
            world.engine.abort()
            world.end()
        world.start(chance.choice((None, 1, 3, 7)), chance.choice((None, 1, 3)))
    world.complete()
    return world.events


def _disturb(world: World, chance: random.Random) -> None:
    match chance.randint(0, 9):
        case 0:
            world.sink.fails_next = True
        case 1:
            world.store.fails_next = chance.choice(("before", "after"))
        case 2:
            world.engine.pause()
            world.engine.step_batch()
        case 3:
            world.engine.resume()


def schedules(folder: Path, seeds: range) -> Trials:
    """A life for each seed; every tenth is lived twice, and must be the same."""
    trials = Trials(
        "schedules with faults under the deterministic driver", "ledger balanced, exact, same seed same log"
    )
    for seed in seeds:
        trials.count += 1
        try:
            events = life(seed, folder / "letters.jsonl")
            if seed % SAME_AGAIN_ONE_IN == 0 and life(seed, folder / "letters.jsonl") != events:
                trials.wrong.append(f"seed {seed}: another log")
        except Exception as error:  # noqa: BLE001 - each failure is a finding, named by its seed
            trials.wrong.append(f"seed {seed}: {type(error).__name__}: {error}")
    return trials
