"""A run in another process as a front end sees it: followed over its socket, also when that breaks off."""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from metrics.format import seconds
from metrics.report import RunReport
from metrics.snapshot import Snapshot
from metrics.verdict import judge
from pipeline.clock import Clock
from pipeline.errors import ConfigurationError
from pipeline.threads import spawn
from run.attach.protocol import METHODS, Answer, Call, FrameBuffer, Message, State, packed, plain, raw
from run.live import FaultChoice, LetterLine, LiveRun, Power
from run.recording.frames import Frame, Header, Kind, SnapshotReader, header_of, report_of, unescaped

CONNECT_S = 5.0
"""How long the first snapshot may take."""
ANSWER_S = 2.0
AGAIN_S = 0.5
"""Between two attempts to connect again."""
SILENT_S = 6.0
"""A run that says nothing for so long, not even that its time goes on, has hung up or hangs."""


class AttachedRun(LiveRun):
    """Follows a run. The newest snapshot is there at once; a method waits for the run's answer, for
    :data:`ANSWER_S` seconds at most."""

    def __init__(self, path: Path, clock: Clock, *, read_only: bool = False) -> None:
        """With ``read_only`` nothing is asked of the run that would change it.

        Raises :class:`~pipeline.errors.ConfigurationError` where there is no run to attach to."""
        self._path = path
        self._read_only = read_only
        self._clock = clock
        self._stop = threading.Event()
        self._first = threading.Event()
        self._sending = threading.Lock()
        self._calls: dict[int, queue.SimpleQueue[Answer | None]] = {}
        self._number = 0
        self._state = State(frozenset(), read_only=False, finished=False)
        self._snapshot: Snapshot | None = None
        self._lost_at: float | None = None
        self._problem = ""
        self._gone = False
        self.header: Header | None = None
        self.report: RunReport | None = None
        """What the run said at its end."""
        try:
            self._socket: socket.socket | None = _connected(path)
        except OSError as error:
            raise ConfigurationError(
                f"{path}: no run answers: {error.strerror or error}; `ps` lists those that do"
            ) from error
        self._thread = spawn("attached", self._follow)
        if not self._first.wait(CONNECT_S) or self._snapshot is None:
            self.close()
            raise ConfigurationError(f"{path}: {self._problem or 'the run does not answer'}")

    @property
    def snapshot(self) -> Snapshot:
        assert self._snapshot is not None
        return self._snapshot

    @property
    def finished(self) -> bool:
        return self._state.finished or self._gone

    @property
    def powers(self) -> frozenset[Power]:
        return self._state.powers

    @property
    def read_only(self) -> bool:
        """Whether the run is not to be changed from here."""
        return self._read_only or self._state.read_only

    @property
    def gone(self) -> bool:
        """Whether its process has died without a word."""
        return self._gone

    @property
    def owned(self) -> bool:
        return False

    @property
    def connection(self) -> str:
        if self.report is not None or self._lost_at is None or self._stop.is_set():
            return ""
        if self._gone:
            return "the run's process is gone; this is the last that it said"
        since = seconds(self._clock.monotonic() - self._lost_at)
        return f"connection lost {since} ago ({self._problem}); trying again"

    def close(self) -> None:
        """Let go of the run, which goes on."""
        self._stop.set()
        self._hang_up()
        self._thread.join(ANSWER_S)

    def pause(self) -> None:
        self._call("pause")

    def resume(self) -> None:
        self._call("resume")

    def step_record(self) -> None:
        self._call("step_record")

    def step_batch(self) -> None:
        self._call("step_batch")

    def set_rate(self, records_per_s: float | None) -> None:
        self._call("set_rate", records_per_s)

    def drain(self) -> None:
        self._call("drain")

    def abort(self) -> None:
        self._call("abort")

    def faults(self) -> Sequence[FaultChoice]:
        given: Sequence[FaultChoice] = self._call("faults")
        return given

    def inject(self, fault: str) -> None:
        self._call("inject", fault)

    def lift_faults(self) -> None:
        self._call("lift_faults")

    def take_census(self) -> None:
        self._call("take_census")

    def diagnose(self) -> None:
        self._call("diagnose")

    def tap(self, on: bool) -> None:
        self._call("tap", on)

    def follow(self, id: str | None) -> None:
        self._call("follow", id)

    def letters(self, match: str, first: int, count: int) -> Sequence[LetterLine]:
        given: Sequence[LetterLine] = self._call("letters", match, first, count)
        return given

    def letter(self, id: str) -> str:
        given: str = self._call("letter", id)
        return given

    def save_recording(self, path: str) -> None:
        # The run may have been started in another folder.
        self._call("save_recording", str(Path(path).absolute()))

    def _call(self, method: str, *arguments: object) -> Any:
        """Raises :class:`~pipeline.errors.ConfigurationError` with what the run says against it."""
        if self._read_only and METHODS[method].changes:
            raise ConfigurationError("read-only: this screen watches the run and cannot change it")
        answers: queue.SimpleQueue[Answer | None] = queue.SimpleQueue()
        with self._sending:
            if self._socket is None:
                raise ConfigurationError(self.connection or "the run is over")
            self._number += 1
            number = self._number
            self._calls[number] = answers
            try:
                call = Call(number, method, tuple(raw(each) for each in arguments))
                self._socket.sendall(packed(Message.CALL, call))
            except OSError as error:
                self._calls.pop(number, None)
                raise ConfigurationError("the connection to the run is lost") from error
        try:
            answer = answers.get(timeout=ANSWER_S)
        except queue.Empty:
            raise ConfigurationError(f"the run did not answer within {ANSWER_S:g} s") from None
        finally:
            self._calls.pop(number, None)
        if answer is None:
            raise ConfigurationError(
                "the connection to the run is lost; it may have got what was asked, or not"
            )
        if answer.error is not None:
            raise ConfigurationError(unescaped(answer.error))
        return plain(answer.result, METHODS[method].result)

    # The thread that listens

    def _follow(self) -> None:
        while not self._stop.is_set():
            connection = self._socket
            if connection is not None:
                self._problem = self._listen(connection)
                self._hang_up()
            if self.report is not None or (self._state.finished and not self._path.exists()):
                break
            if self._lost_at is None:
                self._lost_at = self._clock.monotonic()
            if self._snapshot is None:
                break
            if self._clock.sleep(self._stop, AGAIN_S):
                break
            self._connect_again()
            if self._gone:
                break
        self._first.set()

    def _connect_again(self) -> None:
        try:
            connection = _connected(self._path)
        except (FileNotFoundError, ConnectionRefusedError):
            # The file goes with a run that ends in good order; nobody listens at that of a dead one.
            if self._snapshot is not None:
                self._snapshot = _broken_off(self._snapshot)
            self._gone = True
            return
        except OSError as error:
            self._problem = error.strerror or str(error)
            return
        with self._sending:
            self._socket = connection

    def _listen(self, connection: socket.socket) -> str:
        """Take what comes until the connection breaks off; says why it did."""
        buffer, reader = FrameBuffer(magic=True), SnapshotReader()
        try:
            while not self._stop.is_set():
                data = connection.recv(1 << 16)
                if not data:
                    return "the run has hung up"
                for frame in buffer.feed(data):
                    self._take(frame, reader)
        except TimeoutError:
            return f"the run says nothing for {SILENT_S:g} s"
        except (ConfigurationError, msgspec.DecodeError) as error:
            return str(error)
        except OSError as error:
            return error.strerror or str(error)
        return ""

    def _take(self, frame: Frame, reader: SnapshotReader) -> None:
        kind = frame.plain_kind
        if kind in (Kind.KEY, Kind.NEXT):
            self._snapshot = reader.snapshot(frame)
            self._lost_at = None
            self._first.set()
        elif kind == Kind.HEADER:
            self.header = header_of(frame)
        elif kind == Kind.ENDING:
            self.report = report_of(frame)
            self._snapshot = self.report.snapshot
            self._state = msgspec.structs.replace(self._state, finished=True)
        elif kind == Message.STATE:
            self._state = msgspec.msgpack.decode(frame.payload, type=State)
        elif kind == Message.ANSWER:
            answer = msgspec.msgpack.decode(frame.payload, type=Answer)
            waiting = self._calls.get(answer.number)
            if waiting is not None:
                waiting.put(answer)

    def _hang_up(self) -> None:
        connection = self._socket
        if connection is not None:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        with self._sending:
            if self._socket is not None:
                self._socket.close()
                self._socket = None
        for waiting in tuple(self._calls.values()):
            waiting.put(None)


def _broken_off(snapshot: Snapshot) -> Snapshot:
    """The last state of a run that died without a word."""
    last = judge(replace(snapshot, phase="ended"), interrupted=True)
    return replace(last, reasons=(*last.reasons, "its process is gone"))


def _connected(path: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(SILENT_S)
        connection.connect(str(path))
    except OSError:
        connection.close()
        raise
    return connection
