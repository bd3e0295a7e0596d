"""The one owner of stderr: what the product says to the person who runs it. stdout is for data."""

from __future__ import annotations

import sys


def say(text: str) -> None:
    """One line for the person at the terminal; a terminal that is gone is no reason to fail."""
    try:
        print(text, file=sys.stderr, flush=True)  # noqa: T201
    except (OSError, ValueError):
        return


def overwrite(text: str) -> None:
    """Put a line in the place of the one said before; for terminals only."""
    try:
        sys.stderr.write(f"\r\x1b[2K{text}")
        sys.stderr.flush()
    except (OSError, ValueError):
        return


def is_terminal() -> bool:
    """Whether a person sees stderr."""
    try:
        return sys.stderr.isatty()
    except (AttributeError, ValueError):
        return False


def print_data(text: str) -> None:
    """Write to stdout; raises OSError where that is not to be had."""
    sys.stdout.write(text if text.endswith("\n") else f"{text}\n")
    sys.stdout.flush()
