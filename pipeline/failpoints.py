"""Named places in the commit at which a test can make the process die, fail or wait.

    PIPELINE_FAILPOINTS="written=kill@3;committed=raise" python monitor.py ...

``kill`` ends the process as SIGKILL does, ``raise`` fails with an OSError, ``exit`` leaves at once
without any tidying up; ``@N`` means at the N-th time (from 1) that the place is passed. Unless the
variable is set, passing a place costs one look into an empty dict.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass

from pipeline.errors import ConfigurationError

VARIABLE = "PIPELINE_FAILPOINTS"

NAMES = ("before_write", "written", "flushed", "committed", "acknowledged")
"""The steps of a commit: before the sink is given a batch; when it has it; when rows and dead
letters are on the disk; when the progress is stored; when the ledger has settled it."""


@dataclass(slots=True)
class _Point:
    action: Callable[[], None]
    passes_left: int


def _kill() -> None:
    os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))


def _raise() -> None:
    raise OSError("a failpoint was set here")


def _exit() -> None:
    os._exit(70)


_ACTIONS: dict[str, Callable[[], None]] = {"kill": _kill, "raise": _raise, "exit": _exit}


def _parse(text: str) -> dict[str, _Point]:
    points = {}
    for part in filter(None, text.split(";")):
        name, _, rest = part.partition("=")
        action, _, times = rest.partition("@")
        if name not in NAMES or action not in _ACTIONS or not (times or "1").isdigit():
            raise ConfigurationError(
                f"{VARIABLE}={part!r}: give NAME=ACTION[@N]; names: {', '.join(NAMES)}; "
                f"actions: {', '.join(_ACTIONS)}"
            )
        points[name] = _Point(_ACTIONS[action], int(times or 1))
    return points


_points = _parse(os.environ.get(VARIABLE, ""))


def passing(name: str) -> None:
    """Pass the place of this name; mostly nothing happens."""
    point = _points.get(name)
    if point is None:
        return
    point.passes_left -= 1
    if point.passes_left == 0:
        point.action()
