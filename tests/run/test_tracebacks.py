"""A failed run shows where in the user's code it failed; the monitor's frames only if it is to blame."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import NoReturn

from pipeline import SinkError, StageError
from pipeline.operators.function import run_each
from run.tracebacks import of_the_user


def trace_of(call: Callable[[], object]) -> str:
    try:
        call()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is looked at
        return "".join(traceback.format_exception(error))
    raise AssertionError("it did not fail")


def users_function(value: int) -> int:
    return 1 // value


def engine(error: type[Exception]) -> NoReturn:
    """Fails in the engine's own frames alone."""
    code = compile(f"raise {error.__name__}('the sink said no')", run_each.__code__.co_filename, "exec")
    exec(code, {error.__name__: error})
    raise AssertionError


def alone(trace: str) -> str:
    """The trace without the frames of this file."""
    frame, *rest = trace.split("  File ")
    return frame + "".join(f"  File {each}" for each in rest if not each.startswith(f'"{__file__}"'))


def test_the_frames_of_the_engine_are_left_out() -> None:
    def fail(_position: int, error: Exception) -> NoReturn:
        raise StageError("stage 'users_function' failed") from error

    trace = trace_of(lambda: run_each(map(users_function, [1, 0]), 2, fail))
    shown = of_the_user(trace)
    assert "operators/function.py" in trace
    assert "operators/function.py" not in shown
    assert "in users_function\n    return 1 // value" in shown
    assert "ZeroDivisionError" in shown


def test_a_cause_is_shown_with_what_it_caused() -> None:
    def outer() -> None:
        try:
            users_function(0)
        except ZeroDivisionError as error:
            raise OSError("disk") from error

    shown = of_the_user(trace_of(outer))
    assert shown.index("ZeroDivisionError") < shown.index("OSError: disk")
    assert shown.count("Traceback (most recent call last):") == 2


def test_what_the_product_raises_on_purpose_needs_no_traceback() -> None:
    trace = alone(trace_of(lambda: engine(SinkError)))
    assert "the sink said no" in trace
    assert of_the_user(trace) == ""
    assert of_the_user("") == ""


def test_a_fault_of_the_monitor_is_shown_whole() -> None:
    trace = alone(trace_of(lambda: engine(TypeError)))
    assert of_the_user(trace) == trace.rstrip()
