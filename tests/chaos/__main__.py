"""``make chaos``: every trial in the large figure, and the table of what was measured."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from tests.chaos.clocks import clocks
from tests.chaos.corruption import corrupted_input
from tests.chaos.kills import KINDS, LIMITED, LIMITS, full_disks, kill_trials, shooting_range
from tests.chaos.machine import steered
from tests.chaos.payload import POSTGRES
from tests.chaos.processes import LineProcess
from tests.chaos.schedules import schedules
from tests.chaos.sink_faults import sink_faults
from tests.chaos.table import HEAD, Trials
from tests.chaos.writes import Workshop, all_failing_writes, all_power_cuts

GOES_ON_WITHIN_S = 2.0

Family = Callable[[Path, int, int], Iterator[Trials]]


def _kills(folder: Path, count: int, seed: int) -> Iterator[Trials]:
    with shooting_range(folder) as ground:
        kinds = [kind for kind in KINDS if kind != "postgres" or POSTGRES in os.environ]
        for position, kind in enumerate(kinds):
            trials = kill_trials(ground, kind, -(-count // len(kinds)), seed + position)
            # Not among the tests: there it would judge how busy the machine is.
            if trials.slowest_s >= GOES_ON_WITHIN_S:
                trials.wrong.append(
                    f"it took {trials.slowest_s:.2f} s to go on, {GOES_ON_WITHIN_S} are allowed"
                )
            yield trials


def _limits(folder: Path, count: int, seed: int) -> Iterator[Trials]:  # noqa: ARG001 - all of them, always
    with shooting_range(folder) as ground:
        for kind in LIMITED:
            yield full_disks(ground, kind, LIMITS)


def _workshop(stack: ExitStack, folder: Path) -> Workshop:
    return Workshop(folder, stack.enter_context(LineProcess("tests.chaos.oracle")))


def _writes(folder: Path, count: int, seed: int) -> Iterator[Trials]:  # noqa: ARG001 - all N, always
    with ExitStack() as stack:
        yield from all_failing_writes(_workshop(stack, folder), full=True)


def _cuts(folder: Path, count: int, seed: int) -> Iterator[Trials]:
    with ExitStack() as stack:
        yield from all_power_cuts(_workshop(stack, folder), count, seed)


def _faults(folder: Path, count: int, seed: int) -> Iterator[Trials]:  # noqa: ARG001 - the seeds are counted
    with ExitStack() as stack:
        yield sink_faults(_workshop(stack, folder), count)


def _clocks(folder: Path, count: int, seed: int) -> Iterator[Trials]:  # noqa: ARG001 - each of them, always
    yield clocks(folder)


def _corrupted(folder: Path, count: int, seed: int) -> Iterator[Trials]:  # noqa: ARG001 - the same every time
    yield corrupted_input(folder, count)


def _schedules(folder: Path, count: int, seed: int) -> Iterator[Trials]:
    yield schedules(folder, range(seed, seed + count))


def _steered(folder: Path, count: int, seed: int) -> Iterator[Trials]:  # noqa: ARG001 - the same every time
    yield steered(count, 50)


FAMILIES: dict[str, tuple[int, Family]] = {
    "kills": (10_000, _kills),
    "limits": (0, _limits),
    "writes": (0, _writes),
    "cuts": (500, _cuts),
    "faults": (200, _faults),
    "clocks": (0, _clocks),
    "corrupted": (10_000, _corrupted),
    "schedules": (10_000, _schedules),
    "steered": (500, _steered),
}
"""The trials by name, with the large figure of each (0: all there are)."""


def main() -> int:
    """Returns 0 where everything held, else 1."""
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("only", nargs="*", metavar="TRIAL", help=f"some of: {', '.join(FAMILIES)}")
    parser.add_argument("--share", type=float, default=1.0, help="of the large figures, such as 0.02")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    unknown = set(asked.only) - FAMILIES.keys()
    if unknown:
        parser.error(f"there is no trial {', '.join(sorted(unknown))}; choose from {', '.join(FAMILIES)}")
    began = time.monotonic()
    failed: list[str] = []
    print(HEAD, flush=True)  # noqa: T201 - the table is the result
    for name in asked.only or FAMILIES:
        count, family = FAMILIES[name]
        with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
            for trials in family(Path(folder), max(1, round(count * asked.share)), asked.seed):
                print(trials.row(), flush=True)  # noqa: T201 - as above
                failed += [f"{trials.name}: {problem}" for problem in trials.wrong]
    for line in failed:
        sys.stderr.write(f"{line}\n")
    sys.stderr.write(f"{time.monotonic() - began:,.0f} s\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
