"""Records a run: its last minutes in memory, and the whole of it in a file where one was named."""

from __future__ import annotations

import platform
import threading
from collections import deque
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from metrics.format import plural
from metrics.report import RunReport
from metrics.snapshot import Snapshot
from pipeline.clock import Clock
from pipeline.errors import ConfigurationError
from pipeline.threads import spawn
from run.product import VERSION
from run.recording.file import RecordingFile
from run.recording.frames import SCHEMA, Frame, Header, Kind, SnapshotWriter, ending_frame, header_frame

EVERY_S = 0.2
RING_S = 300.0
"""How much of a run is always kept in memory."""
RING_BYTES = 8 * 1024 * 1024
FINISH_S = 5.0
"""How long the last frames may take to be written."""


class Ring:
    """The last frames, back to a key frame; bounded in time and in bytes. Safe to read from any thread."""

    def __init__(self, seconds: float = RING_S, most_bytes: int = RING_BYTES) -> None:
        self._seconds = seconds
        self._most_bytes = most_bytes
        self._groups: deque[list[Frame]] = deque()
        self._bytes = 0
        self._lock = threading.Lock()

    def append(self, frame: Frame) -> None:
        """Keep a frame; old ones go, a key frame and those that need it together."""
        with self._lock:
            if frame.plain_kind == Kind.KEY:
                self._groups.append([])
            self._groups[-1].append(frame)
            self._bytes += len(frame.payload)
            while len(self._groups) > 1 and (
                self._bytes > self._most_bytes or frame.at_s - self._groups[1][0].at_s > self._seconds
            ):
                self._bytes -= sum(len(each.payload) for each in self._groups.popleft())

    def frames(self) -> tuple[Frame, ...]:
        """What is kept, oldest first; it begins with a key frame."""
        with self._lock:
            return tuple(frame for group in self._groups for frame in group)


class Recorder:
    """Takes snapshots of a run five times a second, in a thread of its own; a disk that is full or slow
    costs snapshots, never the run."""

    def __init__(
        self,
        clock: Clock,
        newest: Callable[[], Snapshot],
        tell: Callable[[str], None],
        *,
        pipeline: str,
        seed: int | None,
        pid: int,
        path: Path | None = None,
    ) -> None:
        """``tell`` hears, once, that the file cannot be written.

        Raises :class:`~pipeline.errors.ConfigurationError` where ``path`` can be no recording.
        """
        self._clock = clock
        self._newest = newest
        self._tell = tell
        self._pipeline, self._seed, self._pid = pipeline, seed, pid
        self._file = RecordingFile(path) if path is not None else None
        self._writer = SnapshotWriter()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._last: Snapshot | None = None
        self._started_at = clock.wall()
        self._header_due = True
        self.ring = Ring()
        self.path = path
        self.missed = 0
        """Frames that are not in the file."""
        self.problem: str | None = None
        """Why, as first met."""

    def start(self, started_at: datetime) -> None:
        """Begin; returns at once."""
        self._started_at = started_at
        self._thread = spawn("recorder", self._run)

    def header(self) -> Frame:
        """The frame that says what is recorded."""
        return header_frame(
            Header(
                schema=SCHEMA,
                pipeline=self._pipeline,
                started_at=self._started_at,
                seed=self._seed,
                product=VERSION,
                python=platform.python_version(),
                pid=self._pid,
            )
        )

    def step(self) -> None:
        """Take the newest snapshot, if it is new. Never raises."""
        snapshot = self._newest()
        if snapshot is self._last:
            return
        self._last = snapshot
        try:
            frame = self._writer.frame(snapshot)
            self.ring.append(frame)
            self._store(frame)
        except Exception as error:  # noqa: BLE001 - the run is not to suffer from being recorded
            self._missed(error)

    def stop(self) -> None:
        """Take no more snapshots; a thread that a disk holds up is left behind."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(FINISH_S)

    def finish(self, report: RunReport) -> str | None:
        """Write the run's last word and its report, and close. What is missing in the file, in words, or
        None."""
        self.stop()
        if self._thread is None or self._file is None:
            return None
        if not self._thread.is_alive():
            self._thread = spawn("end of recording", lambda: self._end(report))
            self._thread.join(FINISH_S)
        if self._thread.is_alive():
            return f"The recording {self.path} may lack its end: the disk does not answer."
        if self.missed:
            lacks = plural(self.missed, "frame")
            return f"The recording {self.path} lacks {lacks}: {self.problem}."
        return None

    def save(self, path: Path) -> None:
        """Write what the ring holds to another file.

        Raises :class:`~pipeline.errors.ConfigurationError`.
        """
        file = RecordingFile(path, "recording")
        try:
            for frame in (self.header(), *self.ring.frames()):
                file.append(frame)
        except OSError as error:
            raise ConfigurationError(f"{path}: cannot be written: {error.strerror or error}") from error
        finally:
            file.close()

    def _run(self) -> None:
        due = self._clock.monotonic()
        self.step()
        while not self._stop.is_set():
            now = self._clock.monotonic()
            due += EVERY_S * (1 + max(0, int((now - due) / EVERY_S)))
            if not self._clock.sleep(self._stop, max(0.0, due - now)):
                self.step()

    def _end(self, report: RunReport) -> None:
        self.step()
        try:
            self._store(ending_frame(report))
        except Exception as error:  # noqa: BLE001 - as above
            self._missed(error)
        if self._file is not None:
            self._file.close()

    def _store(self, frame: Frame) -> None:
        """Append to the file; after a gap only a key frame can be read again."""
        if self._file is None:
            return
        if self._header_due:
            self._file.append(self.header())
            self._header_due = False
        self._file.append(frame)

    def _missed(self, error: Exception) -> None:
        self.missed += 1
        self._writer.restart()
        if self.problem is None:
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            self.problem = reason
            self._tell(f"the recording cannot be written: {reason}; the run goes on")
