"""Values handed to a user's function."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any

from pipeline.errors import ConfigurationError, Reject, SinkError
from pipeline.ids import Id, Ids
from pipeline.sinks.base import RefusedRecords, Sink


class FunctionSink(Sink):
    """Calls a function with each value, in order.

    A value is written when the function returns; what it returns does not matter. Where it
    raises, that value is rejected and the next one follows; :class:`~pipeline.errors.SinkError` and
    ``MemoryError`` end the run instead.
    """

    def __init__(self, call: Callable[[Any], object], name: str | None = None) -> None:
        if not callable(call):
            raise ConfigurationError(f"function({call!r}): must be something that can be called with a value")
        label = name or str(getattr(call, "__name__", type(call).__name__))
        if inspect.iscoroutinefunction(call):
            raise ConfigurationError(
                f"function({label}): is async, and calling it would do nothing; "
                "wrap it in a function that runs it to its end"
            )
        _check_arity(call, label)
        self._call = call
        self._called: list[Id] = []
        self.name = f"function {label}"

    def open(self) -> None:
        self._called = []

    def write(self, ids: Ids, payloads: list[Any]) -> Iterable[Id]:
        called, self._called = self._called, []
        if called and called == list(ids):
            # The rest of a batch of which some were refused: these calls have been made.
            return ids
        refused: dict[int, str] = {}
        call = self._call
        for position, value in enumerate(payloads):
            try:
                call(value)
            except (SinkError, MemoryError):
                raise
            except Reject as verdict:
                refused[position] = verdict.reason
            except Exception as error:  # noqa: BLE001 - whatever it is, it is about this value
                text = str(error)
                refused[position] = f"{type(error).__name__}: {text}" if text else type(error).__name__
        if refused:
            self._called = list(ids.without(sorted(refused)))
            raise RefusedRecords(refused)
        return ids


def function(call: Callable[[Any], object], name: str | None = None) -> FunctionSink:
    """Hand each value to ``call``; ``name`` is what messages call it."""
    return FunctionSink(call, name)


def _check_arity(call: Callable[[Any], object], label: str) -> None:
    try:
        signature = inspect.signature(call)
    except (ValueError, TypeError):
        return  # some built-in functions do not tell
    try:
        signature.bind(None)
    except TypeError as error:
        raise ConfigurationError(
            f"function({label}): is called with one value, but takes {signature} ({error})"
        ) from error
