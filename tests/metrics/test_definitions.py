"""What holds for every metric that there is."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from itertools import groupby

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docs import metrics_table
from metrics.definitions import METRICS, metric_named, readings
from metrics.definitions.measures import MEASURES
from metrics.definitions.metric import Metric, OfLedger, OfRun, OfStage, Times
from metrics.memory_state import CacheState
from metrics.snapshot import Recent, Records, Snapshot, SourceState, ThreadState
from tests.metrics import made
from tests.run.snapshots import anything

each_metric = pytest.mark.parametrize("metric", METRICS, ids=[metric.label for metric in METRICS])
counts = st.integers(0, 10**9)


@st.composite
def ledgers(draw: st.DrawFn) -> Snapshot:
    """A snapshot whose ledger is the sum of its lines, as the engine's is."""
    lines = []
    for number in range(draw(st.integers(0, 4))):
        delivered, filtered, rejected, in_flight, lost = (draw(counts) for _ in range(5))
        read = delivered + filtered + rejected + in_flight + lost
        name = draw(st.sampled_from(["orders", "clicks"]))
        lines.append(
            SourceState(
                name=name,
                partition=f"{number}.csv",
                read=read,
                delivered=delivered,
                filtered=filtered,
                rejected=rejected,
                in_flight=in_flight,
                lost=lost,
                total=None,
                ended=False,
                error=None,
                lag=draw(st.none() | counts),
            )
        )
    total = {
        what: sum(getattr(line, what) for line in lines)
        for what in ("read", "delivered", "filtered", "rejected", "in_flight", "lost")
    }
    records = Records(**total, duplicated=0, lost_ids=(), duplicated_ids=(), truncated=False)
    return replace(made.snapshot(sources=lines), records=records)


@each_metric
def test_it_says_what_it_is(metric: Metric) -> None:
    assert re.fullmatch(r"(pipeline|process|system)(\.[a-z][a-z_]*)+", metric.name)
    assert metric.meaning
    assert metric.meaning[-1] != "."
    assert "|" not in metric.meaning
    assert metric_named(metric.name).name == metric.name
    assert re.fullmatch(r"1|[a-zA-Z]+|\{[a-z]+\}|(\{record\}|By)/(s|\{record\})", metric.unit.code)


def test_no_two_are_the_same_and_siblings_stand_together() -> None:
    labels = [metric.label for metric in METRICS]
    assert len(set(labels)) == len(labels)
    names = [name for name, _ in groupby(METRICS, key=lambda metric: metric.name)]
    assert len(set(names)) == len(names)
    for _, group in groupby(METRICS, key=lambda metric: metric.name):
        first, *others = group
        for other in others:
            assert (other.kind, other.unit, other.meaning) == (first.kind, first.unit, first.meaning)
            assert [name for name, _ in other.attributes] == [name for name, _ in first.attributes]
            assert first.attributes


@settings(max_examples=30)
@given(anything(Snapshot))
def test_every_metric_reads_every_snapshot(snapshot: Snapshot) -> None:
    for metric in METRICS:
        samples = list(metric.samples(snapshot))
        assert samples == list(metric.samples(snapshot))
        assert all(isinstance(sample.value, int | float) for sample in samples)
        assert all(dict(metric.attributes).items() <= dict(sample.labels).items() for sample in samples)


@settings(max_examples=30)
@given(anything(Snapshot))
def test_a_threshold_and_the_metric_never_disagree(snapshot: Snapshot) -> None:
    for metric in METRICS:
        samples = list(metric.samples(snapshot))
        if isinstance(metric.of, OfRun):
            for name in metric.measures:
                of_run = MEASURES[name].of_run
                assert of_run is not None
                told = of_run(snapshot)
                assert ([] if told is None else [told]) == [sample.value for sample in samples]
        if isinstance(metric.of, OfStage):
            for name in metric.measures:
                of_stage = MEASURES[name].of_stage
                assert of_stage is not None
                by_stage = [of_stage(stage) for stage in snapshot.stages]
                known = [value for value in by_stage if value is not None]
                assert known == [sample.value for sample in samples]


@given(ledgers())
def test_what_comes_from_the_ledger_adds_up_to_it(snapshot: Snapshot) -> None:
    totals = {}
    for metric in METRICS:
        if isinstance(metric.of, OfLedger):
            (name,) = metric.measures
            of_run = MEASURES[name].of_run
            assert of_run is not None
            totals[metric.label] = sum(sample.value for sample in metric.samples(snapshot))
            assert totals[metric.label] == of_run(snapshot) == getattr(snapshot.records, name)
    read = totals.pop("pipeline.records.read")
    assert len(totals) == 5
    assert read == sum(totals.values())


def test_every_measure_has_its_metric() -> None:
    assert set(MEASURES) == {name for metric in METRICS for name in metric.measures}


def test_what_is_watched_is_of_the_last_seconds() -> None:
    recent = Recent(10.0, 500, 50, made.LATENCY, busy=0.9, idle=0.1, blocked=0.0)
    stage = replace(made.stage(), recent=recent)
    found = {
        (reading.metric, reading.stage, reading.labels): reading.value
        for reading in readings(replace(made.snapshot(stages=[stage]), recent=recent))
    }
    assert found["pipeline.records.rate", None, ()] == 50.0
    assert found["pipeline.records.error_rate", None, ()] == 0.1
    assert found["pipeline.record.latency", None, ()] == made.LATENCY.p95
    assert found["pipeline.stage.rate", "transform", ()] == 50.0
    assert found["pipeline.stage.latency", "transform", ()] == made.LATENCY.p95
    assert found["pipeline.stage.utilization", "transform", (("state", "busy"),)] == 0.9
    assert found["process.open_files", None, ()] == 7


def test_series_are_told_apart() -> None:
    caches = tuple(CacheState(name, "transform", 5, None, "stable") for name in ("seen", "users"))
    threads = tuple(ThreadState("pool", None, None, 0.25, None) for _ in range(2))
    snapshot = made.snapshot()
    snapshot = replace(snapshot, memory=replace(snapshot.memory, caches=caches), threads=threads)
    keys = [(*reading[:2], reading.labels) for reading in readings(snapshot)]
    assert len(set(keys)) == len(keys)
    assert ("pipeline.cache.length", "transform", (("cache", "users"),)) in keys
    for metric in METRICS:
        labels = [sample.labels for sample in metric.samples(snapshot)]
        assert len(set(labels)) == len(labels), metric.label
    (pool,) = metric_named("process.thread.cpu").samples(snapshot)
    assert pool.value == 0.5


def test_nothing_is_read_of_a_run_that_has_not_begun() -> None:
    snapshot = made.Bench().collector.snapshot
    known = {reading.metric: reading.value for reading in readings(snapshot)}
    assert known["pipeline.records.in_flight"] == 0
    assert "pipeline.records.rate" not in known
    assert all(math.isfinite(value) for value in known.values())


def test_the_histograms_are_those_of_a_distribution() -> None:
    times = [metric for metric in METRICS if metric.kind == "histogram"]
    assert [metric.name for metric in times] == ["pipeline.record.latency", "pipeline.stage.latency"]
    assert all(isinstance(metric.of, Times) for metric in times)


def test_the_document_is_up_to_date() -> None:
    assert metrics_table.TARGET.read_text(encoding="utf-8") == metrics_table.page(), (
        "python -m docs.metrics_table"
    )
