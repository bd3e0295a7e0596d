"""The figures of a benchmark of diagnoses, from its results."""

from __future__ import annotations

import json
import random
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.diagnosis.baselines import Score, robust_score, stands_out, z_score
from benchmarks.diagnosis.weighing import calibration_error, replayed
from diagnosis.experiments import EXPERIMENTS
from diagnosis.hypotheses import HYPOTHESES

Result = Mapping[str, Any]
SOUND = {"healthy", "warm_up"}
AIMS = {
    "a fault is noticed": ">= 0.95",
    "a no-fault run is called healthy": ">= 0.97",
    "top-1 cause": ">= 0.90",
    "top-3 cause": ">= 0.97",
    "hand-written bugs, top-1": ">= 0.80",
    "stage": ">= 0.95",
    "line within 3 (hand-written)": ">= 0.80",
    "median seconds, deterministic": "<= 20",
    "median seconds, intermittent": "<= 45",
    "Brier": "<= 0.10",
    "expected calibration error": "<= 0.05",
    "fix verified": ">= 0.85",
    "wrongly verified": "<= 0.01",
    "two faults, exact set": ">= 0.65",
}


def table(results: Sequence[Result]) -> str:
    """Figures against aims, then misses by class, then baselines."""
    lines = ["| figure | aim | all | held out |", "|---|---|---|---|"]
    held = [each for each in results if each["part"] == "held_out"]
    mine, theirs = figures(results), figures(held)
    for name, aim in AIMS.items():
        lines.append(f"| {name} | {aim} | {_shown(mine.get(name))} | {_shown(theirs.get(name))} |")
    lines += ["", "| cause | cases | noticed | top-1 |", "|---|---|---|---|"]
    by_cause: dict[str, list[Result]] = defaultdict(list)
    for each in results:
        if each["kind"] in ("fault", "by_hand"):
            by_cause[each["right"][0] if each["right"] else "healthy"].append(each)
    for cause, some in sorted(by_cause.items()):
        noticed = sum(bool(each["symptoms"]) for each in some)
        lines.append(f"| {cause} | {len(some)} | {noticed} | {sum(map(_top, some))} |")
    lines += ["", "| baseline, on the noticed | top-1 |", "|---|---|"]
    lines += [f"| {name} | {_shown(share)} |" for name, share in baselines(results).items()]
    return "\n".join(lines)


def _shown(value: tuple[float, int] | None) -> str:
    return "none" if value is None else f"{value[0]:.2f} (n = {value[1]})"


def _answer(result: Result) -> str | None:
    """The cause that is named first; None where nothing was found."""
    if result["concluded"]:
        return str(result["concluded"][0])
    return str(result["ranked"][0][0]) if result["ranked"] else None


def _top(result: Result) -> bool:
    answer = _answer(result)
    if not result["right"]:
        return answer in SOUND or (answer is None and result["state"] == "healthy")
    return answer in result["right"]


def _top_three(result: Result) -> bool:
    named = [*result["concluded"], *(cause for cause, _ in result["ranked"][:3])]
    return bool(set(named) & set(result["right"]))


def figures(results: Sequence[Result]) -> dict[str, tuple[float, int]]:
    """Each figure with the number of cases behind it."""
    sick = [each for each in results if each["right"] and each["kind"] != "two"]
    sound = [each for each in results if not each["right"]]
    by_hand = [each for each in sick if each["kind"] == "by_hand"]
    concluded = [each for each in sick if each["concluded"] and _top(each)]
    staged = [each for each in concluded if each["wanted_stage"]]
    lined = [each for each in by_hand if each["wanted_line"] and _top(each)]
    two = [each for each in results if each["kind"] == "two"]
    fixable = [each for each in sick if set(each["right"]) & set(_FIXABLE)]
    verified = [each for each in sick if any(each["verified"])]
    sure = [(share, cause in each["right"]) for each in sick for cause, share in each["ranked"][:1]]
    found = {
        "a fault is noticed": _share(bool(each["symptoms"]) for each in sick),
        "a no-fault run is called healthy": _share(map(_top, sound)),
        "top-1 cause": _share(map(_top, sick)),
        "top-3 cause": _share(map(_top_three, sick)),
        "hand-written bugs, top-1": _share(map(_top, by_hand)),
        "stage": _share(each["stage"] == each["wanted_stage"] for each in staged),
        "line within 3 (hand-written)": _share(
            each["line"] is not None and abs(each["line"] - each["wanted_line"]) <= 3 for each in lined
        ),
        "median seconds, deterministic": _median(each for each in sick if not _intermittent(each)),
        "median seconds, intermittent": _median(filter(_intermittent, sick)),
        "Brier": _mean([(share - right) ** 2 for share, right in sure]),
        "expected calibration error": _calibration(sure),
        "fix verified": _share(bool(each["verified"]) and each["verified"][0] for each in fixable),
        "wrongly verified": _share(not _top(each) for each in verified),
        "two faults, exact set": _share(set(each["concluded"]) == set(each["right"]) for each in two),
    }
    return {name: value for name, value in found.items() if value is not None}


_FIXABLE = ("race", "leak", "batching", "shared_state", "clock", "handles")


def _share(truths: Any) -> tuple[float, int] | None:
    return _mean([float(each) for each in truths])


def _mean(values: list[float]) -> tuple[float, int] | None:
    return (sum(values) / len(values), len(values)) if values else None


def _intermittent(result: Result) -> bool:
    """Whether the same input again gave something else."""
    return any(name == "again" and outcome != "same" for name, outcome in result["seen"])


def _median(results: Iterable[Result]) -> tuple[float, int] | None:
    seconds = [each["seconds"] for each in results]
    return (median(seconds), len(seconds)) if seconds else None


def _calibration(sure: Sequence[tuple[float, bool]]) -> tuple[float, int] | None:
    return (calibration_error(sure), len(sure)) if sure else None


def baselines(results: Sequence[Result]) -> dict[str, tuple[float, int] | None]:
    """Simpler ways to name a cause, from the same runs.

    All are judged alike: what is the most probable at the first symptom counts, sure or not. The two by
    metrics know the first run alone, and are told for the cases whose series were recorded.
    """
    sick = [each for each in results if each["right"] and each["seen"]]
    dice = random.Random(0)
    names = [each.cause for each in HYPOTHESES if each.cause not in ("healthy", "unknown")]
    passive = {each.name for each in EXPERIMENTS if not each.intervention and each.runs < 0.2}
    fixed = {each.name for each in EXPERIMENTS[:14]}
    clean = {
        each["name"].rpartition("/")[2]: each.get("series") for each in results if each["kind"] == "sound"
    }
    measured = [each for each in sick if each.get("series")]

    def apart(score: Score, result: Result) -> bool:
        shapes = [clean[part] for part in result["name"].split("/") if clean.get(part)]
        return stands_out(score, result["series"], shapes[0] if shapes else None) in result["right"]

    return {
        "at random": _share(dice.choice(names) in each["right"] for each in sick),
        "the largest z-score of a metric": _share(apart(z_score, each) for each in measured),
        "the largest robust score of a metric (BARO)": _share(apart(robust_score, each) for each in measured),
        "the symptom alone": _share(_with(each, {"symptom"}) in each["right"] for each in sick),
        "a rule for each symptom": _share(_RULES.get(_symptom(each)) in each["right"] for each in sick),
        "passive evidence only, no experiments": _share(
            _with(each, passive) in each["right"] for each in sick
        ),
        "the first experiments of a fixed order": _share(
            _with(each, fixed) in each["right"] for each in sick
        ),
        "all, the most probable": _share(
            bool(each["ranked"]) and each["ranked"][0][0] in each["right"] for each in sick
        ),
        "all, what is concluded": _share(
            bool(each["concluded"]) and each["concluded"][0] in each["right"] for each in sick
        ),
    }


_RULES = {
    "lost": "batching",
    "duplicated": "batching",
    "rejected": "poison_record",
    "changed": "race",
    "memory": "leak",
    "handles": "handles",
    "slow": "slow_sink",
    "stall": "deadlock",
    "failed": "disk_full",
}


def _symptom(result: Result) -> str:
    return next((str(outcome) for name, outcome in result["seen"] if name == "symptom"), "")


def _with(result: Result, wanted: set[str]) -> str:
    """The most probable cause when only these experiments count."""
    return replayed([(name, outcome) for name, outcome in result["seen"] if name in wanted]).ranked()[0][0]


if __name__ == "__main__":
    text = Path(sys.argv[1]).read_text(encoding="utf-8")
    print(table([json.loads(line) for line in text.splitlines()]))
