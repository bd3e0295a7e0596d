"""Trying records again while the others of their batch go on."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any

from pipeline.operators.base import FATAL, Bad
from pipeline.retry import Retrier


def run_aside(
    function: Callable[[Any], Any],
    values: list[Any],
    retrier: Retrier,
    failure: Callable[[int, Exception], Bad],
) -> tuple[list[Any], list[Bad]]:
    """Call the function with every value; what fails and is worth another try waits till all had their first.

    Returns the good results in the order of the values, and the bad positions (rising).
    """
    good: dict[int, Any] = {}
    bad: dict[int, Bad] = {}
    waiting: list[tuple[float, int, int]] = []
    """When the next try is due, the position, and the tries made."""

    def attempt(position: int, tries: int, *, last: bool) -> None:
        retrier.note(tries)
        try:
            good[position] = function(values[position])
        except FATAL:
            raise
        except Exception as error:  # noqa: BLE001 - a record's failure is the record's
            wait = None if last else retrier.wait_after(error, tries)
            if wait is None:
                bad[position] = failure(position, error)
            else:
                heappush(waiting, (retrier.now() + wait, position, tries))

    for position in range(len(values)):
        attempt(position, 1, last=False)
    while waiting:
        due, position, tries = heappop(waiting)
        interrupted = retrier.rest(due - retrier.now())
        if interrupted == "stop":
            # The batch goes nowhere any more.
            bad[position] = Bad(position, "the run was stopped before another try", None, tries)
        else:
            attempt(position, tries + 1, last=interrupted == "drain")
    return [good[position] for position in sorted(good)], [bad[position] for position in sorted(bad)]
