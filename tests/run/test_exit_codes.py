"""Every exit code of the contract, each from a process of its own that has earned it."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from tests.run import files
from tests.run.command import call, parsed, report_of, run_here, running, settled, shell, write


def lines(path: Path) -> int:
    return len(path.read_text().splitlines())


def test_0_for_a_healthy_run(tmp_path: Path) -> None:
    done = call("run", write(tmp_path / "p.py", files.HEALTHY), "--headless", "--json", "-")
    assert done.code == 0, done.told
    report = parsed(done.out)
    assert report["status"] == "healthy"
    assert report["exit_code"] == 0
    records = report["records"]
    assert (records["read"], records["delivered"], records["filtered"], records["rejected"]) == (
        100,
        49,
        50,
        1,
    )
    assert lines(tmp_path / "out.jsonl") == 49
    assert report["dead_letters"] == str(tmp_path / "numbers.dead-letters.jsonl")


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("raise ValueError('fifty-seven')", "ValueError: fifty-seven"),
        ("raise SystemExit(0)", "SystemExit: 0"),
        ("raise MemoryError", "MemoryError"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    ],
)
def test_1_where_a_stage_fails_and_the_traceback_shows_where(
    tmp_path: Path, statement: str, reason: str
) -> None:
    file = write(tmp_path / "p.py", files.FAILING.replace("STATEMENT", statement))
    done = call("run", file, "--headless", "--json", "-")
    assert done.code == 1, done.told
    report = parsed(done.out)
    assert report["status"] == "failed"
    assert "careful" in report["problem"]
    assert reason in report["problem"]
    assert settled(report) == report["records"]["read"]
    assert report["records"]["lost"] == 0
    assert f'{file}", line 10, in careful' in done.err
    assert reason in done.err


def test_2_for_a_mistake_on_the_command_line() -> None:
    done = call("--headles")
    assert (done.code, done.out) == (2, "")
    assert done.err == "monitor.py: unknown option '--headles'; did you mean --headless?\n"


def test_3_for_lost_records_which_are_named(tmp_path: Path) -> None:
    done = call("run", write(tmp_path / "p.py", files.LOSING), "--headless", "--json", "-")
    assert done.code == 3, done.told
    report = parsed(done.out)
    assert report["status"] == "unhealthy"
    assert report["records"]["lost"] == 2
    assert report["records"]["lost_ids"] == ["values/values:9", "values/values:19"]
    assert settled(report) == report["records"]["read"] == 25


def test_3_for_a_record_that_is_there_twice(tmp_path: Path) -> None:
    done = run_here(write(tmp_path / "p.py", files.REPEATING))
    assert done.code == 3, done.told
    records = report_of(done)["records"]
    assert (records["duplicated"], records["lost"]) == (1, 0)
    assert records["duplicated_ids"] == ["values/values:13"]


def test_4_where_a_threshold_is_passed(tmp_path: Path) -> None:
    thresholds = ("--fail-if", "filtered>=50", "--fail-if", "lost>0", "--fail-if", "in(output)>48")
    done = call("run", write(tmp_path / "p.py", files.HEALTHY), "--headless", "--json", "-", *thresholds)
    assert done.code == 4, done.told
    report = parsed(done.out)
    assert report["status"] == "degraded"
    assert [(item["expr"], item["value"], item["passed"]) for item in report["thresholds"]] == [
        ("filtered>=50", 50, False),
        ("lost>0", 0, True),
        ("in(output)>48", 49, False),
    ]


def test_4_where_too_many_records_are_rejected(tmp_path: Path) -> None:
    done = run_here(write(tmp_path / "p.py", files.REJECTING))
    assert done.code == 4, done.told
    report = report_of(done)
    assert report["error_rate"] == pytest.approx(0.1)
    assert "a tenth" in report["reasons"][0]


def test_the_lowest_code_that_applies_wins(tmp_path: Path) -> None:
    assert run_here(write(tmp_path / "p.py", files.LOSING), "--fail-if", "lost>0").code == 3
    failing = files.FAILING.replace("STATEMENT", "raise ValueError")
    assert run_here(write(tmp_path / "p.py", failing), "--fail-if", "read>0").code == 1


def test_5_where_the_report_has_no_place(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full here")
    done = shell("$MONITOR --headless --limit 5 --json - --junit j.xml > /dev/full", cwd=tmp_path)
    assert done.code == 5, done.told
    assert "its report is not all there: stdout does not take it: No space left on device" in done.err
    assert (tmp_path / "j.xml").exists()


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)],
    ids=["SIGINT", "SIGTERM", "SIGHUP"],
)
def test_a_signal_drains_and_every_record_read_is_in_the_sink(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    file = write(tmp_path / "p.py", files.ENDLESS)
    with running("run", file, "--headless", "--json", "-", "--rate", "2000", ready=tmp_path / "ready") as run:
        run.until_ready()
        run.send(number)
        done = run.done()
    assert done.code == code, done.told
    assert "Draining" in done.err
    report = parsed(done.out)
    assert report["status"] == "interrupted"
    assert report["exit_code"] == code
    records = report["records"]
    assert records["read"] == records["delivered"] == lines(tmp_path / "out.jsonl") >= 20
    assert (records["in_flight"], records["lost"], records["duplicated"]) == (0, 0, 0)


def test_a_second_signal_aborts_and_what_is_in_flight_is_counted(tmp_path: Path) -> None:
    file = write(tmp_path / "p.py", files.SLOW)
    with running("run", file, "--headless", "--json", "-", ready=tmp_path / "ready") as run:
        run.until_ready()
        run.send(signal.SIGINT)
        run.until_told("Draining")
        run.send(signal.SIGTERM)
        done = run.done()
    assert done.code == 130, done.told
    assert "Aborting" in done.err
    report = parsed(done.out)
    assert report["status"] == "interrupted"
    records = report["records"]
    assert records["in_flight"] > 0
    assert records["lost"] == 0
    assert records["delivered"] == lines(tmp_path / "out.jsonl")
    assert settled(report) == records["read"]


def test_two_signals_at_once_do_not_block(tmp_path: Path) -> None:
    file = write(tmp_path / "p.py", files.SLOW)
    with running("run", file, "--headless", "--json", "-", ready=tmp_path / "ready") as run:
        run.until_ready()
        for _ in range(20):
            run.send(signal.SIGINT)
            run.send(signal.SIGTERM)
        done = run.done()
    assert done.code in (130, 143), done.told
    assert json.loads(done.out)["status"] == "interrupted"


def test_what_nohup_ignores_is_ignored(tmp_path: Path) -> None:
    hang_up = "if i == 10: os.kill(os.getpid(), signal.SIGHUP)\n        if i == 50:"
    text = files.HEALTHY.replace("if i == 50:", hang_up)
    write(tmp_path / "p.py", f"    import os, signal\n{text}")
    done = shell("trap '' HUP; $MONITOR run p.py --headless --json -", cwd=tmp_path)
    assert done.code == 0, done.told
    assert parsed(done.out)["records"]["delivered"] == 49
