"""A limit on how long a stage may take over one record."""

from __future__ import annotations

from collections.abc import Callable
from types import GeneratorType
from typing import Any

from pipeline.clock import Clock
from pipeline.errors import Reject


def timed(function: Callable[[Any], Any], timeout: float, clock: Clock) -> Callable[[Any], Any]:
    """The function, of which a result that took more than ``timeout`` seconds is rejected.

    Python cannot interrupt a call in another thread, so the call is measured, not cut short: one that
    hangs hangs the stage. A function that waits for others needs a timeout of its own there.
    """

    def call(value: Any) -> Any:
        began = clock.monotonic()
        result = function(value)
        if isinstance(result, GeneratorType):
            result = list(result)
        took = clock.monotonic() - began
        if took > timeout:
            raise Reject(f"took {took:.3g} s, timeout={timeout:g} s")
        return result

    return call
