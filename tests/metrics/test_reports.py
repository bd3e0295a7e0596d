from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from metrics.definitions.thresholds import ThresholdResult
from metrics.memory_state import MemoryState
from metrics.report import RunReport, SinkInfo
from metrics.report.baseline import Change, Comparison
from metrics.report.history import Line
from metrics.report.html import to_html
from metrics.report.json import document, to_json
from metrics.report.junit import to_junit
from metrics.report.markdown import to_markdown
from metrics.reporter import FORMATS, check_target, renderer, write
from metrics.snapshot import Notice, QueueState, Reason, Snapshot, SourceState, Throughput
from metrics.verdict import exit_code, judge
from pipeline.errors import ConfigurationError
from tests.metrics.made import (
    LATENCY,
    anomaly,
    cache,
    census,
    diagnosis,
    fault,
    records,
    report,
    snapshot,
    stage,
)

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "report.schema.json").read_text(encoding="utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA)

CONTRACT = [
    "schema", "pipeline", "status", "exit_code", "started_at", "duration_s", "seed", "records", "sources",
    "stages", "throughput", "latency_ms", "error_rate", "memory", "resources", "anomalies", "faults",
    "thresholds", "diagnosis",
]  # fmt: skip


POINTS = ((0.0, 1.0), (1.0, 4.0), (2.0, 0.0))
HISTORY = (
    Line("pipeline.records.rate", None, POINTS),
    Line("pipeline.record.latency", None, ((0.0, float("nan")), *POINTS[1:])),
    Line("process.memory.rss", None, POINTS),
)
CHANGES = (Change("throughput", "<i>|`", 1.0, 2.0, False, False, "<i>|`"),)


def eventful(text: str = "<b>|`x`\x1b[31m\n注文") -> Snapshot:
    """A run in which everything happened, with ``text`` wherever the pipeline has a say."""
    state = snapshot(
        pipeline=text,
        run=records(read=100, delivered=80, rejected=15, lost_ids=[text] * 5),
        stages=[stage(text, latency=LATENCY, queue=QueueState(0, 9, 9, 0)), stage("output", progress=None)],
        sources=[SourceState(text, text, 100, 80, 0, 15, 0, 5, 100, True, text)],
        disagreements=[text],
        problem=text,
        traceback=f"Traceback:\n  {text}",
    )
    return replace(
        state,
        rejections=(Reason(text, text, 15),),
        notices=(Notice(1.0, "error", text),),
        memory=replace(state.memory, caches=(cache(text),), census=census(text)),
        anomalies=(replace(anomaly(text), metric=text, stage=text),),
        faults=(replace(fault(text), name=text, stage=text, params=((text, text),)),),
        diagnosis=diagnosis(text),
    )


def made(state: Snapshot, thresholds: tuple[ThresholdResult, ...] = ()) -> RunReport:
    judged = judge(state, thresholds)
    return replace(
        report(judged, thresholds, exit_code=exit_code(judged, thresholds), dead_letters="bad.jsonl"),
        sink=SinkInfo("sqlite out.db", "exactly once"),
        history=HISTORY
        + tuple(Line("pipeline.stage.latency", row.name, POINTS) for row in judged.stages)
        + tuple(Line("pipeline.stage.queue.fill", row.name, POINTS) for row in judged.stages),
        comparison=Comparison(state.pipeline, state.pipeline, CHANGES) if state.problem else None,
    )


def test_the_document_has_the_keys_of_the_contract_in_its_order() -> None:
    found = document(made(snapshot()))
    assert list(found)[: len(CONTRACT)] == CONTRACT
    assert SCHEMA["required"] == CONTRACT
    assert (found["schema"], found["status"], found["exit_code"], found["seed"]) == (1, "healthy", 0, 7)
    assert found["started_at"] == "2024-05-01T12:00:00+00:00"
    assert found["throughput"] == {"records_per_s": 1000 / 60, "window_s": 60.0}
    assert found["memory"] == {
        "rss_start_bytes": 41_943_040,
        "rss_end_bytes": 45_000_000,
        "rss_peak_bytes": 46_000_000,
        "slope_bytes_per_record": 0.5,
        "verdict": "stable",
        "caches": [],
        "types": [],
        "confidence": None,
        "slope_bounds": [None, None],
        "holders": {},
    }
    assert found["dead_letters"] == "bad.jsonl"
    assert found["sink"] == {
        "name": "sqlite out.db",
        "guarantee": "exactly once",
        "may_be_twice": 0,
        "may_be_twice_ids": [],
    }


@pytest.mark.parametrize(
    "state",
    [
        snapshot(),
        eventful(),
        snapshot(run=records(), stages=[], latency=None, throughput=Throughput(0, 0.0, 0.0)),
        snapshot(memory=MemoryState(1, 2, 3, None, "unknown", ())),
        snapshot(memory=MemoryState(1, 2, 3, float("nan"), "unknown", ())),
    ],
)
def test_the_document_keeps_to_its_schema(state: Snapshot) -> None:
    limits = (ThresholdResult("rate<1", 5.0, True), ThresholdResult("p95(x)>1ms", None, False, "unknown"))
    VALIDATOR.validate(json.loads(to_json(made(state, limits))))


def test_the_document_tells_what_was_found() -> None:
    found = document(made(eventful("x")))
    assert found["anomalies"] == [
        {
            "metric": "x",
            "stage": "x",
            "kind": "step",
            "at_s": 31.0,
            "ended_s": None,
            "value": 90.0,
            "expected": [4.0, 6.0],
            "severity": "warning",
            "text": "x",
        }
    ]
    memory = found["memory"]
    assert isinstance(memory, dict)
    assert memory["caches"] == [
        {
            "name": "x",
            "stage": "transform",
            "len": 960,
            "bytes": 246_000,
            "verdict": "growing",
            "bytes_per_record": 256.0,
            "declared": False,
            "place": "orders.py: x",
        }
    ]
    assert memory["types"] == [
        {"type": "x", "count": 960, "bytes": 246_000, "count_delta": 900, "bytes_delta": 230_000}
    ]
    said = found["diagnosis"]
    assert isinstance(said, dict)
    assert said["state"] == "concluded"
    assert [item["cause"] for item in said["conclusions"]] == ["leak"]
    # That it is healthy is a state, not a cause.
    assert [item["cause"] for item in said["ruled_out"]] == ["warm_up"]


@pytest.mark.parametrize("state", ["running", "concluded", "undetermined", "healthy"])
def test_a_diagnosis_in_any_state_keeps_to_the_schema(
    state: Literal["running", "concluded", "undetermined", "healthy"],
) -> None:
    asked = replace(snapshot(), diagnosis=replace(diagnosis(), state=state))
    found = json.loads(to_json(made(asked)))
    VALIDATOR.validate(found)
    assert found["diagnosis"]["state"] == ("undetermined" if state == "running" else state)


def test_a_file_name_that_is_not_unicode_survives() -> None:
    source = SourceState("orders", "caf\udce9.csv", 0, 0, 0, 0, 0, 0, None, True, None)
    text = to_json(made(snapshot(sources=[source])))
    assert json.loads(text.encode("utf-8"))["sources"][0]["partition"] == "caf\udce9.csv"


class Tags(HTMLParser):
    """Collects what a browser would see."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.open: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href", "onload")]
        if tag not in ("meta", "polyline"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag != "polyline":
            assert self.open.pop() == tag


def tags(text: str) -> Tags:
    parser = Tags()
    parser.feed(text)
    parser.close()
    return parser


@given(st.text(max_size=40))
def test_nothing_in_the_pipeline_can_be_markup(text: str) -> None:
    run, plain = made(eventful(f"<script>{text}</script>")), made(eventful("plain"))
    seen, expected = tags(to_html(run)), tags(to_html(plain))
    assert seen.tags == expected.tags
    assert (seen.open, seen.links) == ([], [])
    for line in to_markdown(run).splitlines():
        assert "<script>" not in line or line.startswith("    ")
    ET.fromstring(to_junit(run).encode("utf-8"))
    VALIDATOR.validate(json.loads(to_json(run)))


def test_the_html_needs_nothing_from_elsewhere_and_knows_the_dark() -> None:
    text = to_html(made(eventful()))
    assert "prefers-color-scheme: dark" in text
    assert "http" not in text
    assert "url(" not in text
    assert "Of 100 input records, 5 LOST." in text


def test_the_charts_tell_what_they_show_to_those_who_cannot_see_them() -> None:
    state = replace(snapshot(elapsed_s=60.0), anomalies=(anomaly("<b>slow"),), faults=(fault(),))
    page = to_html(made(state))
    pictures = [picture for picture in page.split("<svg ") if "role=" in picture]
    assert len(pictures) == 6, "rate, latency, that of the stages, queues, memory, and what happened when"
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    for picture in pictures:
        named = re.search(r'aria-labelledby="(\w+) (\w+)"', picture)
        assert named is not None
        assert set(named.groups()) <= set(ids)
        assert "<desc " in picture
        assert "nan" not in picture
    assert "0.0 to 4.0, 0.0 at the end" in page
    assert "&lt;b&gt;slow" in page
    assert "<b>slow" not in page
    # Told apart without colours, too.
    dashes = {re.search(r'stroke-dasharray="([^"]+)"', line) for line in re.findall("<polyline [^>]+>", page)}
    assert len(dashes) > 1


def test_a_run_without_a_history_shows_what_it_knows_and_one_without_anything_nothing() -> None:
    assert "Records per second" in to_html(replace(made(snapshot()), history=()))
    nothing = replace(snapshot(memory=MemoryState(1, 2, 3, None, "unknown", ())), rate_history=())
    assert "Over time" not in to_html(replace(made(nothing), history=()))


def test_the_reports_for_people_tell_what_was_found() -> None:
    state = replace(
        snapshot(),
        anomalies=(anomaly(),),
        diagnosis=diagnosis(),
        memory=replace(snapshot().memory, caches=(cache(),), census=census()),
    )
    for text in (to_html(made(state)), to_markdown(made(state)).replace("\\", "")):
        for said in (
            "higher than before",
            "orders.py: seen",
            "256 bytes",
            "leak (",
            "97% sure",
            "builtins.dict",
        ):
            assert said in text
        assert "+seen is never cleared" in text


def test_the_markdown_keeps_its_tables_in_shape() -> None:
    text = to_markdown(made(eventful()))
    assert text.startswith("# Pipeline \\<b\\>\\|\\`x\\`\\\\x1b\\[31m\\\\n注文: failed\n")
    rows: list[str] = []
    for line in text.splitlines():
        if line.startswith("|"):
            rows.append(line.replace("\\|", ""))
            assert rows[0].count("|") == rows[-1].count("|")
        else:
            rows.clear()


def test_junit_fails_the_cases_that_do_not_hold() -> None:
    limits = (ThresholdResult("rate<9", 5.0, False, "rate is 5"), ThresholdResult("lost>9", 5.0, True))
    suite = ET.fromstring(to_junit(made(eventful(), limits)))[0]
    failed = {case.get("name") for case in suite if case.find("failure") is not None}
    assert failed == {
        "the run does not fail",
        "no record is lost",
        "the books agree",
        "at most 5% of the records are rejected",
        "fail if rate<9",
    }
    assert (suite.get("tests"), suite.get("failures")) == ("12", "5")


@pytest.mark.parametrize("state", [snapshot(), eventful()])
@pytest.mark.parametrize("interrupted", [False, True])
def test_junit_is_green_just_when_the_exit_code_is_zero(state: Snapshot, interrupted: bool) -> None:
    judged = judge(state, interrupted=interrupted)
    code = exit_code(judged, interrupted=130 if interrupted else None)
    suite = ET.fromstring(to_junit(report(judged, exit_code=code)))[0]
    red = int(suite.get("failures", "0")) + int(suite.get("errors", "0"))
    assert (red == 0) == (code == 0)


def test_the_ending_of_the_name_says_which_format(tmp_path: Path) -> None:
    for ending, name in FORMATS.items():
        path = tmp_path / f"report{ending.upper()}"
        render = renderer(path)
        assert render.__name__ == name.partition(".")[2]
        check_target(path, "--report")
        write(made(eventful()), path, render, "--report")
        assert path.read_bytes().decode("utf-8")


def test_a_report_that_cannot_be_written_is_told_before_the_run(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"'\.htmk'.*\.md.*Did you mean 'report\.html?'\?"):
        renderer(Path("report.htmk"))
    with pytest.raises(ConfigurationError, match="its name has no ending"):
        renderer(Path("report"))
    with pytest.raises(ConfigurationError, match="there is no folder"):
        check_target(tmp_path / "no" / "report.md", "--report")
    with pytest.raises(ConfigurationError, match="this is a folder"):
        check_target(tmp_path, "--report")
    with pytest.raises(ConfigurationError, match="could not be written"):
        write(made(snapshot()), tmp_path, to_markdown, "--report")
