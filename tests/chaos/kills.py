"""SIGKILL, at any instant and at each step of a commit; then the same command again, until it completes."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from pipeline import failpoints
from tests.chaos import payload
from tests.chaos.job import OUTPUTS, letters, output
from tests.chaos.payload import POSTGRES
from tests.chaos.processes import LineProcess
from tests.chaos.table import Trials
from tests.pipeline.sinks.postgres_server import dsn

PARTITIONS = 2
RECORDS = 200
KILLS_EACH = 5
"""So often one input is killed at most before it is left to complete."""
KINDS = tuple(OUTPUTS)
LIMITED = tuple(kind for kind in KINDS if kind != "postgres")
"""Those that write files themselves."""
LIMITS = (2_000, 5_000, 12_000, 20_000)
"""Bytes beyond which no file may grow: from less than a first commit to most of the output."""
COMMIT_EVERY_S = (0.0, 0.0, 0.003, 0.1)
"""How long batches wait to be committed together; mostly far shorter than in real life, so that kills meet
many commits."""


class Range:
    """Victims, and the oracle that judges what they leave behind."""

    def __init__(self, victims: LineProcess, oracle: LineProcess, folder: Path) -> None:
        self._victims = victims
        self._oracle = oracle
        self._folder = folder
        self._jobs = 0
        self.failure = ""
        """What the last run that failed said."""

    def fresh(self) -> Path:
        """A new folder with input in it."""
        self._jobs += 1
        folder = self._folder / f"job-{self._jobs}"
        folder.mkdir()
        payload.write_input(folder / "in", PARTITIONS, RECORDS)
        return folder

    def run(
        self,
        folder: Path,
        kind: str,
        *,
        points: str = "",
        kill_after: float | None = None,
        commit_every_s: float = 0.0,
        limit_bytes: int = 0,
    ) -> tuple[int, float | None]:
        """One run: its exit code, and the seconds until it had stored progress, None where it stored none."""
        order = {
            "folder": str(folder),
            "kind": kind,
            "failpoints": points,
            "commit_every_s": commit_every_s,
            "limit_bytes": limit_bytes,
        }
        self._victims.say(json.dumps(order))
        began = time.monotonic()
        pid = int(self._victims.hear().removeprefix("pid "))
        alive: float | None = None
        while True:
            left = None if kill_after is None else kill_after - (time.monotonic() - began)
            line = self._victims.hear() if left is None else self._victims.hear_within(max(0.0, left))
            if line is None:
                # The number is its own until the next order, also where it has just ended.
                os.kill(pid, signal.SIGKILL)
                kill_after = None
            elif line == "alive":
                alive = time.monotonic() - began
            elif line.startswith("failed "):
                self.failure = line.removeprefix("failed ")
            else:
                return int(line.removeprefix("exit ")), alive

    def judge(self, folder: Path, kind: str) -> dict[str, list[str]]:
        """The oracle's verdict: nothing where all is well."""
        question = {
            "output": str(output(folder, kind)),
            "letters": str(letters(folder)),
            "partitions": PARTITIONS,
            "records": RECORDS,
        }
        self._oracle.say(json.dumps(question))
        verdict: dict[str, list[str]] = json.loads(self._oracle.hear())
        return verdict


@contextmanager
def shooting_range(folder: Path) -> Iterator[Range]:
    """The processes that trials with kills need, and a database server where its programs are installed."""
    with suppress(pytest.skip.Exception):
        os.environ[POSTGRES] = dsn()
    with LineProcess("tests.chaos.victim") as victims, LineProcess("tests.chaos.oracle") as oracle:
        yield Range(victims, oracle, folder)


def kill_trials(ground: Range, kind: str, kills: int, seed: int) -> Trials:
    """So many kills, each followed by a run that goes on; the output is judged when a run completes."""
    trials = Trials(f"SIGKILL, {kind}", "0 lost, 0 twice, 0 corrupted, goes on")
    chance = random.Random(seed)
    # The first run also waits for the processes to be ready.
    usual = min(_duration(ground, kind) for _ in range(3))
    while trials.count < kills:
        folder = ground.fresh()
        _one_input(ground, folder, kind, chance, usual, trials)
        shutil.rmtree(folder)
    trials.remark = f"; longest until progress {trials.slowest_s:.2f} s"
    return trials


def _duration(ground: Range, kind: str) -> float:
    folder = ground.fresh()
    began = time.monotonic()
    code, _ = ground.run(folder, kind)
    took = time.monotonic() - began
    assert code == 0
    assert ground.judge(folder, kind) == {}
    shutil.rmtree(folder)
    return took


def _one_input(
    ground: Range, folder: Path, kind: str, chance: random.Random, usual: float, trials: Trials
) -> None:
    killed = 0
    story: list[str] = []
    while True:
        points, after = "", None
        if killed < KILLS_EACH:
            if chance.random() < 0.5:
                points = f"{chance.choice(failpoints.NAMES)}=kill@{chance.randint(1, 12)}"
            else:
                after = chance.random() * usual
        began = time.monotonic()
        commit_every_s = chance.choice(COMMIT_EVERY_S)
        code, alive = ground.run(folder, kind, points=points, kill_after=after, commit_every_s=commit_every_s)
        if killed:
            # A probe of life: it commits something, or it has nothing left to do and ends.
            recovered = alive if alive is not None else (time.monotonic() - began if code == 0 else 0.0)
            trials.slowest_s = max(trials.slowest_s, recovered)
        if code == -signal.SIGKILL:
            killed += 1
            trials.count += 1
            place = points.partition("=")[0] or "any instant"
            trials.note(f"killed at {place}")
            story.append(points or f"after {after:.3f} s")
            continue
        if code != 0:
            trials.wrong.append(f"exit {code} after kills at {story}: {ground.failure}")
        for what, names in ground.judge(folder, kind).items():
            trials.note(what, len(names))
            trials.wrong.append(f"{what}: {', '.join(names[:5])} after kills at {story}")
        return


def full_disks(ground: Range, kind: str, limits: Iterable[int]) -> Trials:
    """No file may grow beyond so many bytes (RLIMIT_FSIZE); then there is room again."""
    trials = Trials(
        f"files may not grow beyond a limit, {kind}", "exit 1, goes on exactly when there is room"
    )
    for limit in limits:
        folder = ground.fresh()
        trials.count += 1
        ground.failure = ""
        code, _ = ground.run(folder, kind, limit_bytes=limit)
        if code != 1:
            trials.wrong.append(f"exit {code} with {limit:,} bytes")
        if "cannot" not in ground.failure:
            trials.wrong.append(f"with {limit:,} bytes it said {ground.failure}")
        code, _ = ground.run(folder, kind)
        if code != 0:
            trials.wrong.append(f"exit {code} after a limit of {limit:,} bytes")
        trials.wrong += [f"{what}: {names[:5]}" for what, names in ground.judge(folder, kind).items()]
        shutil.rmtree(folder)
    return trials
