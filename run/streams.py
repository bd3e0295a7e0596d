"""The standard streams of the process: stdout carries data alone, whatever a pipeline prints."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

_C_LOCALES = ("C", "POSIX")


class DataStream:
    """Where the summary or the report goes: what stdout was when the process began."""

    def __init__(self, stream: TextIO | None, descriptor: int | None = None) -> None:
        self._stream = stream
        self._descriptor = descriptor

    @property
    def closed(self) -> bool:
        """Whether there is nobody to write to, as after ``>&-``."""
        return self._stream is None

    @property
    def speaks_utf8(self) -> bool:
        """Whether it can show more than ASCII."""
        return speaks_utf8(self._stream)

    def write(self, text: str) -> None:
        """Write text to its end and a newline, as UTF-8 or, where that is not spoken, with escapes.

        Nothing is kept back in a buffer. Raises OSError where the other side does not take it.
        """
        text = text if text.endswith("\n") else f"{text}\n"
        if self._stream is None:
            return
        if self._descriptor is None:
            self._stream.write(text)
            self._stream.flush()
            return
        # What is not ASCII is JSON, which is UTF-8 everywhere, or was asked for by `speaks_utf8`.
        left = memoryview(text.encode("utf-8", "backslashreplace"))
        while left:
            left = left[os.write(self._descriptor, left) :]


def speaks_utf8(stream: TextIO | None) -> bool:
    """Whether a stream can show more than ASCII."""
    # Python turns to UTF-8 by itself in the C locale; who sets LC_ALL=C has asked for ASCII.
    if os.environ.get("LC_ALL") in _C_LOCALES and not os.environ.get("PYTHONIOENCODING"):
        return False
    encoding: str = getattr(stream, "encoding", None) or "ascii"
    return encoding.lower().replace("-", "").replace("_", "") == "utf8"


def open_the_closed() -> None:
    """Put the null device in the place of standard streams that the process was started without.

    Otherwise the next file that is opened, such as the sink's, becomes the stdout or stderr of
    every library that writes there.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)
            os.set_inheritable(opened, True)


@contextlib.contextmanager
def reserved_stdout(*, for_good: bool = False) -> Iterator[DataStream]:
    """Keep stdout for data: what stages, libraries and child processes print goes to stderr.

    With ``for_good``, stdout is not given back, so that what is printed while the process
    ends does not follow the report either.
    """
    given: TextIO | None = sys.stdout
    kept = None
    if given is not None and _descriptor(given) == 1:
        given.flush()
        kept = os.dup(1)
        os.dup2(2, 1)
    sys.stdout = sys.stderr or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - it is stdout now
    try:
        yield DataStream(given, kept)
    finally:
        if kept is not None and given is not None:
            with contextlib.suppress(OSError, ValueError):
                given.flush()
        if not for_good:
            sys.stdout = given
            if kept is not None:
                os.dup2(kept, 1)
                os.close(kept)


def _descriptor(stream: TextIO) -> int | None:
    try:
        return stream.fileno()
    except (AttributeError, OSError, ValueError):
        return None
