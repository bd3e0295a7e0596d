"""How often the verdict on memory is right: real little pipelines, some sound, some with a leak.

    make bench-memory MEMORY="[--seconds 30] [--rounds 3] [--at-once 6]"

Each case is a process of its own with a paced source (2,000 records a second), so that several may run at
once. Prints, for each, what was said in the end, by the resident set alone and by all that is known.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from typing import Any

from benchmarks.memory.case import LEAKING, SOUND

GRACE_S = 120


def one(name: str, seconds: float, seed: int) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.memory.case", name, str(seconds), str(seed)],
        capture_output=True,
        text=True,
        timeout=seconds + GRACE_S,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{name}, seed {seed}: {done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def told(verdicts: list[str]) -> str:
    return ", ".join(f"{verdict} {times}" for verdict, times in Counter(verdicts).most_common())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--at-once", type=int, default=6)
    options = parser.parse_args()
    jobs = [(name, seed) for seed in range(options.rounds) for name in (*SOUND, *LEAKING)]
    with ThreadPoolExecutor(options.at_once) as pool:
        results = list(pool.map(lambda job: one(job[0], options.seconds, job[1]), jobs))
    by_name: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for result in results:
        by_name[result["name"]].append(result)
    print(f"{options.rounds} runs of {options.seconds:g} s each\n")
    print("| pipeline | resident set alone | all that is known | growing after s | container named |")
    print("|---|---|---|---|---|")
    for name, found in by_name.items():
        firsts = [result["first_s"] for result in found if result["first_s"] is not None]
        after = f"{median(firsts):.1f}" if firsts else ""
        named = sum(1 for result in found if result["named"])
        print(
            f"| {name} | {told([each['resident'] for each in found])} "
            f"| {told([each['verdict'] for each in found])} | {after} | {named} of {len(found)} |"
        )
    for key, title in (("resident", "Resident set alone"), ("verdict", "All that is known")):
        false = sum(1 for each in results if each["name"] in SOUND and each[key] == "growing")
        missed = sum(1 for each in results if each["name"] in LEAKING and each[key] != "growing")
        sound, leaking = options.rounds * len(SOUND), options.rounds * len(LEAKING)
        print(f"\n{title}: {false} of {sound} sound runs called growing, {missed} of {leaking} leaks missed.")


if __name__ == "__main__":
    main()
