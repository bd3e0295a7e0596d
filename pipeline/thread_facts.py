"""What is known of a thread of a run: what it works for, and what it does now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Doing = Literal["busy", "idle", "blocked", "paused"]


@dataclass(frozen=True, slots=True)
class ThreadFact:
    """A thread of the run. ``stages`` are all that it works for, in flow order; ``stage`` is the one that it
    is at, or was at last.

    ``ident`` is Python's number for it (as in ``sys._current_frames``), ``native_id`` the system's (as in
    ``/proc/self/task``); both are None before it runs. ``doing`` is None where that is not known: a thread
    that reads ahead may be in a call of the source's.
    """

    name: str
    stages: tuple[str, ...]
    stage: str | None
    doing: Doing | None
    ident: int | None
    native_id: int | None
