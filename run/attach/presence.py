"""What can be seen of a run from elsewhere: its entry for ``ps``, and its socket for ``attach``."""

from __future__ import annotations

import contextlib
import os
import threading

from metrics.report import RunReport
from pipeline.clock import Clock
from pipeline.errors import ConfigurationError
from pipeline.threads import spawn
from run.attach.runs import Entry, EntryFile
from run.attach.server import Server
from run.recording.frames import Frame, ending_frame
from run.session import Session

ENTRY_EVERY_S = 1.0
CLIENT_EVERY_S = 0.2
QUIET_EVERY_S = 0.5
FAREWELL_S = 2.0
"""How long attached screens may take over the run's last word."""


class Presence:
    """Keeps the entry up to date and serves the socket, in a thread of its own."""

    def __init__(self, session: Session, *, listen: bool, read_only: bool) -> None:
        """Raises :class:`~pipeline.errors.ConfigurationError` where it cannot listen as it is to."""
        self._session = session
        self._clock: Clock = session.clock
        self._read_only = read_only
        self._file = _entry_file(needed=listen)
        self._server: Server | None = None
        self._stop = threading.Event()
        self._report: RunReport | None = None
        self._thread: threading.Thread | None = None
        if self._file is not None and listen:
            try:
                self._server = Server(
                    session, self._header, self._file.socket, self._clock, read_only=read_only
                )
            except BaseException:
                self._file.remove()
                raise

    @property
    def run(self) -> Session:
        """The run that is seen."""
        return self._session

    @property
    def socket(self) -> str | None:
        """Where screens attach."""
        return str(self._file.socket) if self._file is not None and self._server is not None else None

    def start(self) -> None:
        """Begin; returns at once."""
        if self._file is not None:
            self._thread = spawn("presence", self._run)

    def end(self, report: RunReport | None) -> None:
        """Tell those who are attached that the run is over, and take everything away."""
        self._report = report
        self._stop.set()
        if self._thread is not None:
            self._thread.join(FAREWELL_S + 1)
        elif self._server is not None:
            self._server.close()
        if self._file is not None:
            self._file.remove()

    def _run(self) -> None:
        due = self._clock.monotonic()
        while not self._stop.is_set():
            now = self._clock.monotonic()
            if now >= due:
                due = now + ENTRY_EVERY_S
                self._write()
            self._wait()
        if self._server is not None:
            with contextlib.suppress(Exception):
                if self._report is None:
                    self._server.close()
                else:
                    self._server.end(ending_frame(self._report), self._clock.monotonic() + FAREWELL_S)

    def _wait(self) -> None:
        if self._server is None:
            self._clock.sleep(self._stop, QUIET_EVERY_S)
            return
        try:
            self._server.step(CLIENT_EVERY_S if self._server.clients else QUIET_EVERY_S)
        except Exception:  # noqa: BLE001 - the run goes on whatever becomes of those who watch it
            self._clock.sleep(self._stop, QUIET_EVERY_S)

    def _write(self) -> None:
        if self._file is None:
            return
        snapshot = self._session.latest
        entry = Entry(
            pid=os.getpid(),
            pipeline=snapshot.pipeline,
            status=snapshot.status,
            phase=snapshot.phase,
            records=snapshot.records.read,
            started_at=self._session.started_at,
            elapsed_s=snapshot.elapsed_s,
            socket=self.socket,
            read_only=self._read_only,
        )
        with contextlib.suppress(OSError):
            self._file.write(entry)

    def _header(self) -> Frame:
        return self._session.recorder.header()


def _entry_file(*, needed: bool) -> EntryFile | None:
    try:
        return EntryFile()
    except (ConfigurationError, OSError) as error:
        if needed:
            raise ConfigurationError(f"--listen: {error}") from error
        # A run that `ps` does not list is still a run.
        return None
