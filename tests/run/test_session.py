"""A run, assembled: what the options do, the demo, and a screen that fails."""

from __future__ import annotations

import json
import signal
import threading
from itertools import count
from pathlib import Path
from typing import Any

import pytest

import run.main
from pipeline import Pipeline, function, generated
from pipeline.engine import Options
from run.arguments import Settings, parse
from run.demo import demo
from run.display import Display
from run.live import LiveRun
from run.session import Session
from tests.pipeline.running import eventually
from tests.run import files
from tests.run.command import DEADLINE_S, here, report_of, run_here, write


def delivered(records: int, seed: int) -> list[str]:
    """What the demo delivers, in no particular order."""
    pipeline = demo(records, seed)
    values: list[str] = []

    def keep(value: dict[str, Any]) -> None:
        values.append(json.dumps(value, sort_keys=True))

    pipeline.sink = function(keep)
    session = Session(pipeline, Options(seed=seed))
    session.start()
    assert session.wait(DEADLINE_S)
    assert session.report().exit_code == 0
    return sorted(values)


def test_the_demo_is_the_same_for_the_same_seed() -> None:
    assert len(delivered(301, seed=4)) == 301
    assert delivered(301, seed=4) == delivered(301, seed=4)
    assert delivered(301, seed=4) != delivered(301, seed=5)


def test_the_demo_has_three_sources_and_four_stages() -> None:
    done = here("--headless", "--json", "-")
    report = json.loads(done.out)
    assert done.code == 0
    assert len(report["sources"]) == 3
    assert [stage["name"] for stage in report["stages"]] == ["ingestion", "validation", "transform", "output"]
    assert report["records"]["read"] == report["records"]["delivered"] == 1_000


@pytest.mark.parametrize("limit", [0, 1, 2, 100])
def test_the_demo_generates_as_many_as_it_is_told(limit: int) -> None:
    done = here("--headless", "--json", "-", "--limit", str(limit))
    assert done.code == 0, done.told
    assert json.loads(done.out)["records"]["delivered"] == limit


def test_a_stage_that_hangs_makes_the_watermark_age_and_going_on_makes_it_young(tmp_path: Path) -> None:
    go_on = threading.Event()
    pipeline = Pipeline("orders", batch_size=1, dead_letters=tmp_path / "letters.jsonl")
    pipeline.read(generated("orders", records=100, name="hung"))
    pipeline.read(generated("orders", records=0, name="empty"))
    taken = count()

    @pipeline.stage
    def hang(value: dict[str, Any]) -> dict[str, Any]:
        assert next(taken) < 50 or go_on.wait(DEADLINE_S)
        return value

    pipeline.write(function(lambda _value: None))
    session = Session(pipeline, Options(), fail_if=["watermark_age_peak>0.2s"])
    session.start()

    def age() -> float:
        ages = {source.name: source.watermark_age_s for source in session.snapshot.sources}
        assert not ages.get("empty")
        return ages.get("hung") or 0.0

    eventually(lambda: age() > 0.3)
    once = age()
    eventually(lambda: age() > once)
    go_on.set()
    assert session.wait(DEADLINE_S)
    assert age() == 0.0
    (result,) = session.report().thresholds
    assert not result.passed
    assert result.value is not None
    assert result.value > once


def test_limit_reads_no_more_than_that(tmp_path: Path) -> None:
    done = run_here(write(tmp_path / "p.py", files.HEALTHY), "--limit", "33")
    assert done.code == 0, done.told
    assert report_of(done)["records"]["read"] == 33


def test_duration_ends_an_endless_run_in_health(tmp_path: Path) -> None:
    done = run_here(write(tmp_path / "p.py", files.ENDLESS), "--duration", "0.3", "--rate", "1000")
    assert done.code == 0, done.told
    report = report_of(done)
    assert report["status"] == "healthy"
    records = report["records"]
    assert records["read"] == records["delivered"] > 0
    assert len((tmp_path / "out.jsonl").read_text().splitlines()) == records["read"]


def test_rate_holds_the_reading_back(tmp_path: Path) -> None:
    report = report_of(run_here(write(tmp_path / "p.py", files.HEALTHY), "--rate", "250"))
    assert report["duration_s"] > 0.2
    assert report["records"]["read"] == 100


def test_batch_size_is_exact_and_workers_are_as_many_as_told(tmp_path: Path) -> None:
    file = write(
        tmp_path / "p.py",
        """
        from pipeline import Pipeline, count

        p = Pipeline("p")
        p.read([(i, i) for i in range(100)])

        @p.stage(batch=True)
        def many(values):
            print(f"batch of {len(values)}")
            return values

        p.write(count())
        """,
    )
    done = run_here(file, "--batch-size", "30", "--workers", "3")
    sizes = sorted(int(line.split()[-1]) for line in done.err.splitlines() if line.startswith("batch of"))
    assert sizes == [10, 30, 30, 30]
    workers = {stage["name"]: stage["workers"] for stage in report_of(done)["stages"]}
    assert workers["many"] == 3


def on_screen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(run.main, "_has_terminal", lambda _display: True)
    file = write(tmp_path / "p.py", files.HEALTHY)
    return parse(["run", str(file), "--json", str(tmp_path / "r.json")], "monitor.py")


def test_a_run_outlives_its_screen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def show(_run: LiveRun, _display: Display) -> int | None:
        raise RuntimeError("no such colour")

    assert run.main.run(on_screen(tmp_path, monkeypatch), show) == 5
    told = capsys.readouterr()
    assert "no such colour" in told.err
    assert "the run goes on without it" in told.err
    assert json.loads((tmp_path / "r.json").read_text())["records"]["delivered"] == 49


@pytest.mark.parametrize("waits", [False, True], ids=["before it ended", "after it ended"])
def test_a_signal_that_ends_the_screen_drains_and_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], waits: bool
) -> None:
    def show(session: LiveRun, _display: Display) -> int | None:
        assert isinstance(session, Session)
        session.drain()
        if waits:
            assert session.wait(DEADLINE_S)
        return signal.SIGTERM

    assert run.main.run(on_screen(tmp_path, monkeypatch), show) == 143
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["status"] == "interrupted"
    assert report["exit_code"] == 143
    assert report["records"]["in_flight"] == 0
    assert "INTERRUPTED" in capsys.readouterr().out


def test_a_signal_at_the_final_verdict_does_not_change_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def show(session: LiveRun, _display: Display) -> int | None:
        assert isinstance(session, Session)
        assert session.wait(DEADLINE_S)
        return signal.SIGTERM

    assert run.main.run(on_screen(tmp_path, monkeypatch), show) == 0
    assert json.loads((tmp_path / "r.json").read_text())["status"] == "healthy"
