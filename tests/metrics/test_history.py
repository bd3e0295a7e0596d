from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise

import pytest

from metrics.report.history import POINTS, History
from metrics.snapshot import Latency, Recent
from tests.metrics.made import snapshot


def times(ms: float) -> Latency:
    return Latency(100, ms, ms, ms, ms, ms)


@pytest.mark.parametrize("seconds", [10, 700, 90_000])
def test_the_whole_run_is_kept_in_a_bounded_number_of_points_with_its_peak(seconds: int) -> None:
    history, source = History(), random.Random(0)
    peak = source.randrange(seconds)
    for second in range(seconds):
        recent = Recent(10.0, 170, 0, times(9000.0 if second == peak else 4.0))
        history.look(replace(snapshot(elapsed_s=float(second)), phase="running", recent=recent))
        history.look(replace(snapshot(elapsed_s=second + 0.4), phase="running", recent=recent))
    lines = {line.metric: line.points for line in history.lines if line.stage is None}
    latency, rates = lines["pipeline.record.latency"], lines["pipeline.records.rate"]
    assert min(seconds, POINTS // 2) <= len(latency) <= POINTS
    assert max(value for _, value in latency) == 9000.0
    assert sum(value == 9000.0 for _, value in latency) == 1
    assert [value for _, value in rates] == pytest.approx([17.0] * len(rates))
    assert latency[0][0] == 0.0
    assert latency[-1][0] >= seconds * 0.98 - 1
    assert all(one[0] < other[0] for one, other in pairwise(latency))
