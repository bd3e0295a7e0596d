"""What keeping progress costs: the orders job with and without a state file, in turns and in fresh processes.

    python -m benchmarks.orders.state_price --records 1000000 --runs 7

Prints the records per second of both, and the median over the turns of their ratio: 1.00 is free.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from statistics import median

from benchmarks.orders.run import PIPELINE, ROOT, RUN_TIMEOUT_S, WORK


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=7, help="turns of both")
    parser.add_argument("--one", choices=["on", "off"], help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one is not None:
        print(json.dumps(_one(with_state=asked.one == "on")))
        return 0
    command = [sys.executable, "-m", "benchmarks.orders.generate", "--records", str(asked.records)]
    source = Path(
        subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    )
    speeds: dict[str, list[float]] = {"off": [], "on": []}
    for turn in range(asked.runs):
        for state in ("off", "on") if turn % 2 else ("on", "off"):
            speeds[state].append(asked.records / _fresh(state, source))
    ratio = median(on / off for on, off in zip(speeds["on"], speeds["off"], strict=True))
    for state, measured in speeds.items():
        print(f"state {state:<3}  {median(measured):>9,.0f} records/s")
    print(f"on / off   {ratio:>9.2f}")
    return 0


def _fresh(state: str, source: Path) -> float:
    """Seconds that the job takes in a process of its own."""
    target = WORK / "state-price"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.orders.state_price", "--one", state],
        cwd=ROOT,
        env={**os.environ, "ORDERS_INPUT": str(source), "ORDERS_OUTPUT": str(target)},
        capture_output=True,
        text=True,
        check=True,
        timeout=RUN_TIMEOUT_S,
    )
    return float(json.loads(done.stdout))


def _one(*, with_state: bool) -> float:
    from pipeline.engine import Options
    from run import loader
    from run.session import Session
    from run.state import open_store

    pipeline = loader.load(PIPELINE)
    store = open_store(pipeline, None, fresh=True) if with_state else None
    session = Session(pipeline, Options(), store=store)
    session.start()
    session.wait()
    report = session.report()
    if report.snapshot.problem is not None:
        raise SystemExit(report.snapshot.problem)
    return report.duration_s


if __name__ == "__main__":
    sys.exit(main())
