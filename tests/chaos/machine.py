"""Somebody who pauses, steps, kills, restarts and reconfigures a run in any order hypothesis can think of."""

from __future__ import annotations

import random
import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests.chaos.table import Trials
from tests.chaos.world import World, resumable_plan


class Hands(RuleBasedStateMachine):
    """After each step the books balance; at the end everything is there once, whatever was done."""

    world: World

    @initialize(seed=st.integers(0, 1 << 30))
    def begin(self, seed: int) -> None:
        self._folder = Path(tempfile.mkdtemp())
        plan = resumable_plan(random.Random(seed).randint)
        self.world = World(plan, self._folder / "letters.jsonl", seed)

    @rule(steps=st.integers(1, 25))
    def go_on(self, steps: int) -> None:
        self.world.advance(steps)

    @rule()
    def pause(self) -> None:
        self.world.engine.pause()

    @rule()
    def resume(self) -> None:
        self.world.engine.resume()

    @rule(record=st.booleans(), steps=st.integers(1, 5))
    def step(self, record: bool, steps: int) -> None:
        # A step of one record at the output would commit the children of a record one by one.
        move = self.world.engine.step_record if record and not self.world.splits_children else None
        (move or self.world.engine.step_batch)()
        self.world.advance(steps)

    @rule(batch_size=st.sampled_from([None, 1, 3, 8]), workers=st.sampled_from([None, 1, 2, 4]))
    def kill(self, batch_size: int | None, workers: int | None) -> None:
        self.world.kill()
        self.world.start(batch_size, workers)

    @rule(batch_size=st.sampled_from([None, 1, 3, 8]), workers=st.sampled_from([None, 1, 2, 4]))
    def abort(self, batch_size: int | None, workers: int | None) -> None:
        self.world.engine.abort()
        self.world.end()
        self.world.start(batch_size, workers)

    @rule(where=st.sampled_from(["sink", "before", "after"]))
    def fault(self, where: str) -> None:
        if where == "sink":
            self.world.sink.fails_next = True
        else:
            self.world.store.fails_next = where

    @invariant()
    def books_balance(self) -> None:
        if hasattr(self, "world"):
            self.world.check()

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.complete()
            shutil.rmtree(self._folder)


def steered(examples: int, steps: int) -> Trials:
    """So many runs of so many steps each."""
    trials = Trials(
        f"pause, step, kill, resume, fail, reconfigure, {steps} steps",
        "conservation after each step",
    )
    trials.count = examples
    limits = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    try:
        run_state_machine_as_test(Hands, settings=limits)
    except AssertionError as error:
        trials.wrong.append(f"{error} {getattr(error, '__notes__', '')}")
    return trials
