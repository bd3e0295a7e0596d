"""Diagnoses every case and prints the figures: ``make diagnosis``, ``make diagnosis QUICK=1``.

Who diagnoses is told the path of a file and nothing else. What is injected goes to the process of the
pipeline, sealed, through its environment.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.diagnosis.baselines import Series, series
from benchmarks.diagnosis.cases import PARTS, SOUND_TOO, Sick, cases
from benchmarks.diagnosis.figures import table
from diagnosis.change import Change
from diagnosis.engine import Diagnoser
from pipeline.clock import SystemClock
from run.diagnose.launcher import TrialLauncher
from run.tampering import sealed

HERE = Path(__file__).resolve().parent
WORK = HERE / "work"
BUDGET_S = 90.0


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a case. ``ranked`` are the causes by probability at the first symptom."""

    name: str
    kind: str
    part: str
    right: tuple[str, ...]
    state: str
    symptoms: tuple[str, ...]
    concluded: tuple[str, ...]
    ranked: tuple[tuple[str, float], ...]
    stage: str | None
    wanted_stage: str | None
    line: int | None
    wanted_line: int | None
    verified: tuple[bool, ...]
    seconds: float
    seen: tuple[tuple[str, str], ...]
    """Experiments and their outcomes, by which numbers can be fitted."""
    series: Series
    """Metrics of the first run, for what needs no experiments."""


def diagnose(case: Sick) -> Result:
    """Diagnose one case, in a folder of its own."""
    folder = Path(tempfile.mkdtemp(prefix="case-"))
    try:
        file = Path(shutil.copy(case.file, folder / "pipeline_file.py"))
        context = None
        if case.faults:
            sealing = Path(tempfile.mkdtemp(prefix="run-"))
            context = sealing / "context"
            context.write_text(sealed(case.faults), encoding="ascii")
        began = time.perf_counter()
        diagnoser = Diagnoser(
            TrialLauncher(str(file), context=context),
            SystemClock(),
            BUDGET_S,
            first=Change(sink="own", duration_s=20.0),
        )
        outcome = diagnoser.run()
        found = outcome.diagnosis
        seconds = time.perf_counter() - began
        first = found.conclusions[0] if found.conclusions else None
        line = None
        if first is not None and first.location is not None:
            line = int(first.location.rpartition(":")[2])
        return Result(
            case.name,
            case.kind,
            case.part,
            tuple(sorted(case.causes)),
            found.state,
            tuple(each.text for each in found.symptoms),
            tuple(each.cause for each in found.conclusions),
            tuple((cause, round(share, 4)) for cause, share in diagnoser.first_ranking[:4]),
            first.stage if first is not None else None,
            case.stage,
            line,
            case.line,
            tuple(each.verified for each in found.conclusions),
            round(seconds, 1),
            tuple(diagnoser.first_seen),
            series(outcome.as_is) if outcome.as_is is not None else {},
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main(words: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a sample, in about ten minutes")
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--part", action="append", choices=PARTS, help="only of this part; may be repeated")
    parser.add_argument("--jobs", type=int, default=max(1, min(2, os.cpu_count() or 1)))
    parser.add_argument("--out", type=Path, default=WORK / "results.jsonl")
    found = parser.parse_args(words)
    parts = found.part or PARTS
    chosen = [each for each in cases(quick=found.quick) if found.only in each.name and each.part in parts]
    found.out.parent.mkdir(parents=True, exist_ok=True)
    results = []
    with ThreadPoolExecutor(found.jobs) as pool, found.out.open("w", encoding="utf-8") as out:
        for result in pool.map(diagnose, chosen):
            results.append(result)
            out.write(json.dumps(asdict(result)) + "\n")
            out.flush()
            right = set(result.concluded) == set(result.right) or (
                not result.right
                and result.state != "undetermined"
                and set(result.concluded) <= set(SOUND_TOO)
            )
            print(
                f"{'ok  ' if right else 'MISS'} {result.seconds:6.1f}s {result.name}: "
                f"{', '.join(result.concluded) or result.state}"
                f"{'' if right else f' (right: {result.right}; {result.ranked[:2]}; {result.symptoms[:2]})'}",
                flush=True,
            )
    print(table([asdict(each) for each in results]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
