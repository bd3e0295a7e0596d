"""The dead letters of a run that goes on: its file, read as it grows."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import msgspec

from pipeline.dead_letters import DeadLetter
from pipeline.errors import ConfigurationError
from run.dlq.letter_text import told
from run.live import LetterLine

KEPT = 20_000
"""The newest lines that can be looked at while the run goes on; ``dlq list`` has all of them."""
AT_ONCE = 4 * 1024 * 1024
"""Bytes read in one go: whoever asks waits for it."""


class _Head(msgspec.Struct):
    id: str
    stage: str
    reason: str
    attempts: int = 1


@dataclass(frozen=True, slots=True)
class _Line:
    head: LetterLine
    offset: int
    length: int


class LiveLetters:
    """Reads what was added since it was last asked. For one thread at a time."""

    def __init__(self, path: Callable[[], Path]) -> None:
        """``path`` gives the file, which need not be there yet."""
        self._path = path
        self._lines: deque[_Line] = deque(maxlen=KEPT)
        self._read_to = 0
        self._file_id: tuple[int, int] | None = None
        self._decode = msgspec.json.Decoder(_Head).decode

    def letters(self, match: str, first: int, count: int) -> Sequence[LetterLine]:
        """Those whose id, stage or reason contains ``match``, in whatever case; the oldest first."""
        self._read()
        wanted = match.casefold()
        found = (line.head for line in self._lines if _holds(line.head, wanted))
        return list(islice(found, max(0, first), max(0, first) + max(0, count)))

    def letter(self, id: str) -> str:
        """All that is known of it. Raises :class:`~pipeline.errors.ConfigurationError`."""
        self._read()
        for line in reversed(self._lines):
            if line.head.id == id:
                return told(self._whole(line))
        raise ConfigurationError(f"no dead letter has the id {id!r}")

    def _whole(self, line: _Line) -> DeadLetter:
        try:
            with self._path().open("rb") as file:
                data = os.pread(file.fileno(), line.length, line.offset)
            return msgspec.json.decode(data, type=DeadLetter)
        except (OSError, msgspec.DecodeError) as error:
            raise ConfigurationError(
                f"{line.head.id}: cannot be read from {self._path()}: {error}"
            ) from error

    def _read(self) -> None:
        try:
            with self._path().open("rb") as file:
                state = os.fstat(file.fileno())
                if (state.st_dev, state.st_ino) != self._file_id or state.st_size < self._read_to:
                    self._file_id = (state.st_dev, state.st_ino)
                    self._lines.clear()
                    self._read_to = 0
                data = os.pread(file.fileno(), AT_ONCE, self._read_to)
        except FileNotFoundError:
            # There is none yet, or the last of them has come through.
            self._lines.clear()
            self._read_to, self._file_id = 0, None
            return
        except OSError as error:
            raise ConfigurationError(f"{self._path()}: cannot be read: {error.strerror or error}") from error
        self._take(data)

    def _take(self, data: bytes) -> None:
        # A line that is just being written has no end yet.
        whole = data.rfind(b"\n") + 1
        if not whole and len(data) == AT_ONCE:
            whole = len(data)
        offset = self._read_to
        for line in data[:whole].splitlines(keepends=True):
            try:
                head = self._decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError):
                head = None
            if head is not None:
                shown = LetterLine(head.id, head.stage, head.reason, head.attempts)
                self._lines.append(_Line(shown, offset, len(line)))
            offset += len(line)
        self._read_to += whole


def _holds(line: LetterLine, wanted: str) -> bool:
    return any(wanted in text.casefold() for text in (line.id, line.stage, line.reason))
