"""Compare programs that do the orders job, in turns and in fresh processes.

    python -m benchmarks.orders.run --records 1000000 --runs 5

Wall and CPU seconds and the peak resident memory are the kernel's own (``wait4``) for the whole
process, start-up included; "work" is the time that the program itself gives for its job. Ratios are medians
over the turns of a program against the first one in the same turn, so that a machine whose speed
changes does not favour either. A run whose output is not what the manifest says ends the comparison.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from statistics import median

import msgspec

ROOT = Path(__file__).resolve().parents[2]
WORK = Path(__file__).resolve().parent / "work"
PIPELINE = "benchmarks/orders/orders_pipeline.py"
RUN_TIMEOUT_S = 1_800

# ru_maxrss is in kilobytes on Linux and in bytes on macOS.
RSS_UNIT = 1 if sys.platform == "darwin" else 1024


class Program(msgspec.Struct, frozen=True):
    """A competitor: the arguments of a Python process, and the package it cannot do without."""

    name: str
    arguments: tuple[str, ...]
    needs: str | None = None


PROGRAMS = (
    Program("baseline", ("-m", "benchmarks.orders.baseline", "INPUT", "OUTPUT")),
    Program("product", ("monitor.py", "run", PIPELINE, "--headless", "--json", "-")),
    Program("bytewax", ("-m", "benchmarks.orders.bytewax_job", "INPUT", "OUTPUT"), needs="bytewax"),
    Program(
        "bytewax-lines", ("-m", "benchmarks.orders.bytewax_job", "INPUT", "OUTPUT", "1"), needs="bytewax"
    ),
)


class OwnTime(msgspec.Struct):
    """The JSON document that a program prints; the product's report has this field too."""

    duration_s: float


class Measured(msgspec.Struct, frozen=True):
    """One run: seconds and bytes."""

    wall_s: float
    cpu_s: float
    work_s: float
    rss: int


class RunError(Exception):
    """A run that failed or whose output is off."""


def measure(program: Program, source: Path, target: Path) -> Measured:
    """Run a program in a fresh process and check what it wrote."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    places = {"INPUT": str(source), "OUTPUT": str(target)}
    arguments = [places.get(argument, argument) for argument in program.arguments]
    environment = {**os.environ, "ORDERS_INPUT": str(source), "ORDERS_OUTPUT": str(target)}
    # Byte code is kept from run to run, as it is for users; some build environments switch that off.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryFile() as printed, tempfile.TemporaryFile() as narrated:
        began = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=narrated,
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        printed.seek(0)
        narrated.seek(0)
        # The product ends with 4 where it judges so many rejects as degraded; the output is checked below.
        if process.returncode not in {0, 4}:
            tail = narrated.read().decode(errors="replace")[-2_000:]
            raise RunError(f"{program.name} ended with exit code {process.returncode}:\n{tail}")
        own = msgspec.json.decode(printed.read(), type=OwnTime)
    _check(program, source, target)
    return Measured(wall_s, usage.ru_utime + usage.ru_stime, own.duration_s, usage.ru_maxrss * RSS_UNIT)


def _check(program: Program, source: Path, target: Path) -> None:
    # In a process of its own, because a child's peak memory starts at that of the process that made it.
    command = [sys.executable, "-m", "benchmarks.orders.check", str(source)]
    command += [str(target / "priced.jsonl"), str(target / "dead-letters.jsonl")]
    check = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=RUN_TIMEOUT_S
    )
    if check.returncode != 0:
        raise RunError(
            f"{program.name}: the output is not what the manifest says:\n{check.stdout}{check.stderr}"
        )


def table(runs: dict[str, list[Measured]], records: int) -> str:
    """The medians, and each program's speed as a multiple of the first one's."""
    rows = [("program", "records/s", "wall s", "CPU s", "work s", "RSS MB", "x wall", "x CPU", "x work")]
    first = next(iter(runs.values()))
    for name, of in runs.items():
        wall = median(run.wall_s for run in of)
        work = median(run.work_s for run in of)
        rows.append(
            (
                name,
                f"{records / work:,.0f}",
                f"{wall:.2f}",
                f"{median(run.cpu_s for run in of):.2f}",
                f"{work:.2f}",
                f"{median(run.rss for run in of) / 1e6:.0f}",
                f"{median(a.wall_s / b.wall_s for a, b in zip(first, of, strict=True)):.2f}",
                f"{median(a.cpu_s / b.cpu_s for a, b in zip(first, of, strict=True)):.2f}",
                f"{median(a.work_s / b.work_s for a, b in zip(first, of, strict=True)):.2f}",
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if number == 0 else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )


def _programs(only: Sequence[str] | None) -> list[Program]:
    programs = [program for program in PROGRAMS if not only or program.name in only]
    for program in list(programs):
        if program.needs and find_spec(program.needs) is None:
            print(f"{program.name} is left out: it is not installed here", file=sys.stderr)
            programs.remove(program)
    return programs


def _at_least_one(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, not {number}")
    return number


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="run", description="Compare programs that do the orders job.")
    parser.add_argument("--records", type=_at_least_one, default=1_000_000, help="lines of input")
    parser.add_argument("--runs", type=_at_least_one, default=5, help="turns of each program")
    parser.add_argument(
        "--only", action="append", choices=[program.name for program in PROGRAMS], help="may be given again"
    )
    options = parser.parse_args(argv)
    programs = _programs(options.only)
    command = [sys.executable, "-m", "benchmarks.orders.generate", "--records", str(options.records)]
    source = Path(
        subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    )
    runs: dict[str, list[Measured]] = {program.name: [] for program in programs}
    try:
        for turn in range(1, options.runs + 1):
            for program in programs:
                run = measure(program, source, WORK / "output" / program.name)
                runs[program.name].append(run)
                print(f"turn {turn}: {program.name} {run.wall_s:.2f} s", file=sys.stderr, flush=True)
    except RunError as failure:
        print(failure, file=sys.stderr)
        return 1
    print(f"\n{options.records:,} records, medians of {options.runs}, Python {sys.version.split()[0]}")
    print(table(runs, options.records))
    return 0


if __name__ == "__main__":
    sys.exit(main())
