"""Recordings: whatever was recorded comes back, whatever happened to the file or the disk."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import threading
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metrics.report import RunReport
from metrics.snapshot import Snapshot
from pipeline.clock import SystemClock
from pipeline.errors import ConfigurationError
from run.product import NAME, VERSION
from run.recording.file import RecordingFile
from run.recording.frames import (
    Frame,
    Kind,
    SnapshotReader,
    SnapshotWriter,
    ending_frame,
    header_of,
    report_of,
    snapshot_of,
)
from run.recording.recorder import Recorder, Ring
from run.replay.tape import Tape
from tests.house.project import settings as project
from tests.metrics import made
from tests.run.command import DEADLINE_S, call, here, parsed, running, write
from tests.run.snapshots import STARTED, a_run, anything, moment, recorded

SLOW = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@SLOW
@given(st.lists(anything(Snapshot), min_size=1, max_size=4), st.integers(1, 3))
def test_any_snapshot_comes_back_as_it_was(snapshots: list[Snapshot], key_every: int) -> None:
    writer, reader = SnapshotWriter(key_every), SnapshotReader()
    for snapshot in snapshots:
        assert reader.snapshot(writer.frame(snapshot)) == snapshot


@SLOW
@given(anything(RunReport))
def test_any_report_comes_back_as_it_was(report: RunReport) -> None:
    assert report_of(ending_frame(report)) == report


def test_a_recording_cut_off_at_any_byte_is_readable_up_to_there(tmp_path: Path) -> None:
    snapshots = a_run(3)
    report = made.report(dataclasses.replace(snapshots[-1], phase="ended"))
    path = recorded(tmp_path / "a.rec", snapshots, report, key_every=4)
    length = path.stat().st_size
    tape = Tape(path)
    assert tape.whole
    assert list(tape)[:-1] == snapshots[:-1]
    assert tape.report() == report
    tape.close()
    most = len(snapshots)
    for size in range(length - 1, -1, -1):
        os.truncate(path, size)
        try:
            cut = Tape(path)
        except ConfigurationError:
            most = 0
            continue
        assert len(cut) <= most, "a shorter file gave more"
        assert not cut.whole
        assert cut.damage
        if len(cut) != most:
            assert list(cut) == snapshots[: len(cut)]
        most = len(cut)
        cut.close()
    assert most == 0


def test_a_damaged_byte_costs_what_is_behind_it_and_never_gives_a_wrong_snapshot(tmp_path: Path) -> None:
    snapshots = a_run(2)
    path = recorded(tmp_path / "a.rec", snapshots, made.report(snapshots[-1]), key_every=3)
    sound = path.read_bytes()
    for position in range(0, len(sound), 7):
        broken = bytearray(sound)
        broken[position] ^= 0x41
        path.write_bytes(broken)
        try:
            tape = Tape(path)
        except ConfigurationError:
            continue
        assert list(tape) == snapshots[: len(tape)], position
        tape.close()


def test_what_a_newer_version_wrote_beside_is_left_out_and_what_an_older_one_lacked_is_the_default() -> None:
    snapshot = moment(2.0)
    fields = msgspec.msgpack.decode(msgspec.msgpack.encode(snapshot))
    fields["mood"] = {"of": "the run"}
    fields["memory"]["colour"] = "green"
    for name in ("bottleneck", "threads", "anomalies", "faults", "taps", "log", "diagnosis"):
        del fields[name]
    assert snapshot_of(msgspec.msgpack.encode(fields), Kind.KEY) == snapshot
    fields["records"] = "none"
    with pytest.raises(ConfigurationError, match="newer version"):
        snapshot_of(msgspec.msgpack.encode(fields), Kind.KEY)


def test_every_field_that_was_added_to_the_snapshot_has_a_default() -> None:
    needed = {field.name for field in dataclasses.fields(Snapshot) if field.default is dataclasses.MISSING}
    assert "bottleneck" not in needed
    assert len(needed) == 22, "a recording made before a field was there must still be readable"


def test_a_newer_schema_is_refused_by_name() -> None:
    header = {"schema": 99, "pipeline": "demo", "started_at": STARTED, "product": "9.1"}
    with pytest.raises(ConfigurationError, match=r"newer version.*9\.1.*schema 99"):
        header_of(Frame(Kind.HEADER, 0.0, msgspec.msgpack.encode(header)))


def test_an_hour_takes_a_few_megabytes() -> None:
    writer = SnapshotWriter()
    sizes = [len(writer.frame(snapshot).encode()) for snapshot in a_run(60)]
    assert sum(sizes) / 60 * 3600 < 8_000_000


def test_the_ring_is_bounded_and_begins_at_a_key_frame() -> None:
    ring = Ring(seconds=4.0)
    writer = SnapshotWriter(key_every=4)
    snapshots = a_run(20)
    for snapshot in snapshots:
        ring.append(writer.frame(snapshot))
    kept = ring.frames()
    assert kept[0].plain_kind == Kind.KEY
    assert 4.0 <= kept[-1].at_s - kept[0].at_s <= 5.0
    reader = SnapshotReader()
    assert [reader.snapshot(frame) for frame in kept] == snapshots[-len(kept) :]
    small = Ring(most_bytes=2000)
    for snapshot in snapshots:
        small.append(writer.frame(snapshot))
    assert sum(len(frame.payload) for frame in small.frames()) < 4000


def recorder(path: Path | None, states: list[Snapshot], told: list[str]) -> Recorder:
    return Recorder(
        SystemClock(), lambda: states[-1], told.append, pipeline="demo", seed=7, pid=42, path=path
    )


def test_a_full_disk_is_told_once_and_what_comes_after_it_is_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    states = [moment(0.0)]
    path = tmp_path / "a.rec"
    under_test = recorder(path, states, told)
    under_test.start(STARTED)
    under_test.stop()  # from here on, steps are made by hand
    real = os.pwrite

    def full(descriptor: int, data: bytes, offset: int) -> int:
        if len(data) > 4:
            return real(descriptor, data[:4], offset)
        raise OSError(28, "No space left on device")

    later = a_run(6)
    for number, state in enumerate(later[1:], 1):
        monkeypatch.setattr(os, "pwrite", full if 5 <= number < 9 else real)
        states.append(state)
        under_test.step()
    lacks = under_test.finish(made.report(later[-1]))
    assert under_test.missed == 4
    assert told == ["the recording cannot be written: No space left on device; the run goes on"]
    assert lacks is not None
    assert "lacks 4 frames: No space left on device" in lacks
    tape = Tape(path)
    assert tape.whole
    assert list(tape) == [states[0], *later[1:5], *later[9:]]


def test_a_disk_that_does_not_answer_keeps_the_run_from_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("run.recording.recorder.FINISH_S", 0.1)
    hangs = threading.Event()
    told: list[str] = []
    under_test = recorder(tmp_path / "a.rec", [moment(0.0)], told)
    real = os.pwrite

    def hang(descriptor: int, data: bytes, offset: int) -> int:
        hangs.wait(DEADLINE_S)
        return real(descriptor, data, offset)

    monkeypatch.setattr(os, "pwrite", hang)
    under_test.start(STARTED)
    try:
        lacks = under_test.finish(made.report())
    finally:
        hangs.set()
    assert lacks is not None
    assert "does not answer" in lacks


def test_a_file_that_is_no_recording_is_not_written_over(tmp_path: Path) -> None:
    orders = tmp_path / "orders.csv"
    orders.write_text("id,amount\n1,2\n")
    done = here("--headless", "--limit", "10", "--record", orders)
    assert done.code == 2
    assert "it is no recording; name another" in done.err
    assert orders.read_text() == "id,amount\n1,2\n"


def test_an_older_recording_is_replaced_but_not_one_that_is_being_written(tmp_path: Path) -> None:
    path = recorded(tmp_path / "a.rec", a_run(9))
    file = RecordingFile(path)
    with pytest.raises(ConfigurationError, match="another run is recording into it"):
        RecordingFile(path)
    file.close()
    assert here("--headless", "--limit", "10", "--record", path).code == 0
    assert Tape(path).report().snapshot.records.read == 10


@pytest.mark.parametrize(
    ("target", "told"),
    [("/dev/full", "no recording"), ("no/folder/a.rec", "no folder"), ("", "name a file"), (".", "a folder")],
)
def test_places_that_can_hold_no_recording(target: str, told: str) -> None:
    done = here("--headless", "--limit", "10", "--record", target)
    assert done.code == 2, done.told
    assert told in done.err


def test_two_options_do_not_write_one_file(tmp_path: Path) -> None:
    done = here("--headless", "--json", tmp_path / "a", "--record", tmp_path / "a")
    assert done.code == 2
    assert "--json writes this file already" in done.err


SLOW_PIPELINE = """
    import time
    from pathlib import Path
    from pipeline import Pipeline, count, values

    slow = Pipeline("slow", batch_size=1)
    slow.read(values(lambda: ((n, n) for n in range(100_000))))

    @slow.stage
    def wait(n):
        time.sleep(0.01)
        if n == 50:
            Path({ready!r}).touch()
        return n

    slow.write(count())
"""


def test_a_killed_run_leaves_a_recording_of_what_was(tmp_path: Path) -> None:
    ready, path = tmp_path / "ready", tmp_path / "a.rec"
    file = write(tmp_path / "slow.py", SLOW_PIPELINE.format(ready=str(ready)))
    with running("run", file, "--headless", "--record", path, ready=ready) as run:
        run.until_ready()
        run.send(signal.SIGKILL)
        assert run.done().code == -signal.SIGKILL
    again = call("replay", path, "--headless", "--json", "-")
    assert "the run was not ended in good order" in again.err
    assert again.code == 130
    report = parsed(again.out)
    assert report["status"] == "interrupted"
    assert 0 < report["records"]["read"] <= 100_000
    assert "breaks off" in json.dumps(report["reasons"])


def test_the_version_is_that_of_the_project() -> None:
    assert (project()["project"]["name"], project()["project"]["version"]) == (NAME, VERSION)
