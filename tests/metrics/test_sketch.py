from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.sketch import Sketch

Weighted = list[tuple[float, int]]
values = st.lists(st.tuples(st.floats(1e-6, 1e4), st.integers(1, 1000)), min_size=1, max_size=50)


def filled(weighted: Weighted) -> Sketch:
    sketch = Sketch()
    for seconds, records in weighted:
        sketch.add(seconds, records)
    return sketch


def exact_quantile(weighted: Weighted, quantile: float) -> float:
    spread = sorted(weighted)
    rank = quantile * (sum(records for _, records in spread) - 1)
    seen = 0
    for seconds, records in spread:
        seen += records
        if seen > rank:
            return seconds
    return spread[-1][0]


@given(values)
def test_it_is_exact_where_it_says_and_within_one_percent_elsewhere(weighted: Weighted) -> None:
    latency = filled(weighted).latency()
    assert latency is not None
    count = sum(records for _, records in weighted)
    assert latency.count == count
    assert latency.max == pytest.approx(max(seconds for seconds, _ in weighted) * 1000)
    total = math.fsum(seconds * records for seconds, records in weighted)
    assert latency.mean == pytest.approx(total / count * 1000)
    for quantile, told in ((0.5, latency.p50), (0.95, latency.p95), (0.99, latency.p99)):
        assert told == pytest.approx(exact_quantile(weighted, quantile) * 1000, rel=0.0101)
    assert latency.p50 <= latency.p95 <= latency.p99 <= latency.max


@given(values, values)
def test_merging_is_the_same_as_having_seen_both(one: Weighted, other: Weighted) -> None:
    merged = filled(one)
    merged.merge(filled(other))
    together, apart = filled(one + other).latency(), merged.latency()
    assert together is not None
    assert apart is not None
    assert apart.count == together.count
    assert apart.mean == pytest.approx(together.mean)
    assert (apart.p50, apart.p95, apart.max) == pytest.approx((together.p50, together.p95, together.max))


def test_nothing_seen_is_not_known_rather_than_zero() -> None:
    sketch = Sketch()
    sketch.add(1.0, 0)
    assert sketch.latency() is None


def test_no_time_at_all_is_a_time() -> None:
    latency = filled([(0.0, 5), (-1.0, 5)]).latency()
    assert latency is not None
    assert (latency.count, latency.mean, latency.p99, latency.max) == (10, 0.0, 0.0, 0.0)
