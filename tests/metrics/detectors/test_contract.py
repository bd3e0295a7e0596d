"""What every detector promises, held over the whole list."""

from __future__ import annotations

import doctest
import importlib
import math
import pickle
import pkgutil
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import metrics.detectors
from metrics.detectors import STATISTICAL, Alarm, Bounds, Detector, Method, Tolerance

TOLERANCE = Tolerance(0.5, 5.0)
EXACT = Method("invariant", lambda _: Bounds(0.0, 50.0))
EVERY = (*STATISTICAL, EXACT)
every_detector = pytest.mark.parametrize("method", EVERY, ids=lambda method: method.kind)

numbers = st.one_of(st.floats(allow_nan=True, allow_infinity=True), st.none())


def noise(seed: int, readings: int, level: float = 10.0) -> list[float]:
    source = random.Random(seed)
    return [level + source.gauss(0.0, 1.0) for _ in range(readings)]


def feed(detector: Detector, values: list[float], start: float = 0.0) -> list[Alarm]:
    updates = (detector.update(start + at, value) for at, value in enumerate(values))
    return [alarm for alarm in updates if alarm is not None]


@every_detector
@pytest.mark.parametrize("level", [0.0, 1e-9, 7.0, 49.0])
def test_what_never_changes_is_no_alarm(method: Method, level: float) -> None:
    assert feed(method.make(TOLERANCE), [level] * 2000) == []


@every_detector
@pytest.mark.parametrize("seed", range(5))
def test_noise_below_the_tolerance_is_no_alarm(method: Method, seed: int) -> None:
    assert feed(method.make(TOLERANCE), noise(seed, 3000)) == []


def changes(kind: str) -> list[float]:
    """A change that the detectors of this kind are for, after 600 readings of noise."""
    if kind == "trend":
        return [value + at / 10 for at, value in enumerate(noise(2, 1200))]
    return noise(2, 40, 90.0)


@every_detector
def test_a_clear_change_is_found_with_where_it_was_before(method: Method) -> None:
    detector = method.make(TOLERANCE)
    assert feed(detector, noise(1, 600)) == []
    found = feed(detector, changes(method.kind), 600.0)
    assert found
    first = found[0]
    assert first.kind == method.kind
    low, high = first.expected
    assert high is not None
    assert low is None or low <= 12.0
    assert high <= 60.0 < first.value
    if method.kind != "trend":
        assert 597.0 <= first.at_s <= 602.0


@every_detector
def test_what_is_not_known_is_as_if_it_had_not_been_there(method: Method) -> None:
    plain, littered = method.make(TOLERANCE), method.make(TOLERANCE)
    for at, value in enumerate(noise(3, 600) + changes(method.kind)):
        for nothing in (None, math.nan, math.inf, -math.inf):
            assert littered.update(at, nothing) is None
        assert littered.update(at, 1e6, weight=0.0) is None
        assert littered.update(at, value) == plain.update(at, value)


@every_detector
@given(st.lists(numbers, max_size=200))
@settings(max_examples=40)
def test_the_same_readings_give_the_same_alarms_whatever_they_are(
    method: Method, values: list[float | None]
) -> None:
    one, other = method.make(TOLERANCE), method.make(TOLERANCE)
    for at, value in enumerate(values):
        found = one.update(float(at), value)
        assert found == other.update(float(at), value)
        assert found is None or math.isfinite(found.value)


@every_detector
def test_memory_has_a_bound(method: Method) -> None:
    detector = method.make(TOLERANCE)
    feed(detector, noise(4, 2000))
    early = len(pickle.dumps(detector))
    feed(detector, noise(5, 30_000), 2000.0)
    assert len(pickle.dumps(detector)) <= early * 1.25 + 4096


@every_detector
def test_after_a_reset_it_knows_nothing(method: Method) -> None:
    used, fresh = method.make(TOLERANCE), method.make(TOLERANCE)
    feed(used, noise(6, 600) + changes(method.kind))
    used.reset()
    again = noise(7, 600) + changes(method.kind)
    assert feed(used, again, 5000.0) == feed(fresh, again, 5000.0)


@every_detector
def test_only_a_change_the_wrong_way_counts(method: Method) -> None:
    if method.kind == "invariant":
        return
    detector = method.make(Tolerance(0.5, 5.0, down=False))
    assert feed(detector, noise(8, 600, 90.0) + noise(9, 100, 10.0)) == []


@pytest.mark.parametrize(
    "name", [module.name for module in pkgutil.iter_modules(metrics.detectors.__path__)] + ["joint"]
)
def test_the_examples_in_the_text_run(name: str) -> None:
    package = "metrics.anomalies" if name == "joint" else "metrics.detectors"
    result = doctest.testmod(importlib.import_module(f"{package}.{name}"))
    assert result.failed == 0
    assert result.attempted or name == "base"
