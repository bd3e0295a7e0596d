"""Trying again: as often as said, no longer than said, and not at all where it cannot help."""

from __future__ import annotations

import random
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.clock import ManualClock, SystemClock
from pipeline.control import Control
from pipeline.errors import ConfigurationError, Reject
from pipeline.ids import Ids
from pipeline.operators.function import FunctionOperator
from pipeline.retry import Retrier, Retry


class Flaky:
    """Fails so many times, then succeeds."""

    def __init__(self, failures: int, error: BaseException) -> None:
        self.failures = failures
        self.error = error
        self.calls = 0

    def __call__(self, value: Any) -> Any:
        self.calls += 1
        if self.calls <= self.failures:
            raise self.error
        return value


@given(attempts=st.integers(1, 6), failures=st.integers(0, 8))
def test_it_tries_as_often_as_said(attempts: int, failures: int) -> None:
    clock = ManualClock()
    flaky = Flaky(failures, OSError("not now"))
    retrier = Retrier(Retry(attempts, OSError, first=1, factor=2, cap=5, jitter=0), clock, Control(), 0)
    outcome = FunctionOperator("f", flaky, retrier=retrier).apply(Ids.span(0, 1), ["x"], None)
    assert flaky.calls == min(attempts, failures + 1)
    waits = [1, 2, 4, 5, 5, 5, 5][: flaky.calls - 1]
    assert clock.monotonic() == sum(waits)
    if failures < attempts:
        assert outcome.values == ["x"]
    else:
        assert (outcome.rejected[0].reason, outcome.rejected[0].attempts) == ("OSError: not now", attempts)


@given(
    st.integers(1, 40), st.floats(0, 100), st.floats(1, 10), st.floats(0, 50), st.floats(0, 1), st.integers()
)
def test_waits_stay_within_their_bounds(
    failures: int, first: float, factor: float, cap: float, jitter: float, seed: int
) -> None:
    retry = Retry(50, first=first, factor=factor, cap=cap, jitter=jitter)
    wait = retry.wait(failures, random.Random(seed))
    full = min(cap, first * factor ** (failures - 1))
    assert full * (1 - jitter) * 0.999 <= wait <= full


def test_the_same_seed_waits_the_same() -> None:
    waited = []
    for _ in range(2):
        clock = ManualClock()
        retrier = Retrier(Retry(5, OSError), clock, Control(), seed=7)
        retrier.wrap(Flaky(4, OSError()))(1)
        waited.append(clock.monotonic())
    assert waited[0] == waited[1] > 0


@pytest.mark.parametrize(
    "error", [Reject("no"), MemoryError(), KeyError("other"), SystemExit(), KeyboardInterrupt()]
)
def test_it_does_not_try_again_where_that_cannot_help(error: BaseException) -> None:
    flaky = Flaky(1, error)
    on: Any = OSError if isinstance(error, KeyError) else Exception
    retrier = Retrier(Retry(5, on), ManualClock(), Control(), 0)
    with pytest.raises(type(error)):
        retrier.wrap(flaky)(1)
    assert flaky.calls == 1


def test_a_stop_ends_the_wait_at_once() -> None:
    control = Control()
    flaky = Flaky(99, OSError("not now"))
    retrier = Retrier(Retry(99, OSError, first=1_000, cap=1_000), SystemClock(), control, 0)
    failed = threading.Event()

    def call() -> None:
        with pytest.raises(OSError, match="not now"):
            retrier.wrap(flaky)(1)
        failed.set()

    threading.Thread(target=call, daemon=True).start()
    assert not failed.wait(0.05)
    control.abort()
    assert failed.wait(30)
    assert flaky.calls == 1, "the record fails with its last exception"


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"attempts": 0}, "attempts"),
        ({"attempts": "3"}, "attempts"),
        ({"attempts": 2.5}, "attempts"),
        ({"first": -1}, "first"),
        ({"first": "1s"}, "first"),
        ({"factor": 0.5}, "factor"),
        ({"cap": -1}, "cap"),
        ({"jitter": 2}, "jitter"),
        ({"jitter": None}, "jitter"),
        ({"on": "OSError"}, "on"),
        ({"on": (OSError, 5)}, "on"),
        ({"on": ()}, "on"),
        ({"on": KeyboardInterrupt}, "on"),
    ],
)
def test_wrong_arguments_are_named(arguments: dict[str, Any], word: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"Retry\(.*{word}="):
        Retry(**arguments)
