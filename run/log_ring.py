"""What the pipeline logs and prints, kept for the screen: the last lines, by one handler."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Literal

from metrics.snapshot import LogLine

KEPT = 500
LONGEST = 2000
"""Characters of a line."""
_ECHOES = 64
"""So many of the last messages are compared with what is printed."""

Level = Literal["debug", "info", "warning", "error", "critical"]


class LogRing(logging.Handler):
    """A handler on the root logger. It changes neither levels nor what other handlers do, and never raises.

    Loggers that do not propagate are not heard. :func:`logging.basicConfig` does nothing where there is a
    handler, so that a pipeline has to call it when its file is loaded, not in a stage.
    """

    def __init__(self, elapsed: Callable[[], float], kept: int = KEPT) -> None:
        """``elapsed`` gives the seconds of the run."""
        super().__init__(logging.NOTSET)
        self._elapsed = elapsed
        self._lines: deque[LogLine] = deque(maxlen=kept)
        self._published: tuple[LogLine, ...] = ()
        self._changed = False
        self._echoes: deque[str] = deque(maxlen=_ECHOES)
        self._adding = threading.Lock()

    @property
    def lines(self) -> tuple[LogLine, ...]:
        """The last lines, oldest first; the same object while there is no new one."""
        if self._changed:
            with self._adding:
                self._changed = False
                self._published = tuple(self._lines)
        return self._published

    def open(self) -> None:
        """Begin to listen."""
        logging.getLogger().addHandler(self)

    def close(self) -> None:
        """Stop listening; what was heard stays."""
        logging.getLogger().removeHandler(self)
        super().close()

    def emit(self, record: logging.LogRecord) -> None:
        text = _message(record)
        lines = text.splitlines() or [""]
        self._add(_level(record.levelno), record.name, lines)
        self._echoes.extend(line.strip() for line in lines if line.strip())
        last = logging.lastResort
        # Without a handler Python writes warnings to stderr. It has one now, so that falls to this one.
        if last is not None and record.levelno >= last.level and self._is_alone(record):
            last.handle(record)

    def printed(self, lines: Sequence[str]) -> None:
        """Keep lines that were printed; those that another handler wrote are here already."""
        self._add("print", "", [line for line in lines if not self._is_echo(line)])

    def _is_echo(self, line: str) -> bool:
        text = line.strip()
        return any(text.endswith(echo) for echo in tuple(self._echoes))

    def _add(self, level: Level | Literal["print"], name: str, lines: Sequence[str]) -> None:
        at = self._elapsed()
        with self._adding:
            self._lines.extend(LogLine(at, level, name, line[:LONGEST]) for line in lines)
            self._changed = True

    def _is_alone(self, record: logging.LogRecord) -> bool:
        """Whether no other handler hears what is said to this logger."""
        logger: logging.Logger | None = logging.getLogger(record.name)
        while logger is not None:
            if any(handler is not self for handler in logger.handlers):
                return False
            if not logger.propagate:
                break
            logger = logger.parent
        return True


def _message(record: logging.LogRecord) -> str:
    try:
        text = record.getMessage()
        if record.exc_info and record.exc_info[0] is not None:
            text += f" ({record.exc_info[0].__name__}: {record.exc_info[1]})"
    except Exception as error:  # noqa: BLE001 - a message that does not fit its arguments is told as such
        return f"a message that cannot be told: {type(error).__name__}: {error}"
    return text


def _level(number: int) -> Level:
    if number >= logging.CRITICAL:
        return "critical"
    if number >= logging.ERROR:
        return "error"
    if number >= logging.WARNING:
        return "warning"
    return "info" if number >= logging.INFO else "debug"
