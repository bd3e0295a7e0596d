"""Whether a thread waits for a lock, read from its innermost frames. No code of anybody's is run for it.

The locks of ``threading`` and ``multiprocessing`` are either written in Python, and then a frame of theirs is
innermost, or in C, and then the frame that called them stands at the call. A wait for something else (an
event, an item of a queue, another thread's end, a time, a socket) is none for a lock.
"""

from __future__ import annotations

import dis
from types import CodeType, FrameType

_LIBRARIES = ("/threading.py", "/multiprocessing/synchronize.py")
_TAKING = frozenset({"acquire", "__enter__", "_acquire_restore"})
_ENTERS = frozenset({"BEFORE_WITH", "LOAD_SPECIAL"})
MOST_CODE = 20_000
"""Bytes of a function that are looked through; generated code may be much longer."""


def waits_for_lock(frame: FrameType) -> bool:
    """Whether the thread whose innermost frame this is takes a lock now."""
    at: FrameType | None = frame
    while at is not None and at.f_code.co_filename.replace("\\", "/").endswith(_LIBRARIES):
        if at.f_code.co_name in _TAKING:
            return True
        at = at.f_back
    return at is frame and _takes(frame.f_code, frame.f_lasti)


def _takes(code: CodeType, at: int) -> bool:
    """Whether the instruction there is ``with LOCK`` or a call of an ``acquire``."""
    if at < 0 or len(code.co_code) > MOST_CODE:
        return False
    instructions = list(dis.get_instructions(code))
    place = next((place for place, each in enumerate(instructions) if each.offset == at), None)
    if place is None:
        return False
    now = instructions[place]
    if now.opname in _ENTERS or (place and instructions[place - 1].opname == "LOAD_SPECIAL"):
        # From Python 3.14 on, what LOAD_SPECIAL finds is called by the instruction behind it.
        return True
    if now.positions is None:
        return False
    # The name of the method that is called begins where the call does; those in its arguments do not.
    begins = now.positions.lineno, now.positions.col_offset
    return "CALL" in now.opname and any(
        each.argval == "acquire"
        and each.opname in ("LOAD_METHOD", "LOAD_ATTR")
        and each.positions is not None
        and (each.positions.lineno, each.positions.col_offset) == begins
        for each in instructions
    )
