"""The small figure of every trial; ``make chaos`` runs the large one.

A worker that dies in each stage by each kind of exception is in ``tests/pipeline/test_failures.py``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.clocks import clocks
from tests.chaos.corruption import corrupted_input
from tests.chaos.job import OVER_A_DISK
from tests.chaos.kills import KINDS, LIMITED, LIMITS, Range, full_disks, kill_trials, shooting_range
from tests.chaos.machine import steered
from tests.chaos.processes import LineProcess
from tests.chaos.schedules import schedules
from tests.chaos.sink_faults import sink_faults
from tests.chaos.table import Trials
from tests.chaos.writes import ONE_VARIANT, Workshop, failing_writes, power_cuts
from tests.pipeline.sinks.postgres_server import dsn

pytestmark = pytest.mark.timeout(300)
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Range]:
    with shooting_range(tmp_path_factory.mktemp("range")) as made:
        yield made


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    with LineProcess("tests.chaos.oracle") as oracle:
        yield Workshop(tmp_path_factory.mktemp("shop"), oracle)


def check(trials: Trials) -> None:
    assert trials.holds, "\n".join([f"{len(trials.wrong)} of {trials.count} failed", *trials.wrong[:20]])


@needs_fork
@pytest.mark.parametrize("kind", KINDS)
def test_forty_kills_lose_and_repeat_nothing(ground: Range, kind: str) -> None:
    if kind == "postgres":
        dsn()  # skips where there is no server
    trials = kill_trials(ground, kind, 40, seed=7)
    assert trials.count >= 40
    check(trials)


@needs_fork
@pytest.mark.parametrize("kind", LIMITED)
def test_a_full_disk_ends_the_run_and_the_next_goes_on(ground: Range, kind: str) -> None:
    check(full_disks(ground, kind, LIMITS))


@pytest.mark.parametrize("kind", OVER_A_DISK)
def test_any_write_may_fail(shop: Workshop, kind: str) -> None:
    check(failing_writes(shop, kind, [ONE_VARIANT[kind]]))


@pytest.mark.parametrize("kind", OVER_A_DISK)
def test_a_power_cut_takes_nothing_that_was_acknowledged(shop: Workshop, kind: str) -> None:
    check(power_cuts(shop, kind, 13, seed=3))


@pytest.mark.parametrize("kind", ["jsonl", "sqlite"])
def test_without_syncs_a_power_cut_is_found(shop: Workshop, kind: str) -> None:
    """The control: the trials above could fail."""
    assert power_cuts(shop, kind, 20, seed=3, synced=False).notes["failed"] > 0


def test_a_sink_may_fail_before_while_and_after_it_writes(shop: Workshop) -> None:
    check(sink_faults(shop, seeds=10))


def test_clocks_that_jump_freeze_and_drift_bend_no_number(tmp_path: Path) -> None:
    check(clocks(tmp_path))


def test_a_thousand_damaged_files(tmp_path: Path) -> None:
    trials = corrupted_input(tmp_path, 1_000)
    assert trials.count >= 1_000
    check(trials)


def test_five_hundred_schedules_with_faults(tmp_path: Path) -> None:
    check(schedules(tmp_path, range(500)))


def test_whoever_steers_in_whatever_order() -> None:
    check(steered(100, 30))
