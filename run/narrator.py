"""The one owner of stderr: what the product says to the person who runs it. stdout is for data."""

from __future__ import annotations

import os
import sys

from metrics.format import printable
from metrics.report.box import cut

_WIPE = "\r\x1b[2K"


def say(text: str) -> None:
    """Tell the person at the terminal; one that is gone is no reason to fail.

    Messages quote what users and records say: of control characters, only the ends of lines
    reach the terminal.
    """
    lines = [printable(line.expandtabs()) for line in text.splitlines() or [""]]
    _write("\n".join([*lines, ""]))


def overwrite(text: str) -> None:
    """Put a line in the place of the one said before; for terminals only. "" wipes it."""
    _write(_WIPE + cut(printable(text), max(1, _columns() - 1), "~"))


def is_terminal() -> bool:
    """Whether a person sees stderr, on a terminal that can write a line anew."""
    try:
        return sys.stderr.isatty() and can_move_cursor()
    except (AttributeError, ValueError):
        return False


def can_move_cursor() -> bool:
    """Whether the terminal, if there is one, knows more than the typewriter."""
    return os.environ.get("TERM", "") not in ("", "dumb")


def _write(text: str) -> None:
    try:
        # At once, so that what stages print at the same time does not fall in between.
        sys.stderr.write(text)
        sys.stderr.flush()
    except (AttributeError, OSError, ValueError):
        return


def _columns() -> int:
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or 80
    except (AttributeError, OSError, ValueError):
        return 80
