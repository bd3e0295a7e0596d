"""Disks that fail at any operation, and disks that lose their power at any moment."""

from __future__ import annotations

import errno
import itertools
import json
import random
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.chaos import payload
from tests.chaos.disk import Disk
from tests.chaos.inline import Acknowledging, Verdict, copy_input, run
from tests.chaos.job import OVER_A_DISK, build, letters, output
from tests.chaos.processes import LineProcess
from tests.chaos.sqlite_disk import under_sqlite
from tests.chaos.table import Trials

PARTITIONS, RECORDS = 2, 24
EACH_BATCH, IN_GROUPS = 0.0, 0.03
"""How often it commits: after each batch, or several together, in seconds of the driver's clock."""


class Workshop:
    """Runs jobs over a disk, again without one, and lets the oracle judge."""

    def __init__(self, folder: Path, oracle: LineProcess) -> None:
        self._folder = folder
        self._oracle = oracle
        self._numbers = itertools.count()
        self._input = folder / "input"
        payload.write_input(self._input, PARTITIONS, RECORDS)

    @contextmanager
    def fresh(self) -> Iterator[Path]:
        """A new folder with the input in it, removed at the end."""
        folder = self._folder / f"job-{next(self._numbers)}"
        copy_input(self._input, folder)
        yield folder
        shutil.rmtree(folder)

    def run_over(self, disk: Disk, folder: Path, kind: str, commit_every_s: float) -> Verdict:
        """A run over the disk."""
        with disk.under_text_files(), under_sqlite(disk):
            pipeline, store = build(folder, kind, batch_size=12, commit_every_s=commit_every_s)
            return run(pipeline, Acknowledging(store, disk))

    def run_again(self, folder: Path, kind: str) -> tuple[int, Verdict]:
        """The same command on a sound disk: how many records it found settled, and how it ended."""
        pipeline, store = build(folder, kind, batch_size=12)
        before = store.load()
        return before.settled if before is not None else 0, run(pipeline, store)

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


def failing_writes(shop: Workshop, kind: str, variants: Iterable[tuple[int, bool, float]]) -> Trials:
    """Every write, sync, truncation and creation of a run fails in turn, in each of the variants: the error,
    whether for good, and how often it commits."""
    trials = Trials(
        f"the N-th write or sync fails, for every N, {kind}",
        "clean stop, exit 1, never healthy, goes on exactly",
    )
    for number, for_good, every in variants:
        for position in itertools.count(1):
            disk = Disk(fail_at=position, errno=number, for_good=for_good)
            with shop.fresh() as folder:
                verdict = shop.run_over(disk, folder, kind, every)
                if not disk.failed:
                    break
                trials.count += 1
                where = (
                    f"operation {position} ({errno.errorcode[number]}, {'for good' if for_good else 'once'})"
                )
                for problem in _after_failure(shop, folder, kind, verdict, disk):
                    trials.wrong.append(f"{where}: {problem}")
                trials.note(f"exit {verdict.exit_code}")
    left = trials.notes["exit 0"]
    trials.remark = f"; {left} failed in tidying up, with everything committed: exit 0" if left else ""
    return trials


def _after_failure(shop: Workshop, folder: Path, kind: str, verdict: Verdict, disk: Disk) -> Iterator[str]:
    done = shop.judge(folder, kind) == {} and disk.acknowledged_before(len(disk.ops)) == PARTITIONS * RECORDS
    if verdict.exit_code != 1 and not (verdict.exit_code == 0 and done):
        yield f"exit {verdict.exit_code}: {verdict.message}"
    snapshot = verdict.snapshot
    if snapshot is not None and (snapshot.records.lost or snapshot.records.duplicated):
        yield f"the ledger says {snapshot.records}"
    settled, again = shop.run_again(folder, kind)
    if settled < disk.acknowledged_before(len(disk.ops)):
        yield f"{settled} records are settled, but more were acknowledged"
    if again.exit_code != 0:
        yield f"the next run ended with exit {again.exit_code}: {again.message}"
    for what, names in shop.judge(folder, kind).items():
        yield f"{what}: {', '.join(names[:5])}"


def power_cuts(shop: Workshop, kind: str, cuts: int, seed: int, *, synced: bool = True) -> Trials:
    """The power goes at any moment of a run. With ``synced`` off nothing is ever synced: the control."""
    if synced:
        trials = Trials(f"power cut, {kind}", "what was acknowledged is there, goes on exactly")
    else:
        trials = Trials(f"power cut without syncs, {kind} (control)", "some must fail")
    chance = random.Random(seed)
    while trials.count < cuts:
        with shop.fresh() as folder:
            disk = Disk(loses_syncs=not synced)
            shop.run_over(disk, folder, kind, chance.choice((EACH_BATCH, IN_GROUPS)))
        for _ in range(min(10, cuts - trials.count)):
            trials.count += 1
            moment = chance.randint(1, len(disk.ops))
            with shop.fresh() as folder:
                disk.rebuild(folder, moment, chance)
                found = list(_after_cut(shop, folder, kind, disk.acknowledged_before(moment)))
            trials.wrong += [f"cut after operation {moment}: {problem}" for problem in found]
            trials.note("failed", bool(found))
    return trials


def _after_cut(shop: Workshop, folder: Path, kind: str, acknowledged: int) -> Iterator[str]:
    try:
        settled, verdict = shop.run_again(folder, kind)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what came of the cut
        yield f"the next run could not begin: {error}"
        return
    if settled < acknowledged:
        yield f"{acknowledged} records were acknowledged, {settled} are there"
    if verdict.exit_code != 0:
        yield f"the next run ended with exit {verdict.exit_code}: {verdict.message}"
    for what, names in shop.judge(folder, kind).items():
        yield f"{what}: {', '.join(names[:5])}"


VARIANTS = tuple(itertools.product((errno.ENOSPC, errno.EIO), (False, True), (EACH_BATCH, IN_GROUPS)))
ONE_VARIANT = {
    "jsonl": (errno.ENOSPC, False, EACH_BATCH),
    "jsonl.gz": (errno.EIO, True, IN_GROUPS),
    "csv": (errno.EIO, False, IN_GROUPS),
    "sqlite": (errno.ENOSPC, False, IN_GROUPS),
}


def all_failing_writes(shop: Workshop, *, full: bool) -> list[Trials]:
    """Every N for each sink: in every variant, or in one each that differs from sink to sink."""
    return [failing_writes(shop, kind, VARIANTS if full else [ONE_VARIANT[kind]]) for kind in OVER_A_DISK]


def all_power_cuts(shop: Workshop, cuts: int, seed: int) -> list[Trials]:
    """The cuts shared out among the sinks, and the controls."""
    each = -(-cuts // len(OVER_A_DISK))
    trials = [power_cuts(shop, kind, each, seed + position) for position, kind in enumerate(OVER_A_DISK)]
    for kind in ("jsonl", "sqlite"):
        control = power_cuts(shop, kind, max(10, each), seed, synced=False)
        failed = control.notes["failed"]
        control.wrong = [] if failed else ["none failed: the trials prove nothing"]
        control.remark = f": {failed} of {control.count} failed"
        trials.append(control)
    return trials
