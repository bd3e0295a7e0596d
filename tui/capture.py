"""Keeps what stages print off the screen, and hands it to the run, whose log it becomes.

Everything that would reach the terminal goes to an anonymous file instead: ``print``, logging
handlers that hold on to the old ``sys.stderr``, C libraries and child processes. A file, unlike
a pipe, never blocks a writer and never fails it when the reader is gone. The screen reads
the end of it on its own schedule.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import tempfile
from collections.abc import Iterator
from typing import Final

MOST_BYTES: Final = 64 * 1024
"""At most so much is read at once; of more, the last part."""
ROOM: Final = 4 * 1024 * 1024
"""The file is emptied when it is larger than this."""


class Terminal(io.TextIOWrapper):
    """The terminal to draw on. One that has gone away (a closed window) swallows what is written."""

    def write(self, text: str, /) -> int:
        with contextlib.suppress(OSError):
            return super().write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            super().flush()


class Capture:
    """The captured output: :meth:`descriptors` takes hold of the terminal, :meth:`attach` of ``print``."""

    def __init__(self) -> None:
        self._file = _anonymous_file()
        # It has a descriptor of its own: a logging handler may hold on to it for longer than the screen.
        self._stream = io.TextIOWrapper(
            os.fdopen(os.dup(self._file.fileno()), "wb"),
            encoding="utf-8",
            errors="backslashreplace",
            line_buffering=True,
        )
        self._position = 0
        self._partial = b""

    def attach(self) -> None:
        """Let ``print`` write here. Textual, whose own streams are there by now, puts the old ones back."""
        sys.stdout = sys.stderr = self._stream

    @contextlib.contextmanager
    def descriptors(self) -> Iterator[Terminal]:
        """Redirect those of stdout and stderr that are terminals; gives the terminal to draw on.

        stderr must be one.
        """
        standard = [stream for stream in (sys.__stdout__, sys.__stderr__) if stream is not None]
        for stream in standard:
            stream.flush()
        encoding = getattr(sys.__stderr__, "encoding", None) or "utf-8"
        terminal = Terminal(os.fdopen(os.dup(2), "wb"), encoding=encoding, errors="backslashreplace")
        saved = [(fd, os.dup(fd)) for fd in (1, 2) if os.isatty(fd)]
        try:
            for fd, _ in saved:
                os.dup2(self._file.fileno(), fd)
            yield terminal
        finally:
            for stream in standard:
                with contextlib.suppress(OSError, ValueError):
                    stream.flush()
            for fd, copy in saved:
                os.dup2(copy, fd)
                os.close(copy)
            with contextlib.suppress(OSError):
                terminal.close()

    def collect(self) -> list[str]:
        """Take the lines that were printed since the last call."""
        end = os.fstat(self._file.fileno()).st_size
        if end == self._position:
            return []
        taken = []
        start = max(self._position, end - MOST_BYTES)
        if start > self._position:
            self._partial = b""
            taken.append(f"(stages print too much: {start - self._position:,} bytes not shown)")
        lines = (self._partial + os.pread(self._file.fileno(), end - start, start)).split(b"\n")
        self._partial = lines.pop()[-MOST_BYTES:]
        self._position = end
        if end > ROOM:
            os.ftruncate(self._file.fileno(), 0)
            self._position = 0
        texts = (line.decode("utf-8", "backslashreplace").rstrip() for line in lines)
        return taken + [text for text in texts if text]


def _anonymous_file() -> io.FileIO:
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            return _appending(io.FileIO(os.memfd_create("screen"), "r+"))
    with tempfile.TemporaryFile(buffering=0) as file:
        return _appending(io.FileIO(os.dup(file.fileno()), "r+"))


def _appending(file: io.FileIO) -> io.FileIO:
    # Writers through other descriptors must go on at the end after the file was emptied.
    if sys.platform != "win32":
        import fcntl

        flags = fcntl.fcntl(file.fileno(), fcntl.F_GETFL)
        fcntl.fcntl(file.fileno(), fcntl.F_SETFL, flags | os.O_APPEND)
    return file
