"""The scoring of the benchmark, on a copy small enough to check by hand."""

from __future__ import annotations

import json
import math
import random
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from benchmarks.nab.corpus import Series, load, probation
from benchmarks.nab.run import OURS as DESIGN
from benchmarks.nab.run import main, sweeps
from benchmarks.nab.scoring import STANDARD, Sweep, normalised

ROWS = 1000
WINDOW = (600, 699)
SERIES = Series("made/one.csv", (0.0,) * ROWS, (WINDOW,), probation(ROWS))


def sigmoid(position: float) -> float:
    return 2 / (1 + math.exp(5 * position)) - 1


def score(*alarms: int) -> float:
    sweep = Sweep()
    sweep.add(SERIES, [float(row in alarms) for row in range(ROWS)])
    return normalised(sweep.points(0.5), sweep.windows)


def test_silence_is_0_and_an_alarm_where_a_window_begins_100() -> None:
    assert score() == 0.0
    assert score(600) == pytest.approx(100.0)


def test_a_later_alarm_earns_less_and_only_the_best_of_a_window_counts() -> None:
    expected = 50 + 50 * sigmoid(-50 / 100) / sigmoid(-1.0)
    assert score(650) == pytest.approx(expected)
    assert score(650, 680, 699) == pytest.approx(expected)
    assert score(699) < score(650) < score(601) < 100.0


def test_a_false_alarm_costs_its_share_less_shortly_after_a_window_and_nothing_in_the_probation() -> None:
    assert score(300) == pytest.approx(-50 * 0.11)
    assert score(720) == pytest.approx(50 * 0.11 * sigmoid(21 / 99))
    assert score(720) > score(750) > score(999)
    assert score(149) == 0.0
    assert score(150) < 0.0


@pytest.mark.parametrize("seed", range(20))
def test_the_curve_is_what_each_threshold_earns(seed: int) -> None:
    sweep, source = Sweep(), random.Random(seed)
    sweep.add(SERIES, [source.randrange(40) / 40 for _ in range(ROWS)])
    curve = sweep.curve()
    assert curve[0] == (math.inf, -1.0)
    for threshold, points in curve[1:]:
        assert sweep.points(threshold) == pytest.approx(points)
    best = sweep.best_threshold()
    assert sweep.points(best) == pytest.approx(max(points for _, points in curve))


def copy(folder: Path) -> Path:
    """A copy with one file in it, whose values jump where its window is."""
    begin = datetime(2014, 1, 1)  # noqa: DTZ001 - the benchmark's times have no zone
    times = [begin + timedelta(minutes=5 * row) for row in range(ROWS)]
    lines = [f"{at},{90.0 if 620 <= row < 640 else 10.0 + row % 7}" for row, at in enumerate(times)]
    (folder / "data/made").mkdir(parents=True)
    (folder / "data/made/one.csv").write_text("timestamp,value\n" + "\n".join(lines) + "\n")
    (folder / "labels").mkdir()
    spans = [[f"{times[WINDOW[0]]}.000000", f"{times[WINDOW[1]]}.000000"]]
    (folder / "labels/combined_windows.json").write_text(json.dumps({"made/one.csv": spans}))
    return folder


def test_a_copy_is_read_and_the_jump_in_it_is_found(tmp_path: Path) -> None:
    (series,) = load(copy(tmp_path))
    assert (series.windows, series.probation, len(series.values)) == ((WINDOW,), 150, ROWS)
    found = sweeps(DESIGN, [series])[series.name]
    points = found.points(found.best_threshold())
    assert normalised(points, found.windows, STANDARD) == pytest.approx(score(620))


def test_a_folder_that_is_no_copy_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 2
    told = capsys.readouterr().err
    assert f"NAB={tmp_path}: " in told
    assert "give the folder of a copy of https://github.com/numenta/NAB" in told
    whole = copy(tmp_path)
    (whole / "data/made/one.csv").write_text("timestamp,value\nnever,1\n")
    assert main([str(whole)]) == 2
    assert "one.csv: is not a file of the benchmark" in capsys.readouterr().err
