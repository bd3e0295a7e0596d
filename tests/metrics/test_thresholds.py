from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.definitions.measures import MEASURES
from metrics.definitions.thresholds import ThresholdResult, parse
from metrics.snapshot import Latency, Resources, Throughput
from pipeline.errors import ConfigurationError
from tests.metrics.made import MEBI, records, snapshot, stage

LOST = records(read=1000, delivered=937, rejected=60, lost_ids=["orders/a.csv:3"] * 3)
RUN = snapshot(
    run=LOST,
    stages=[
        stage("Validation", rejected=50),
        stage("transform", latency=Latency(1000, 90.0, 80.0, 250.0, 260.0, 300.0)),
    ],
    resources=Resources(5, 9, 3, 4),
)


def result(text: str) -> ThresholdResult:
    return parse(text).evaluate(RUN)


@pytest.mark.parametrize(
    ("text", "value", "passed"),
    [
        ("lost>0", 3, False),
        ("lost > 3", 3, True),
        ("LOST>=3", 3, False),
        ("duplicated>0", 0, True),
        ("duplicated==0", 0, False),
        ("read!=1_000", 1000, True),
        ("p95(transform)>200ms", 250, False),
        ("p95( TRANSFORM ) > 0.2s", 250, False),
        ("p95(transform)>250000us", 250, True),
        ("p99>95", 95, True),
        ("max<1s", 99, False),
        ("latency>45ms", 45.2, False),
        ("mean(transform)>1min", 90, True),
        ("rate<1000", 1000 / 60, False),
        ("rate<16/s", 1000 / 60, True),
        ("rate(transform)<1000/min", 16.7, True),
        ("error_rate>1%", 60 / 997, False),
        ("error_rate>0.1", 60 / 997, True),
        ("error_rate(validation)>4%", 0.05, False),
        ("rejected>59", 60, False),
        ("rejected(validation)>50", 50, True),
        ("rss_slope>1KB/record", 0.5, True),
        ("rss_slope>0.0004 KiB/record", 0.5, False),
        ("rss>45MB", 45_000_000, True),
        ("rss>40MiB", 45_000_000, False),
        ("rss_growth>0.1MB", 45_000_000 - 40 * MEBI, False),
        ("fds_growth>0", 4, False),
        ("threads_growth>1", 1, True),
        ("busy(transform)>20%", 0.25, False),
        ("duration>2min", 60.0, True),
        ("events_lost>0", 0, True),
    ],
)
def test_what_it_says_is_what_is_measured(text: str, value: float, passed: bool) -> None:
    found = result(text)
    assert found.value == pytest.approx(value)
    assert found.passed is passed
    assert (found.problem is None) is passed


@pytest.mark.parametrize(
    "text", ["p95(nosuchstage)>1ms", "p95(Validation)>1ms", "queue_peak(transform)>1", "rate<1"]
)
def test_what_cannot_be_measured_does_not_pass(text: str) -> None:
    empty = replace(RUN, throughput=Throughput(0, 0.0, 0.0))
    assert parse(text).evaluate(empty) == ThresholdResult(text, None, False, f"{text} could not be measured")


def test_a_failure_tells_the_number() -> None:
    assert result("p95(TransForm)>200ms").problem == "p95(TransForm)>200ms: p95 of TransForm is 250 ms"


@pytest.mark.parametrize(
    ("text", "says", "marked"),
    [
        ("losst>0", "did you mean 'lost'?", "^^^^^"),
        ("p95(trasnform)>1ms", "did you mean 'transform'?", "    ^^^^^^^^^"),
        ("p95()>1ms", "there is no stage ''", "    ^"),
        ("", "a threshold begins with a measure", "^"),
        (">0", "a threshold begins with a measure", "^"),
        ("lost", "a comparison is missing here", "    ^"),
        ("lost=0", "a comparison is missing here", "    ^"),
        ("lost>", "a number is missing here; write lost>0", "     ^"),
        ("lost>many", "a number is missing here", "     ^"),
        ("lost>1ms", "it is a plain number", "      ^^"),
        ("lost>1 2", "lost cannot be given in '2'", "       ^"),
        ("p95>1KB", "use one of: ms, us, µs, s, min", "     ^^"),
        ("rss_slope>1KB", "B/record, KB/record", "           ^^"),
        ("busy>0.5", "name the stage: busy(STAGE)", "    ^"),
        ("rss(transform)>1MB", "write rss alone", "   ^^^^^^^^^^^"),
        ("error_rate>5", "write 5% for percent", "           ^"),
        ("lost>1e999", "this number is too large", "     ^^^^^"),
    ],
)
def test_a_wrong_one_says_what_where_and_what_to_do(text: str, says: str, marked: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse(text, stages=["validation", "transform"])
    message, shown, caret = str(caught.value).split("\n")
    assert message.startswith("--fail-if: ")
    assert says in message
    assert shown == "  " + text
    assert caret == "  " + marked


def test_the_stage_is_named_as_the_pipeline_names_it() -> None:
    assert parse("p95(TRANSFORM)>1ms", ["Transform"]).stage == "Transform"


@given(st.text(max_size=30))
def test_any_text_is_a_threshold_or_a_clear_error(text: str) -> None:
    try:
        parsed = parse(text, ["transform"])
    except ConfigurationError:
        return
    assert parsed.evaluate(RUN).expr == text.strip()


@pytest.mark.parametrize("name", MEASURES)
def test_every_measure_has_an_example_that_parses(name: str) -> None:
    measure = MEASURES[name]
    of = "(transform)" if measure.of_run is None else ""
    threshold = parse(f"{name}{of}>{measure.unit.example}")
    assert threshold.measure == name
    threshold.evaluate(RUN)
