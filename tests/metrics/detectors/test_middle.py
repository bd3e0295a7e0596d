from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from metrics.detectors.middle import Middle


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60), st.integers(1, 20))
def test_median_and_deviation_are_those_of_the_last_readings(values: list[float], size: int) -> None:
    middle = Middle(size)
    for value in values:
        middle.add(value)
    held = sorted(values[-size:])
    median = held[len(held) // 2]
    assert len(middle) == len(held)
    assert middle.median == median
    assert middle.deviation == sorted(abs(value - median) for value in held)[len(held) // 2]
