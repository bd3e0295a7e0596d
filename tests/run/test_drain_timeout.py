"""A run that is to end and does not is given up, and names what was not flushed."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.run.command import call, here, parsed, report_of, run_here, running, write

STUCK = """
    import time
    from pathlib import Path
    from pipeline import Pipeline, jsonl

    here = Path(__file__)
    p = Pipeline("stuck", batch_size=5)
    p.read([(i, i) for i in range(1000)])

    @p.stage(workers=WORKERS)
    def slow(i):
        if i == 7:
            here.with_name("ready").touch()
            time.sleep(3600)
        return i

    p.write(jsonl(here.with_name("out.jsonl")))
"""


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_after_a_signal(tmp_path: Path, number: signal.Signals, workers: int) -> None:
    file = write(tmp_path / "p.py", STUCK.replace("WORKERS", str(workers)))
    report = tmp_path / "report.json"
    arguments = ("run", file, "--headless", "--drain-timeout", "0.3", "--json", report)
    with running(*arguments, ready=tmp_path / "ready") as run:
        run.until_ready()
        run.send(number)
        done = run.done()
    assert done.code == 1, done.told
    found = parsed(report.read_text())
    assert found["status"] == "failed"
    assert "the run was to end within 0.3 s and did not" in done.out
    assert "5 in 'slow'" in " ".join(done.out.replace("║", " ").split())
    records = found["records"]
    assert records["in_flight"] >= 5
    assert records["lost"] == records["duplicated"] == 0
    rows = (tmp_path / "out.jsonl").read_text().splitlines()
    assert len(rows) == records["delivered"]


def test_after_the_duration(tmp_path: Path) -> None:
    file = write(tmp_path / "p.py", STUCK.replace("WORKERS", "1"))
    done = call("run", file, "--headless", "--duration", "0.5", "--drain-timeout", "0.2")
    assert done.code == 1, done.told
    text = " ".join(done.out.replace("║", " ").split())
    assert "records are not flushed" in text
    assert "values/values:5" in text


def test_what_was_not_flushed_is_read_again(tmp_path: Path) -> None:
    file = write(tmp_path / "p.py", STUCK.replace("WORKERS", "1"))
    assert call("run", file, "--headless", "--duration", "0.5", "--drain-timeout", "0.2").code == 1
    write(file, STUCK.replace("WORKERS", "1").replace("3600", "0"))
    report = report_of(run_here(file))
    assert report["records"]["delivered"] == 1_000
    assert sorted(map(int, (tmp_path / "out.jsonl").read_text().splitlines())) == list(range(1_000))


def test_a_run_that_ends_in_time_is_none_the_worse(tmp_path: Path) -> None:
    file = write(tmp_path / "p.py", STUCK.replace("WORKERS", "1").replace("3600", "0.1"))
    done = run_here(file, "--duration", "0.01", "--drain-timeout", "30")
    assert done.code == 0, done.told


@pytest.mark.parametrize("text", ["0", "-1", "soon", "inf"])
def test_the_timeout_is_a_number_of_seconds(text: str, tmp_path: Path) -> None:
    done = here("run", tmp_path / "p.py", "--drain-timeout", text)
    assert done.code == 2
    assert "--drain-timeout" in done.err
