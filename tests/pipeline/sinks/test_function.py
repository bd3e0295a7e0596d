"""The sink that is a user's function."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.errors import ConfigurationError, Reject, SinkError
from pipeline.sinks import function
from tests.pipeline.sinks.delivery import run


def test_each_value_is_handed_over_once_though_others_fail() -> None:
    seen: list[Any] = []

    def take(value: int) -> None:
        seen.append(value)
        if value % 4 == 1:
            raise ValueError(f"no {value}")
        if value == 6:
            raise Reject("unwanted")

    delivery = run(function(take), [range(5), [5], range(6, 10)])
    assert seen == list(range(10))
    assert delivery.offsets == [0, 2, 3, 4, 7, 8]
    assert delivery.rejected == {
        1: "ValueError: no 1",
        5: "ValueError: no 5",
        6: "unwanted",
        9: "ValueError: no 9",
    }


@pytest.mark.parametrize("error", [SinkError("the service is gone"), MemoryError(), SystemExit(3)])
def test_some_errors_end_the_run(error: BaseException) -> None:
    def take(_: object) -> None:
        raise error

    with pytest.raises(type(error)):
        run(function(take), [[1]])


async def asynchronous(_: object) -> None:
    return None


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (5, "can be called"),
        (asynchronous, "is async"),
        (lambda: None, "is called with one value"),
        (lambda a, b: (a, b), "is called with one value"),
    ],
)
def test_what_is_no_function_of_one_value_is_named(call: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        function(call)


def test_its_name() -> None:
    assert function(print).name == "function print"
    assert function(print, name="printer").name == "function printer"
