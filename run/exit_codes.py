"""The exit codes, all in one place. Those of a run, 0, 1, 3 and 4, are found by ``metrics.verdict``."""

from __future__ import annotations

import signal

HEALTHY = 0
USAGE = 2
"""An option, a pipeline or an input is wrong; nothing was run."""
MONITOR = 5
"""The monitor itself failed."""
SIGINT = 130
SIGTERM = 143


def of_signal(number: int) -> int:
    """The exit code of a run that a signal ended; a terminal that hangs up asks for the same as SIGTERM."""
    return SIGINT if number == signal.SIGINT else SIGTERM
