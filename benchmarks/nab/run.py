"""The detectors on the Numenta Anomaly Benchmark: `make nab NAB=DIR`, DIR a copy of github.com/numenta/NAB.

Thresholds are chosen on other files than those that they are measured on: the files are shuffled into five
folds, and the threshold of each fold is the best one of the other four; five times, with other shuffles.
"Chosen" also chooses the design (bins, rest, weight of the logarithm) there, since that is a choice, too.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.nab.corpus import Series, load, read
from benchmarks.nab.scoring import PROFILES, STANDARD, Profile, Sweep, normalised
from metrics.detectors.novelty import BINS, LOG_WEIGHT, REST, Novelty
from pipeline.errors import ConfigurationError

FOLDS = 5
SHUFFLES = 5
PUBLISHED = ("numenta", "skyline", "knncad", "randomCutForest")
KEYS = ("standard", "reward_low_FP_rate", "reward_low_FN_rate")

Sweeps = Mapping[str, Sweep]
"""By the name of the file."""


@dataclass(frozen=True)
class Design:
    """A way to score a series."""

    name: str
    make: Callable[[], Novelty]
    rests: bool = True

    def scores(self, series: Series) -> list[float]:
        """A score for each row."""
        detector = self.make()
        found = []
        for value in series.values:
            fresh = detector.score(value)
            found.append(fresh if self.rests else detector.surprise)
        return found


def _novelty(bins: int, weight: float, rest: int) -> Design:
    name = f"{bins} bins, logarithm at {weight:g}, rest of {rest}"
    return Design(name, lambda: Novelty(bins=bins, log_weight=weight, rest=rest))


OURS = _novelty(BINS, LOG_WEIGHT, REST)
ALONE = (
    OURS,
    _novelty(BINS, 0.0, REST),
    Design(
        f"{BINS} bins, logarithm at {LOG_WEIGHT:g}, without a rest", lambda: Novelty(rest=REST), rests=False
    ),
)
CHOICES = tuple(
    _novelty(bins, weight, rest)
    for bins in (12, 16, 20)
    for weight in (0.0, 0.25, 0.5)
    for rest in (300, 400)
)


def main(words: Sequence[str]) -> int:
    """Print the table; 2 where the folder is no copy of the benchmark."""
    parser = argparse.ArgumentParser(prog="make nab", description=__doc__)
    parser.add_argument("folder", type=Path, help="a copy of github.com/numenta/NAB")
    folder = parser.parse_args(words).folder
    try:
        corpus = load(folder)
        _check_scoring(folder, corpus)
        _table(corpus)
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def sweeps(design: Design, corpus: Iterable[Series], profile: Profile = STANDARD) -> dict[str, Sweep]:
    """What a design's scores earn, file by file."""
    found = {}
    for series in corpus:
        found[series.name] = Sweep(profile)
        found[series.name].add(series, design.scores(series))
    return found


def merged(by_file: Sweeps, names: Iterable[str], profile: Profile = STANDARD) -> Sweep:
    """The files of these names together."""
    whole = Sweep(profile)
    for name in names:
        whole.merge(by_file[name])
    return whole


def held_out(designs: Sequence[Sweeps], shuffle: int) -> float:
    """The score with design and threshold chosen on other files."""
    names = sorted(designs[0])
    random.Random(shuffle).shuffle(names)
    points, windows = 0.0, 0
    for fold in range(FOLDS):
        test = names[fold::FOLDS]
        train = [name for name in names if name not in test]
        learned = [merged(design, train) for design in designs]
        best = max(range(len(designs)), key=lambda at: max(gained for _, gained in learned[at].curve()))
        measured = merged(designs[best], test)
        points += measured.points(learned[best].best_threshold())
        windows += measured.windows
    return normalised(points, windows)


def _table(corpus: Sequence[Series]) -> None:
    rows = sum(len(series.values) for series in corpus)
    print(f"{len(corpus)} files, {rows:,} rows, {sum(len(series.windows) for series in corpus)} windows\n")
    print("| standard profile | tuned | held out | from | to |\n|---|---:|---:|---:|---:|")
    for design in ALONE:
        began = time.process_time()
        found = sweeps(design, corpus)
        took = time.process_time() - began
        whole = merged(found, found)
        tuned = normalised(whole.points(whole.best_threshold()), whole.windows)
        _row(design.name, [held_out([found], shuffle) for shuffle in range(SHUFFLES)], f"{tuned:.1f}")
        if design is OURS:
            said = f"best threshold {whole.best_threshold():.2f} bits, {took / rows * 1e6:.1f} us a row"
    chosen = [sweeps(design, corpus) for design in CHOICES]
    _row(f"chosen of {len(CHOICES)} designs", [held_out(chosen, shuffle) for shuffle in range(SHUFFLES)], "")
    print(f"\n{OURS.name}: {said}")


def _row(name: str, scores: Sequence[float], tuned: str) -> None:
    mean = sum(scores) / len(scores)
    print(f"| {name} | {tuned} | {mean:.1f} | {min(scores):.1f} | {max(scores):.1f} |", flush=True)


def _check_scoring(folder: Path, corpus: Sequence[Series]) -> None:
    """Score what other detectors gave, where the copy has it, and hold it against what was published."""
    thresholds, published = folder / "config/thresholds.json", folder / "results/final_results.json"
    if not thresholds.is_file() or not published.is_file():
        print("The copy has no published results; the scoring is not checked against them.\n")
        return
    chosen, finals = json.loads(thresholds.read_text()), json.loads(published.read_text())
    worst, checked = 0.0, 0
    for detector in PUBLISHED:
        for profile, key in zip(PROFILES, KEYS, strict=True):
            if not (folder / "results" / detector).is_dir() or key not in finals.get(detector, {}):
                continue
            whole = Sweep(profile)
            for series in corpus:
                group, name = series.name.split("/")
                _, scores = read(
                    folder / "results" / detector / group / f"{detector}_{name}", "anomaly_score"
                )
                whole.add(series, scores)
            points = whole.points(chosen[detector][key]["threshold"])
            worst = max(worst, abs(normalised(points, whole.windows, profile) - finals[detector][key]))
            checked += 1
    print(f"Scoring: {checked} published scores come out again, the worst off by {worst:.4f}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
