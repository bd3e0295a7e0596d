"""A recording that is being written: appended to, never rewritten, and never a reason for a run to fail."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from metrics.reporter import check_target
from pipeline.errors import ConfigurationError
from run.recording.frames import MAGIC, Frame

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows, where two writers of one file are not noticed
    fcntl = None  # type: ignore[assignment]


class RecordingFile:
    """Frames go to the end of a file, whole or not at all. For one thread."""

    def __init__(self, path: Path, option: str = "--record") -> None:
        """Open the file; an older recording in it is replaced, anything else is left alone.

        Raises :class:`~pipeline.errors.ConfigurationError`.
        """
        check_target(path, option)
        self.path = path
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ConfigurationError(
                f"{option} {path}: it cannot be opened: {error.strerror or error}"
            ) from error
        try:
            self._claim(option)
            os.ftruncate(self._descriptor, 0)
            self._length = 0
            self._append(MAGIC)
        except OSError as error:
            self.close()
            raise ConfigurationError(
                f"{option} {path}: it cannot be written: {error.strerror or error}"
            ) from error
        except BaseException:
            self.close()
            raise

    def _claim(self, option: str) -> None:
        if fcntl is not None:
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ConfigurationError(
                    f"{option} {self.path}: another run is recording into it; name another file"
                ) from None
        begin = os.pread(self._descriptor, len(MAGIC), 0)
        if begin and begin != MAGIC[: len(begin)]:
            raise ConfigurationError(
                f"{option} {self.path}: there is a file of this name, and it is no recording; name another"
            )

    def append(self, frame: Frame) -> None:
        """Write a frame. Raises OSError; nothing of the frame is in the file then."""
        self._append(frame.encode())

    def _append(self, data: bytes) -> None:
        try:
            written = 0
            while written < len(data):
                written += os.pwrite(self._descriptor, data[written:], self._length + written)
        except OSError:
            # A torn frame would hide those that may still come.
            os.ftruncate(self._descriptor, self._length)
            raise
        self._length += len(data)

    def close(self) -> None:
        """Close the file; may be called twice."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            with contextlib.suppress(OSError):
                os.close(descriptor)
