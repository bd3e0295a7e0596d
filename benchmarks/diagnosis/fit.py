"""Fits the numbers of the diagnosis to its benchmark (``make diagnosis-fit``), the held-out part left alone.

Likelihoods: of the development part, by cause and experiment, how often each outcome came. What is set by
hand is the prior (Dirichlet) of such a row and counts for ``strength`` cases; the row is its posterior mean.
The strength is that with the least loss, each case being left out of the numbers that it is judged by; where
the numbers by hand alone do better, no row is written. Temperature: on the calibration part.

Loss is -log of the probability of what is right at the end, in nats. Which experiments were made depended on
the numbers of the time, so a row is of the cases in which that experiment was made, and a replay stops
where it is sure but cannot choose otherwise than was chosen. Priors stay as they are: how common a fault is
in a benchmark says nothing about the world.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import stdev
from typing import Any

from benchmarks.diagnosis.weighing import BY_HAND, BY_NAME, Numbers, Row, calibration_error, known, replayed
from diagnosis.fitted import COOLEST, FILE, HOTTEST, Basis, Fitted
from diagnosis.hypotheses import HYPOTHESES
from diagnosis.scoring import FLOOR
from metrics.findings import Cause

STRENGTHS = (4.0, 8.0, 16.0, 32.0)
INJECTED = 1.0
"""So many cases the injected ones of a row count for together, however many they are: what they have in
common is the injector, too. (No lock around a stage cures a race that was put between two stages.)"""
TEMPERATURES = tuple(round(COOLEST + 0.05 * step, 2) for step in range(round((HOTTEST - COOLEST) / 0.05) + 1))
FEWEST = 12
"""With fewer cases than this nothing is fitted."""
WORST = 1e-6

Counts = dict[tuple[Cause, str], dict[str, float]]


@dataclass(frozen=True, slots=True)
class Told:
    """A case with a symptom: what is right, what was seen, and the cause that a repair was made for."""

    name: str
    injected: bool
    right: frozenset[Cause]
    seen: tuple[tuple[str, str], ...]
    repaired: Cause | None


def told(results: Iterable[Mapping[str, Any]], part: str) -> list[Told]:
    """The cases of a part with one fault or none; which of two faults a symptom was of nobody noted."""
    return [
        Told(
            each["name"],
            each["kind"] == "fault",
            frozenset(each["right"]) or frozenset({"healthy", "warm_up"}),
            tuple(known(each["seen"])),
            each["ranked"][0][0] if each["ranked"] else None,
        )
        for each in results
        if each["part"] == part and each["kind"] != "two" and each["seen"]
    ]


def counted(cases: Sequence[Told]) -> Counts:
    """How often each outcome came, by cause and experiment.

    What was injected is in no source, so that signs in the source are counted of the other cases alone. The
    symptoms are not counted: like how common a fault is, how often it shows in which way is the benchmark's
    own choice of variants.
    """
    injected, counts = (
        _plain(case for case in cases if case.injected),
        _plain(case for case in cases if not case.injected),
    )
    for key, seen in injected.items():
        weight = min(1.0, INJECTED / sum(seen.values()))
        for outcome, share in seen.items():
            counts[key][outcome] += weight * share
    return counts


def _plain(cases: Iterable[Told]) -> Counts:
    counts: Counts = defaultdict(lambda: defaultdict(float))
    for case in cases:
        for cause, share in _shares(case).items():
            for name, outcome in case.seen:
                family = BY_NAME[name].family if name in BY_NAME else "symptom"
                if family != "symptom" and not (case.injected and family == "source"):
                    counts[cause, name][outcome] += share
    return counts


def _shares(case: Told) -> dict[Cause, float]:
    """Where several causes are right, the case is shared out as the numbers by hand have it."""
    if len(case.right) == 1:
        return dict.fromkeys(case.right, 1.0)
    found = replayed(case.seen, Numbers(), repaired=case.repaired).probabilities()
    whole = sum(found[cause] for cause in case.right)
    return {cause: found[cause] / whole for cause in case.right}


def rows(counts: Counts, strength: float) -> dict[tuple[Cause, str], Row]:
    """The posterior means; none where nothing was counted."""
    found: dict[tuple[Cause, str], Row] = {}
    for key, seen in counts.items():
        n = sum(seen.values())
        if n <= 0:
            continue
        mean = {
            outcome: max(FLOOR, (seen.get(outcome, 0.0) + strength * share) / (n + strength))
            for outcome, share in BY_HAND[key].items()
        }
        whole = sum(mean.values())
        found[key] = {outcome: share / whole for outcome, share in mean.items()}
    return found


def right(case: Told, numbers: Numbers) -> float:
    """How probable what is right is in the end."""
    found = replayed(case.seen, numbers, repaired=case.repaired, stops=True).probabilities()
    return sum(found[cause] for cause in case.right)


def loss(shares: Sequence[float]) -> float:
    """Nats a case."""
    return sum(-math.log(max(WORST, share)) for share in shares) / len(shares) if shares else 0.0


def left_out(cases: Sequence[Told], strength: float) -> list[float]:
    """How probable what is right is for each case by the numbers that the others give."""
    return [
        right(case, Numbers(rows(counted([*cases[:at], *cases[at + 1 :]]), strength)))
        for at, case in enumerate(cases)
    ]


def cooled(cases: Sequence[Told], numbers: Numbers) -> tuple[float, float, float]:
    """The temperature with the least loss, that loss with each case left out of the choice of it, and the
    standard error of what is gained by it."""
    losses = {
        heat: [loss([right(case, replace(numbers, temperature=heat))]) for case in cases]
        for heat in TEMPERATURES
    }

    def best(without: int | None = None) -> float:
        # Of equals, the one that changes least.
        return min(
            TEMPERATURES,
            key=lambda heat: (
                round(sum(losses[heat]) - (losses[heat][without] if without is not None else 0.0), 9),
                abs(heat - 1.0),
            ),
        )

    out = [losses[best(at)][at] for at in range(len(cases))]
    gained = [before - after for before, after in zip(losses[1.0], out, strict=True)]
    return best(), sum(out) / len(out), stdev(gained) / math.sqrt(len(gained))


def fit(results: Sequence[Mapping[str, Any]]) -> tuple[Fitted, Numbers]:
    """Fit; what does not do better than what is there by hand is left as it is."""
    development, calibration = told(results, "development"), told(results, "calibration")
    by_hand = loss([right(case, Numbers()) for case in development])
    best, strength, chosen = by_hand, 0.0, Numbers()
    if len(development) >= FEWEST:
        for candidate in STRENGTHS:
            found = loss(left_out(development, candidate))
            print(
                f"strength {candidate:4g}: {found:.4f} nats, left out (by hand {by_hand:.4f})",
                file=sys.stderr,
            )
            if found < best:
                best, strength = found, candidate
        if strength:
            chosen = Numbers(rows(counted(development), strength))
    untempered = loss([right(case, chosen) for case in calibration])
    temperature, tempered = 1.0, untempered
    if len(calibration) >= FEWEST:
        heat, out, error = cooled(calibration, chosen)
        print(
            f"temperature {heat:g}: {out:.4f} nats, left out (1: {untempered:.4f} +- {error:.4f})",
            file=sys.stderr,
        )
        # Within one standard error the simpler wins (Breiman et al., 1984): a few cases must not cool all.
        if untempered - out > error:
            temperature, tempered = heat, out
    chosen = replace(chosen, temperature=temperature)
    basis = Basis(
        len(development),
        len(calibration),
        strength,
        round(by_hand, 4),
        round(best, 4),
        round(loss([right(case, Numbers()) for case in calibration]), 4),
        round(untempered, 4),
        round(tempered, 4),
    )
    return Fitted(basis, temperature, _table(chosen)), chosen


def _table(numbers: Numbers) -> dict[str, dict[str, dict[str, float]]]:
    found: dict[str, dict[str, dict[str, float]]] = {}
    for cause in (each.cause for each in HYPOTHESES):
        for name in BY_NAME:
            row = numbers.rows.get((cause, name))
            if row is not None:
                found.setdefault(cause, {})[name] = {outcome: round(each, 4) for outcome, each in row.items()}
    return found


def written(fitted: Fitted) -> str:
    """The file: an experiment a line."""
    lines = [
        "{",
        '  "basis": ' + json.dumps(asdict(fitted.basis)) + ",",
        f'  "temperature": {fitted.temperature},',
    ]
    lines.append('  "likelihoods": {')
    for cause, table in fitted.likelihoods.items():
        comma = "" if cause == list(fitted.likelihoods)[-1] else ","
        inner = [f"      {json.dumps(name)}: {json.dumps(row)}" for name, row in table.items()]
        lines += [f"    {json.dumps(cause)}: {{", ",\n".join(inner), f"    }}{comma}"]
    return "\n".join([*lines, "  }", "}", ""])


def summary(results: Sequence[Mapping[str, Any]], numbers: Numbers) -> str:
    """By part: the loss, the Brier score and the calibration of the top cause, by hand and as fitted."""
    lines = [
        "| part | cases | numbers | top-1 | log loss | Brier | calibration error |",
        "|---|---|---|---|---|---|---|",
    ]
    for part in ("development", "calibration"):
        cases = told(results, part)
        groups = {
            part: cases,
            f"{part}, injected": [each for each in cases if each.injected],
            f"{part}, not injected": [each for each in cases if not each.injected],
        }
        for group, some in groups.items():
            for name, these in (("by hand", Numbers()), ("fitted", numbers)):
                if some:
                    lines.append(f"| {group} | {len(some)} | {name} | {_judged(some, these)} |")
    return "\n".join(lines)


def _judged(cases: Sequence[Told], numbers: Numbers) -> str:
    sure = []
    for case in cases:
        cause, share = replayed(case.seen, numbers, repaired=case.repaired, stops=True).ranked()[0]
        sure.append((share, cause in case.right))
    top = sum(right for _, right in sure) / len(sure)
    brier = sum((share - right) ** 2 for share, right in sure) / len(sure)
    lost = loss([right(case, numbers) for case in cases])
    return f"{top:.2f} | {lost:.3f} | {brier:.3f} | {calibration_error(sure):.3f}"


def main(words: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "results", type=Path, nargs="+", help="what benchmarks.diagnosis.run wrote with --out"
    )
    parser.add_argument("--out", type=Path, default=FILE, help="the file to write (diagnosis/fitted.json)")
    parser.add_argument("--dry-run", action="store_true", help="write nothing")
    found = parser.parse_args(words)
    lines = [line for path in found.results for line in path.read_text(encoding="utf-8").splitlines()]
    results = list({each["name"]: each for each in map(json.loads, filter(None, lines))}.values())
    fitted, numbers = fit(results)
    print(summary(results, numbers))
    if not found.dry_run:
        found.out.write_text(written(fitted), encoding="utf-8")
        print(
            f"{found.out}: {sum(map(len, fitted.likelihoods.values()))} rows, "
            f"temperature {fitted.temperature:g}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
