"""What Prometheus reads is what the snapshot says; held by Prometheus' own parsers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import Metric as Family
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_open
from prometheus_client.parser import text_string_to_metric_families as parse_plain

from metrics.definitions import METRICS
from metrics.definitions.metric import Times
from metrics.prometheus import BOUNDS_MS, OPEN, PLAIN, exposition, family_name, wants_open
from metrics.sketch import BOUNDS_MS as BARS_MS
from metrics.sketch import Sketch
from metrics.snapshot import Snapshot
from tests.metrics import made

Numbers = dict[tuple[str, frozenset[tuple[str, str]]], float]
times = st.lists(st.tuples(st.floats(1e-7, 1e4), st.integers(1, 1000)), max_size=30)
# An unpaired surrogate cannot be sent; that is the endpoint's affair.
names = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    """With names of any kind, and histograms that were measured."""
    stages = []
    for name in draw(st.lists(names, max_size=3, unique=True)):
        sketch = Sketch()
        for seconds, records in draw(times):
            sketch.add(seconds, records)
        stage = made.stage(name, latency=sketch.latency())
        stages.append(replace(stage, histogram=sketch.histogram()))
    return made.snapshot(pipeline=draw(names), stages=stages)


def numbers(families: Iterable[Family]) -> Numbers:
    return {
        (sample.name, frozenset(sample.labels.items())): float(sample.value)
        for family in families
        for sample in family.samples
    }


def parsed(snapshot: Snapshot) -> tuple[Numbers, Numbers]:
    plain = numbers(parse_plain(exposition(snapshot)))
    return plain, numbers(parse_open(exposition(snapshot, open_metrics=True)))  # type: ignore[no-untyped-call]


@settings(max_examples=40)
@given(snapshots())
def test_both_formats_hold_every_sample_and_nothing_else(snapshot: Snapshot) -> None:
    plain, open_metrics = parsed(snapshot)
    assert plain == open_metrics
    expected: Numbers = {}
    for metric in METRICS:
        if isinstance(metric.of, Times):
            continue
        name = family_name(metric) + ("_total" if metric.kind == "counter" else "")
        for labels, value in metric.samples(snapshot):
            key = name, frozenset({("pipeline", snapshot.pipeline), *labels})
            expected[key] = value * metric.unit.base
    told = {key: value for key, value in plain.items() if "_latency_" not in key[0]}
    assert told.keys() == expected.keys()
    assert all(told[key] == pytest.approx(value) for key, value in expected.items())


@settings(max_examples=40)
@given(times.filter(bool))
def test_a_histogram_counts_each_record_once(spread: list[tuple[float, int]]) -> None:
    sketch = Sketch()
    for seconds, records in spread:
        sketch.add(seconds, records)
    latency = sketch.latency()
    assert latency is not None
    snapshot = replace(made.snapshot(stages=()), latency=latency, histogram=sketch.histogram())
    plain, _ = parsed(snapshot)
    buckets = {
        float(dict(labels)["le"]): value
        for (name, labels), value in plain.items()
        if name.endswith("_bucket")
    }
    by_bound = [buckets[bound] for bound in sorted(buckets)]
    assert by_bound == sorted(by_bound)
    assert buckets[float("inf")] == sum(records for _, records in spread)
    for bound, below in buckets.items():
        # A time within 1 % of a bound may be on either side.
        surely = sum(records for seconds, records in spread if seconds * 1.02 < bound)
        perhaps = sum(records for seconds, records in spread if seconds / 1.02 <= bound)
        assert surely <= below <= perhaps
    key = "pipeline_record_latency_seconds_sum", frozenset({("pipeline", "demo")})
    assert plain[key] == pytest.approx(sum(seconds * records for seconds, records in spread))


def test_the_bounds_are_bars_of_the_sketch() -> None:
    assert set(BOUNDS_MS) <= set(BARS_MS)


def test_families_have_help_type_and_unit() -> None:
    stages = [made.stage(latency=made.LATENCY)]
    text = exposition(made.snapshot(stages=stages), open_metrics=True)
    assert "# HELP pipeline_stage_latency_seconds the time that a batch takes" in text
    assert (
        "# TYPE pipeline_stage_rate_per_second gauge\n# UNIT pipeline_stage_rate_per_second per_second"
        in text
    )
    assert "# TYPE pipeline_records_duplicated counter" in text
    assert text.endswith("# EOF\n")
    plain = exposition(made.snapshot())
    assert "# TYPE pipeline_records_duplicated_total counter" in plain
    assert "# UNIT" not in plain
    assert "# EOF" not in plain


@pytest.mark.parametrize(
    ("accept", "is_open"),
    [
        ("", False),
        ("*/*", False),
        ("text/plain;version=0.0.4", False),
        ("application/openmetrics-text;version=1.0.0,text/plain;q=0.5", True),
        ("text/plain;q=0.5, application/openmetrics-text; version=1.0.0", True),
    ],
)
def test_the_format_that_was_asked_for(accept: str, is_open: bool) -> None:
    assert wants_open(accept) is is_open
    assert PLAIN != OPEN
