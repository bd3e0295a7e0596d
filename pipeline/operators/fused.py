"""Neighbouring functions of one record, called inside one Python loop.

A call out of a Python loop costs half of a call out of C's ``map``, and a value that goes from
one function to the next at once is still in the processor's cache. So the loop is written out for the
number of functions that there are, and compiled once. Whatever is not one plain value (None, a
list, a verdict, an exception) is set aside with its position and the stage that made it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from types import TracebackType
from typing import Any

from pipeline.errors import Reject
from pipeline.operators.base import FATAL, FUSED, SPECIAL, Bad

_FIRST_LINE = 4
_LINES_A_STAGE = 6

Loop = Callable[..., None]


@dataclass(slots=True)
class Odd:
    """A record that did not come through as one plain value.

    ``stage`` counts the functions from 0; -1 is the decoding. ``result`` is what the function
    returned, or how it failed; ``value`` is what it was given.
    """

    position: int
    stage: int
    result: Any
    value: Any = None


@cache
def _loop(functions: int) -> Loop:
    """``loop(values, out, odd, special, Reject, Odd, f0, f1, ...)`` for so many functions."""
    names = ", ".join(f"f{index}" for index in range(functions))
    lines = [
        f"def loop(values, out, odd, special, Reject, Odd, {names}):",
        f"    {' = '.join(f'k{index}' for index in range(functions))} = None",
        "    append = out.append",
        "    for v0 in values:",
    ]
    for index in range(functions):
        lines += [
            f"        v{index + 1} = f{index}(v{index})",
            f"        if type(v{index + 1}) is not k{index}:",
            f"            if type(v{index + 1}) in special or issubclass(type(v{index + 1}), Reject):",
            f"                odd.append(Odd(len(out) + len(odd), {index}, v{index + 1}, v{index}))",
            "                continue",
            f"            k{index} = type(v{index + 1})",
        ]
    lines.append(f"        append(v{functions})")
    scope: dict[str, Any] = {}
    exec(compile("\n".join(lines), FUSED, "exec"), scope)
    loop: Loop = scope["loop"]
    return loop


def run_fused(
    values: Iterator[Any],
    expected: int,
    functions: tuple[Callable[[Any], Any], ...],
    failure: Callable[[int, int, Exception], Bad],
) -> tuple[list[Any], list[Odd]]:
    """Every value through every function; what came through plainly, in order, and the others.

    ``values`` may raise for single items and be continued. ``failure(stage, position, error)`` puts an
    exception into words at once: kept, it would hold its frames, and they the whole slice.
    """
    loop = _loop(len(functions))
    out: list[Any] = []
    odd: list[Odd] = []
    while True:
        try:
            loop(values, out, odd, SPECIAL, Reject, Odd, *functions)
        except FATAL:
            raise
        except Exception as error:  # noqa: BLE001 - a record's failure is the record's
            position = len(out) + len(odd)
            stage, value = _origin(error)
            # A name of its own for the exception would hold this frame, and so the slice, in a cycle.
            bad = failure(stage, position, _stopped() if isinstance(error, StopIteration) else error)
            odd.append(Odd(position, stage, bad, value))
            continue
        position = len(out) + len(odd)
        if position >= expected:
            return out, odd
        odd.append(Odd(position, -1, failure(-1, position, _stopped())))


def _stopped() -> RuntimeError:
    return RuntimeError("raised StopIteration")


def stage_at_fault(error: BaseException) -> int | None:
    """The function out of which an exception came (-1: the decoding); None if it came out of no loop."""
    trace = _in_loop(error)
    return _stage(trace) if trace is not None else None


def _origin(error: Exception) -> tuple[int, Any]:
    """Which function raised, and what it was given."""
    trace = _in_loop(error)
    stage = _stage(trace) if trace is not None else -1
    return (
        (stage, trace.tb_frame.f_locals.get(f"v{stage}")) if trace is not None and stage >= 0 else (-1, None)
    )


def _in_loop(error: BaseException) -> TracebackType | None:
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename != FUSED:
        trace = trace.tb_next
    return trace


def _stage(trace: TracebackType) -> int:
    """By the line of the loop that the function was called from."""
    line = trace.tb_lineno
    return (line - _FIRST_LINE - 1) // _LINES_A_STAGE if line > _FIRST_LINE else -1
