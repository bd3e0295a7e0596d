"""Runs seen from other terminals: attached to, steered, lost and found again, listed."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect
import pytest

from metrics.snapshot import LogLine, Snapshot
from pipeline.clock import SystemClock
from pipeline.engine import Options
from pipeline.errors import ConfigurationError
from pipeline.threads import spawn
from run import demo
from run.attach import client as attach_client
from run.attach import protocol as attach_protocol
from run.attach import runs, runtime_folder
from run.attach import server as attach_server
from run.attach.client import AttachedRun
from run.attach.command import chosen
from run.attach.presence import Presence
from run.attach.protocol import FrameBuffer
from run.attach.server import Server
from run.live import FaultChoice, LetterLine, LiveRun, Power
from run.recording.frames import SCHEMA, Frame, Header, Kind, SnapshotReader, ending_frame, header_frame
from run.session import Session
from tests.metrics import made
from tests.run.command import DEADLINE_S, DOOR, call, here, running, write
from tests.run.snapshots import STARTED, a_run, moment, recorded
from tests.run.test_recording import SLOW_PIPELINE


@pytest.fixture(autouse=True)
def runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A runtime folder of its own; its name is short, because sockets have short ones."""
    folder = Path(tempfile.mkdtemp(prefix="dpm"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    yield folder
    shutil.rmtree(folder)


def until(condition: Callable[[], object], what: str) -> None:
    end = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.01)


class Ready(LiveRun):
    """A run that does what it is told, and notes it."""

    def __init__(self) -> None:
        self.state = moment(1.0)
        self.asked: list[tuple[object, ...]] = []
        self.over = False

    @property
    def snapshot(self) -> Snapshot:
        return self.state

    @property
    def finished(self) -> bool:
        return self.over

    @property
    def powers(self) -> frozenset[Power]:
        return frozenset({"inject", "letters"})

    def pause(self) -> None:
        self.asked.append(("pause",))

    def resume(self) -> None:
        self.asked.append(("resume",))

    def step_record(self) -> None:
        self.asked.append(("step_record",))

    def step_batch(self) -> None:
        self.asked.append(("step_batch",))

    def set_rate(self, records_per_s: float | None) -> None:
        self.asked.append(("set_rate", records_per_s))

    def drain(self) -> None:
        self.asked.append(("drain",))

    def abort(self) -> None:
        raise RuntimeError("out of order")

    def faults(self) -> list[FaultChoice]:
        return [FaultChoice("leak.dict", "keeps records", "memory grows", (("rate", "1"),), ("check",))]

    def inject(self, fault: str) -> None:
        self.asked.append(("inject", fault))

    def letters(self, match: str, first: int, count: int) -> list[LetterLine]:
        return [LetterLine(f"{match}:{first}", "check", "why", count)]

    def letter(self, id: str) -> str:
        return f"all of {id}"


class Served:
    """A server in a thread of its own."""

    def __init__(self, run: LiveRun, path: Path, *, read_only: bool = False) -> None:
        header = header_frame(Header(SCHEMA, "demo", STARTED))
        self.server = Server(run, lambda: header, path, SystemClock(), read_only=read_only)
        self._stop = threading.Event()
        self._thread = spawn("server", self._run)

    def _run(self) -> None:
        while not self._stop.is_set():
            self.server.step(0.01)

    def stop(self, last: Frame | None = None) -> None:
        self._stop.set()
        self._thread.join(DEADLINE_S)
        if last is not None:
            self.server.end(last, time.perf_counter() + DEADLINE_S)
        else:
            self.server.close()


@pytest.fixture
def ready() -> Ready:
    return Ready()


@pytest.fixture
def path(runtime: Path) -> Path:
    return runtime / "a.sock"


@pytest.fixture
def served(ready: Ready, path: Path) -> Iterator[Served]:
    under_test = Served(ready, path)
    yield under_test
    under_test.stop()


def test_every_method_of_a_run_can_be_called_from_elsewhere_or_is_none_of_its_business() -> None:
    assert set(attach_protocol.METHODS) | attach_protocol.LOCAL == attach_protocol.methods_of_live_runs()
    for name in attach_protocol.METHODS:
        assert name in vars(AttachedRun), name


def test_what_is_asked_reaches_the_run_and_what_it_gives_comes_back(
    ready: Ready, path: Path, served: Served
) -> None:
    attached = AttachedRun(path, SystemClock())
    assert attached.snapshot == ready.state
    assert attached.powers == {"inject", "letters"}
    assert not attached.owned
    attached.pause()
    attached.resume()
    attached.step_record()
    attached.step_batch()
    attached.set_rate(12.5)
    attached.set_rate(None)
    attached.inject("leak.dict@check,rate=0.5")
    attached.drain()
    assert ready.asked == [
        ("pause",), ("resume",), ("step_record",), ("step_batch",), ("set_rate", 12.5), ("set_rate", None),
        ("inject", "leak.dict@check,rate=0.5"), ("drain",),
    ]  # fmt: skip
    assert attached.faults() == ready.faults()
    assert attached.letters("a\udcff", 3, 20) == [LetterLine("a\udcff:3", "check", "why", 20)]
    assert attached.letter("x:1") == "all of x:1"
    with pytest.raises(ConfigurationError, match="cannot do that"):
        attached.take_census()
    with pytest.raises(ConfigurationError, match="RuntimeError: out of order"):
        attached.abort()
    ready.state = moment(2.0)
    until(lambda: attached.snapshot.elapsed_s == 2.0, "the newest snapshot did not come")
    attached.close()
    until(lambda: served.server.clients == 0, "the client was not let go")
    with pytest.raises(ConfigurationError):
        attached.pause()


def test_a_read_only_run_refuses_whatever_the_screen_asks(ready: Ready, path: Path) -> None:
    served = Served(ready, path, read_only=True)
    attached = AttachedRun(path, SystemClock())
    assert attached.read_only
    for change in (attached.pause, attached.drain, attached.abort, lambda: attached.inject("x")):
        with pytest.raises(ConfigurationError, match="read-only"):
            change()
    assert attached.letter("x:1") == "all of x:1"
    assert not ready.asked
    attached.close()
    served.stop()


def test_a_lost_connection_is_told_and_found_again(
    ready: Ready, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attach_client, "AGAIN_S", 0.3)
    served = Served(ready, path)
    attached = AttachedRun(path, SystemClock())
    served.stop()
    until(lambda: "connection lost" in attached.connection, "the loss is not told")
    with pytest.raises(ConfigurationError, match="connection lost"):
        attached.pause()
    path.unlink()
    ready.state = moment(3.0)
    served = Served(ready, path)
    until(lambda: attached.connection == "", "the run was not found again")
    assert attached.snapshot.elapsed_s == 3.0
    attached.pause()
    assert ready.asked == [("pause",)]
    attached.close()
    served.stop()


def test_the_last_word_is_the_runs_own_report(ready: Ready, path: Path) -> None:
    served = Served(ready, path)
    attached = AttachedRun(path, SystemClock())
    report = made.report(exit_code=4)
    served.stop(ending_frame(report))
    until(lambda: attached.report is not None, "the end was not told")
    assert attached.report == report
    assert attached.finished
    assert attached.snapshot == report.snapshot
    assert attached.connection == ""
    attached.close()


@pytest.mark.usefixtures("served")
def test_a_client_that_does_not_read_is_given_the_newest_and_holds_nobody_up(
    ready: Ready, path: Path
) -> None:
    def big(number: int) -> Snapshot:
        lines = tuple(LogLine(0.0, "info", "", os.urandom(400).hex()) for _ in range(200))
        return dataclasses.replace(moment(float(number)), log=lines)

    ready.state = big(0)
    slow = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    slow.connect(str(path))
    attached = AttachedRun(path, SystemClock())
    for number in range(1, 31):
        ready.state = big(number)
        until(lambda at=float(number): attached.snapshot.elapsed_s == at, "the other one held it up")  # type: ignore[misc]
    slow.settimeout(DEADLINE_S)
    buffer, reader, got = FrameBuffer(magic=True), SnapshotReader(), [-1.0]
    while got[-1] < 30:
        frames = buffer.feed(slow.recv(1 << 16))
        shown = [frame for frame in frames if frame.plain_kind in (Kind.KEY, Kind.NEXT)]
        got.extend(reader.snapshot(frame).elapsed_s for frame in shown)
    assert len(got) < 31, "what it missed was kept for it"
    slow.close()
    attached.close()


@pytest.mark.usefixtures("served")
def test_garbage_and_strangers_are_let_go_and_the_others_stay(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attached = AttachedRun(path, SystemClock())
    for garbage in (b"GET / HTTP/1.1\r\n\r\n" * 9, bytes(64), b"\xff" * 64):
        stranger = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        stranger.settimeout(DEADLINE_S)
        stranger.connect(str(path))
        stranger.sendall(garbage)
        with contextlib.suppress(ConnectionError):
            while stranger.recv(1 << 16):
                pass
        stranger.close()
    attached.pause()
    user = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: user + 1)
    with pytest.raises(ConfigurationError, match="hung up"):
        AttachedRun(path, SystemClock())
    monkeypatch.undo()
    attached.close()


def test_what_answers_may_be_no_run(path: Path) -> None:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    listener.listen()

    def answer() -> None:
        connection, _ = listener.accept()
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 4)
        connection.close()

    spawn("other", answer)
    with pytest.raises(ConfigurationError, match="no run of this monitor"):
        AttachedRun(path, SystemClock())
    listener.close()


@pytest.mark.usefixtures("served")
def test_there_is_room_for_so_many(path: Path) -> None:
    several = [AttachedRun(path, SystemClock()) for _ in range(attach_server.MOST_CLIENTS)]
    with pytest.raises(ConfigurationError):
        AttachedRun(path, SystemClock())
    for each in several:
        each.close()


def test_a_real_run_is_steered_watched_to_its_end_and_listed() -> None:
    session = Session(demo.demo(400), Options(rate=200.0))
    presence = Presence(session, listen=True, read_only=False)
    presence.start()
    session.start()
    socket_path = Path(str(presence.socket))
    assert socket_path.stat().st_mode & 0o777 == 0o600
    assert socket_path.parent.stat().st_mode & 0o777 == 0o700
    first, second = AttachedRun(socket_path, SystemClock()), AttachedRun(socket_path, SystemClock())
    first.pause()
    until(lambda: second.snapshot.phase == "paused", "the pause does not show")
    until(lambda: [entry.phase for entry in runs.entries()] == ["paused"], "the entry does not follow")
    (entry,) = runs.entries()
    assert (entry.pid, entry.pipeline, entry.socket) == (os.getpid(), "demo", str(socket_path))
    first.close()
    second.set_rate(None)
    second.resume()
    assert session.wait(DEADLINE_S)
    report = session.report()
    presence.end(report)
    until(lambda: second.report is not None, "the end was not told")
    assert second.report == report
    assert report.snapshot.records.delivered == 400
    second.close()
    assert runs.entries() == []
    assert list(runtime_folder.path().iterdir()) == []


def test_a_killed_run_is_told_as_gone_and_its_entry_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "_NEW_S", 0.0)
    file = write(tmp_path / "slow.py", SLOW_PIPELINE.format(ready=str(tmp_path / "ready")))
    with running("run", file, "--headless", "--listen", ready=tmp_path / "ready") as run:
        run.until_ready()
        listed = call("ps", "--json")
        (entry,) = json.loads(listed.out)["runs"]
        assert entry["pipeline"] == "slow"
        assert "slow" in call("ps").out
        attached = AttachedRun(Path(entry["socket"]), SystemClock())
        run.send(signal.SIGKILL)
        run.done()
        until(lambda: attached.finished, "the death was not noticed")
        assert "process is gone" in attached.connection
        assert attached.gone
        assert attached.snapshot.status == "interrupted"
        assert "its process is gone" in attached.snapshot.reasons
        attached.close()
    assert list(runtime_folder.path().iterdir())
    assert runs.entries() == []
    assert list(runtime_folder.path().iterdir()) == []
    assert here("ps").out == "No run on this machine.\n"


def test_a_run_is_chosen_by_number_or_name() -> None:
    def entry(pid: int, name: str, path: str | None = "x.sock") -> runs.Entry:
        return runs.Entry(pid, name, "healthy", "running", 0, STARTED, 0.0, path)

    one, other, deaf = entry(1, "a"), entry(2, "b"), entry(3, "c", None)
    assert chosen(None, [one, deaf], "monitor.py") is one
    assert chosen("2", [one, other], "monitor.py") is other
    assert chosen("a", [one, other, deaf], "monitor.py") is one
    for name, found, told in (
        (None, [], "no run is on this machine"),
        (None, [one, other], r"several runs listen: 1 \(a\), 2 \(b\)"),
        ("d", [one], "no run is called 'd'"),
        ("c", [one, deaf], "does not listen"),
    ):
        with pytest.raises(ConfigurationError, match=told):
            chosen(name, found, "monitor.py")


def test_without_a_terminal_there_is_nothing_to_attach() -> None:
    session = Session(demo.demo(10), Options())
    presence = Presence(session, listen=True, read_only=False)
    presence.start()
    until(runs.entries, "there is no entry")
    done = here("attach")
    assert done.code == 2
    assert "attach needs a terminal" in done.err
    presence.end(None)


def test_the_screen_of_a_run_elsewhere_is_left_and_the_run_goes_on(tmp_path: Path) -> None:
    file = write(tmp_path / "slow.py", SLOW_PIPELINE.format(ready=str(tmp_path / "ready")))
    with running("run", file, "--headless", "--listen", ready=tmp_path / "ready") as run:
        run.until_ready()
        screen = on_terminal("attach", "slow")
        screen.expect("STAGES")
        screen.sendcontrol("c")  # which would drain a run of its own
        screen.expect("The run goes on: monitor.py attach")
        screen.expect(pexpect.EOF)
        screen.close()
        assert screen.exitstatus == 0
        (entry,) = runs.entries()
        assert entry.phase == "running"


def on_terminal(*words: str | Path) -> pexpect.spawn[str]:
    """A command on a terminal of its own."""
    return pexpect.spawn(
        sys.executable,
        [str(DOOR), *map(str, words)],
        env={**os.environ, "TERM": "xterm-256color"},
        encoding="utf-8",
        timeout=DEADLINE_S,
        dimensions=(30, 110),
    )


def test_a_recording_is_shown_on_a_terminal(tmp_path: Path) -> None:
    screen = on_terminal("replay", recorded(tmp_path / "a.rec", a_run(9)))
    screen.expect("RECORDING")
    screen.send("}")
    screen.expect("p95 of transform")
    screen.send("q")
    screen.expect(pexpect.EOF)
    screen.close()
    assert screen.exitstatus == 0


@pytest.mark.parametrize("spoil", ["mode", "link", "file"])
def test_a_folder_that_others_can_reach_into_is_not_used(runtime: Path, tmp_path: Path, spoil: str) -> None:
    folder = runtime / "pipeline-monitor"
    if spoil == "mode":
        folder.mkdir()
        folder.chmod(0o755)
    elif spoil == "link":
        folder.symlink_to(tmp_path)
    else:
        folder.touch()
    refused = here("--headless", "--limit", "10", "--listen")
    assert refused.code == 2
    assert "--listen: " in refused.err
    assert str(folder) in refused.err
    assert here("--headless", "--limit", "10").code == 0


def test_a_path_that_is_too_long_for_a_socket_is_told(runtime: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = runtime / ("x" * 90)
    deep.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(deep))
    done = here("--headless", "--limit", "10", "--listen")
    assert done.code == 2
    assert "too long" in done.err
