from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from metrics.memory_state import MemoryState
from metrics.report.baseline import Baseline, Comparison
from metrics.report.json import to_json
from metrics.snapshot import Latency, Snapshot
from metrics.verdict import checks, exit_code, judge
from pipeline.errors import ConfigurationError
from tests.metrics.made import DEMO_STAGES, MEBI, records, report, snapshot, stage


def times(ms: float) -> Latency:
    return Latency(1000, ms, ms, ms, ms, ms)


def state(
    *, read: int = 60_000, elapsed: float = 60.0, ms: float = 40.0, slope: float | None = 0.5, peak: int = 50
) -> Snapshot:
    return snapshot(
        run=records(read=read, delivered=read),
        elapsed_s=elapsed,
        latency=times(ms),
        stages=[stage(name, latency=times(ms / 4)) for name in DEMO_STAGES],
        memory=MemoryState(40 * MEBI, 45 * MEBI, peak * MEBI, slope, "stable", ()),
    )


def compared(before: Snapshot, after: Snapshot, folder: Path) -> Comparison:
    path = folder / "base.json"
    path.write_text(to_json(replace(report(before), duration_s=before.elapsed_s)), encoding="utf-8")
    return Baseline(path, "demo").compare(after)


def test_the_same_run_again_has_changed_in_nothing(tmp_path: Path) -> None:
    found = compared(state(), state(), tmp_path)
    assert found.regressions == ()
    assert {change.worse for change in found.changes} == {None}
    assert "throughput as before: 1,000/s (was 1,000/s)" in [change.text for change in found.changes]


@pytest.mark.parametrize(
    ("after", "says"),
    [
        (state(read=36_000), "throughput fell by 40%: 600.0/s (was 1,000/s)"),
        (state(ms=90.0), "latency rose by 125%: 90ms (was 40ms)"),
        (state(slope=1200.0), "memory per record rose: 1,200 bytes (was 0.5 bytes)"),
        (state(peak=200), "peak memory rose by 300%: 210 MB (was 52 MB)"),
    ],
)
def test_what_is_much_worse_is_told_with_its_size_and_degrades_the_run(
    after: Snapshot, says: str, tmp_path: Path
) -> None:
    found = compared(state(), after, tmp_path)
    (change,) = found.regressions
    assert change.text == says
    judged = judge(after, (), found)
    assert (judged.status, exit_code(judged)) == ("degraded", 4)
    assert judged.reasons == (f"worse than {tmp_path / 'base.json'}: {change.text}",)


def test_what_is_better_or_a_little_worse_is_told_and_no_more(tmp_path: Path) -> None:
    found = compared(state(), state(read=50_000, ms=20.0), tmp_path)
    assert found.regressions == ()
    judged = {(change.name, change.stage): change.worse for change in found.changes}
    assert judged["throughput", None] is True
    assert judged["latency", None] is False
    assert judged["latency", "transform"] is False
    assert judge(state(), (), found).status == "healthy"


def test_a_run_that_is_too_short_is_told_and_not_judged(tmp_path: Path) -> None:
    found = compared(state(), state(read=100, elapsed=1.0), tmp_path)
    assert found.regressions == ()
    assert found.not_judged == "one of the runs took 1.0s; from 5.0s on changes are judged"
    (check,) = (each for each in checks(state(), (), found) if "baseline" in each.name)
    assert (check.problem, check.judged) == (None, False)


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (None, "cannot be read: No such file"),
        ("", "is no report of a run"),
        ("[1, 2]", "is no report of a run"),
        ('{"schema": 1}', r"missing required field `pipeline`"),
        ("schema", "it is of schema 2, and 1 is understood"),
        ("pipeline", "report of the pipeline 'other', and this is 'demo'"),
    ],
)
def test_a_file_that_is_no_baseline_is_named_with_the_reason(
    content: str | None, match: str, tmp_path: Path
) -> None:
    path = tmp_path / "base.json"
    found = json.loads(to_json(report(state())))
    changed = {"schema": {**found, "schema": 2}, "pipeline": {**found, "pipeline": "other"}}
    if content is not None:
        path.write_text(json.dumps(changed[content]) if content in changed else content, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=match) as raised:
        Baseline(path, "demo")
    assert str(raised.value).startswith(f"--baseline {path}: ")
