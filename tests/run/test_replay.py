"""Recordings played again: time, marks, reports, and two runs side by side."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from pipeline.clock import ManualClock
from pipeline.errors import ConfigurationError
from run.replay.recorded_run import RecordedRun
from run.replay.tape import Tape
from tests.metrics import made
from tests.run.command import here, parsed, report_of, run_here, write
from tests.run.snapshots import a_run, recorded

REJECTING = """
    from pipeline import Pipeline, Reject, count, values

    odd = Pipeline("odd")
    odd.read(values(lambda: ((n, n) for n in range({records}))))

    @odd.stage
    def check(n):
        if n % 10 == 3:
            raise Reject("a three")
        return n

    odd.write(count())
"""


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(50.0)


@pytest.fixture
def run(tmp_path: Path, clock: ManualClock) -> RecordedRun:
    snapshots = a_run(10)
    return RecordedRun(recorded(tmp_path / "a.rec", snapshots, made.report(snapshots[-1])), clock)


def test_it_is_shown_as_fast_as_it_was(run: RecordedRun, clock: ManualClock) -> None:
    assert run.snapshot.elapsed_s == 0
    clock.advance(2.6)
    assert run.snapshot.elapsed_s == 2.5
    assert run.snapshot is run.snapshot
    run.set_speed(2)
    clock.advance(1.0)
    assert run.snapshot.elapsed_s == 4.5
    run.play(False)
    clock.advance(60)
    assert run.snapshot.elapsed_s == 4.5
    assert not run.finished
    run.play(True)
    clock.advance(60)
    assert run.finished
    assert run.snapshot.elapsed_s == 9.75
    assert not run.playhead.playing
    run.play(True)
    assert run.snapshot.elapsed_s == 0


def test_steps_and_places(run: RecordedRun) -> None:
    run.step_frame(3)
    assert (run.playhead.frame, run.playhead.playing) == (3, False)
    run.step_frame(-1)
    assert run.snapshot.elapsed_s == 0.5
    run.step_frame(-99)
    assert run.playhead.frame == 0
    run.seek(6.1)
    assert run.snapshot.elapsed_s == 6.0
    run.seek(-5)
    assert run.playhead.at_s == 0
    run.seek(1e9)
    assert run.finished
    run.step_frame(99)
    assert run.playhead.frame == run.playhead.frames - 1
    for wrong in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(ConfigurationError):
            run.set_speed(wrong)
    with pytest.raises(ConfigurationError):
        run.seek(float("nan"))


def test_marks_lead_to_the_first_frame_that_shows_them(run: RecordedRun) -> None:
    assert [(mark.at_s, mark.kind) for mark in run.playhead.marks] == [
        (3.3, "anomaly"),
        (5.0, "fault"),
        (7.1, "anomaly"),
    ]
    first = run.seek_mark(1)
    assert first is not None
    assert (first.at_s, run.snapshot.elapsed_s, len(run.snapshot.anomalies)) == (3.3, 3.5, 1)
    run.step_frame(-1)
    assert not run.snapshot.anomalies
    run.step_frame(1)
    run.seek_mark(1)
    assert run.snapshot.elapsed_s == 5.0
    run.seek_mark(1)
    assert run.snapshot.elapsed_s == 7.25
    assert run.seek_mark(1) is None
    assert run.snapshot.elapsed_s == 7.25
    run.seek_mark(-1)
    run.seek_mark(-1)
    assert run.snapshot.elapsed_s == 3.5
    assert run.seek_mark(-1) is None


def test_two_frames_of_one_moment_can_both_be_gone_to(tmp_path: Path) -> None:
    twice = [state for state in a_run(1) for _ in (0, 1)]
    run = RecordedRun(recorded(tmp_path / "a.rec", twice), ManualClock())
    run.play(False)
    for number in range(1, len(twice)):
        run.step_frame(1)
        assert run.playhead.frame == number
    for number in reversed(range(len(twice) - 1)):
        run.step_frame(-1)
        assert run.playhead.frame == number


def test_a_recording_takes_no_orders(run: RecordedRun) -> None:
    assert not run.owned
    assert run.powers == {"seek"}
    for asked in (run.take_census, run.lift_faults, run.diagnose, lambda: run.set_rate(5.0)):
        with pytest.raises(ConfigurationError):
            asked()
    before = run.snapshot
    run.drain()
    run.abort()
    assert run.snapshot is before


def test_the_end_of_a_broken_recording_says_why(tmp_path: Path) -> None:
    path = recorded(tmp_path / "a.rec", a_run(2))
    os.truncate(path, path.stat().st_size - 3)
    run = RecordedRun(path, ManualClock())
    assert run.connection == ""
    run.seek(99)
    assert "it is cut off at byte" in run.connection
    assert not run.playhead.whole


@pytest.mark.parametrize("records", [10, 2000])
def test_the_report_of_a_recording_is_the_runs_own(tmp_path: Path, records: int) -> None:
    file = write(tmp_path / "odd.py", REJECTING.format(records=records))
    path = tmp_path / "a.rec"
    done = run_here(
        file,
        "--record",
        str(path),
        "--report",
        str(tmp_path / "own.md"),
        "--junit",
        str(tmp_path / "own.xml"),
    )
    assert done.code == 4
    again = here(
        "replay", path, "--json", "-", "--report", tmp_path / "again.md", "--junit", tmp_path / "again.xml"
    )
    assert again.code == done.code
    assert again.out == done.out
    assert f"Wrote {path}" in done.err
    assert report_of(done)["rejections"]
    for ending in ("md", "xml"):
        assert (tmp_path / f"own.{ending}").read_text() == (tmp_path / f"again.{ending}").read_text()
    box = here("replay", path)
    assert "DEGRADED" in box.out


def test_a_recording_is_judged_by_other_thresholds(tmp_path: Path) -> None:
    path = tmp_path / "a.rec"
    assert here("--headless", "--limit", "300", "--record", path).code == 0
    report = here("replay", path, "--json", "-", "--fail-if", "error_rate<50%")
    assert report.code == 4
    assert parsed(report.out)["thresholds"] == [{"expr": "error_rate<50%", "value": 0.0, "passed": False}]
    assert here("replay", path, "--fail-if", "error_rate>50%").code == 0
    assert here("replay", path, "--fail-if", "mood>1").code == 2


def test_two_recordings_side_by_side(tmp_path: Path) -> None:
    for name, records in (("a", 300), ("b", 400)):
        assert here("--headless", "--limit", str(records), "--record", tmp_path / name).code == 0
    table = here("replay", tmp_path / "a", tmp_path / "b")
    assert table.code == 0, table.told
    (line,) = [line for line in table.out.splitlines() if line.startswith("read ")]
    assert line.split() == ["read", "300", "400", "+33.3%"]
    assert not [line for line in table.out.splitlines() if line.startswith("status")]
    document = json.loads(here("replay", tmp_path / "a", tmp_path / "b", "--json", "-").out)
    read = next(row for row in document["differences"] if row["what"] == "read")
    assert read == {
        "what": "read", "stage": None, "unit": "records", "a": 300, "b": 400, "change": pytest.approx(1 / 3)
    }  # fmt: skip
    same = here("replay", tmp_path / "a", tmp_path / "a")
    assert "All figures are the same in both." in same.out


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "it is empty"),
        (b"id,amount\n1,2\n", "it is no recording"),
        (b"\x93DPMREC\n", "has no header"),
        (b"\x93DPMREC\n" + bytes(40), "has no header: it is damaged at byte 8"),
        (None, "there is no such file"),
    ],
)
def test_what_is_no_recording(tmp_path: Path, content: bytes | None, told: str) -> None:
    path = tmp_path / "a.rec"
    if content is not None:
        path.write_bytes(content)
    done = here("replay", path)
    assert done.code == 2, done.told
    assert told in done.err
    assert str(path) in done.err


def test_wrong_words(tmp_path: Path) -> None:
    path = recorded(tmp_path / "a.rec", a_run(1))
    for words, told in (
        ([], "RECORDING"),
        ([tmp_path], "is a folder"),
        ([path, path, "--report", tmp_path / "a.md"], "two recordings give a table"),
        ([path, path, "--fail-if", "error_rate>1"], "judges one recording"),
        ([path, "--recrod"], "unknown option"),
    ):
        done = here("replay", *words)
        assert done.code == 2, done.told
        assert told in done.err


def test_a_tape_gives_any_snapshot_in_any_order(tmp_path: Path) -> None:
    snapshots = a_run(6)
    tape = Tape(recorded(tmp_path / "a.rec", snapshots, key_every=5))
    for number in (0, 23, 7, 8, 9, 8, 4, 5, 22, 0):
        assert tape.snapshot(number) == snapshots[number]
