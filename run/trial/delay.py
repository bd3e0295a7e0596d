"""Waits before chosen lines of the user's source, so that what may come in between does."""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from types import CodeType, FrameType
from typing import Any

from diagnosis.change import Delay
from run.trial.timing import SLEEP

_TOOL = 3


def install(delays: Sequence[Delay]) -> None:
    """Call it before the threads of the run start."""
    if not delays:
        return
    at = {(delay.file, delay.line): delay.seconds for delay in delays}
    if sys.version_info >= (3, 12):
        _monitor(at)
    else:
        _trace(at)


def _trace(at: dict[tuple[str, int], float]) -> None:
    files = {file for file, _ in at}

    def local(frame: FrameType, event: str, _argument: Any) -> Any:
        if event == "line":
            seconds = at.get((frame.f_code.co_filename, frame.f_lineno))
            if seconds is not None:
                SLEEP(seconds)
        return local

    def enter(frame: FrameType, _event: str, _argument: Any) -> Any:
        return local if frame.f_code.co_filename in files else None

    threading.settrace(enter)
    sys.settrace(enter)


def _monitor(at: dict[tuple[str, int], float]) -> None:
    monitoring: Any = sys.monitoring  # type: ignore[attr-defined,unused-ignore]

    def line(code: CodeType, number: int) -> Any:
        seconds = at.get((code.co_filename, number))
        if seconds is None:
            return monitoring.DISABLE
        SLEEP(seconds)
        return None

    monitoring.use_tool_id(_TOOL, "trial")
    monitoring.register_callback(_TOOL, monitoring.events.LINE, line)
    monitoring.set_events(_TOOL, monitoring.events.LINE)
