"""Whether a full screen can be shown here."""

from __future__ import annotations

import sys

from run import narrator
from run.display import Display


def missing_for_screen(display: Display | None = None) -> str | None:
    """Why no full screen can be shown, in words; None where it can. Lines for a screen reader need no
    cursor that moves."""
    missing = [
        name for name, stream in (("stdin", sys.stdin), ("stderr", sys.stderr)) if not is_terminal(stream)
    ]
    if missing:
        verb = "is not a terminal" if len(missing) == 1 else "are no terminals"
        return f"{' and '.join(missing)} {verb}"
    if not narrator.can_move_cursor() and not (display is not None and display.screen_reader):
        return "this terminal cannot move its cursor (TERM is empty or dumb)"
    return None


def is_terminal(stream: object) -> bool:
    """Whether a stream is there and leads to a terminal."""
    try:
        return bool(stream is not None and stream.isatty())  # type: ignore[attr-defined]
    except ValueError:
        return False
