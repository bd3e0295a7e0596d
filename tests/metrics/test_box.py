from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wcwidth import wcswidth

from metrics.memory_state import MemoryState
from metrics.report.box import MAX_WIDTH, box
from metrics.snapshot import Throughput
from metrics.verdict import judge
from tests.metrics.made import MEBI, anomaly, records, report, snapshot, stage

HEALTHY = """\
╔══════════════════════════════════════════════════════════╗
║                DATA PIPELINE MONITOR v2.0                ║
╠══════════════════════════════════════════════════════════╣
║  PIPELINE STATUS: ● HEALTHY                              ║
║  Stage: Ingestion    [████████████████████] 100%         ║
║  Stage: Validation   [████████████████████] 100%         ║
║  Stage: Transform    [████████████████████] 100%         ║
║  Stage: Output       [████████████████████] 100%         ║
║  METRICS (last 60s):                                     ║
║  ├─ Records Processed: 1,000                             ║
║  ├─ Throughput: 16.7 rec/sec                             ║
║  ├─ Avg Latency: 45ms                                    ║
║  ├─ Error Rate: 0.0%                                     ║
║  └─ Memory: 45 MB (stable)                               ║
║  All 1,000 input records successfully processed.         ║
╚══════════════════════════════════════════════════════════╝"""

UNHEALTHY = """\
+=================================================================+
|                   DATA PIPELINE MONITOR v2.0                    |
+=================================================================+
|  PIPELINE STATUS: * UNHEALTHY                                   |
|  - 2 records lost: \\u6ce8\\u6587/a.csv:8, \\u6ce8\\u6587/a.csv:99  |
|  Stage: Read          [####################] 100%               |
|  Stage: \\xdcbersetzen [##########..........] 50%                |
|  Stage: Write         [....................] 0 records          |
|  METRICS (last 12.3s):                                          |
|  |- Records Processed: 98                                       |
|  |- Throughput: 8.0 rec/sec                                     |
|  |- Avg Latency: n/a                                            |
|  |- Error Rate: 0.0%                                            |
|  `- Memory: 94 MB (unknown: too short a run)                    |
|  Of 100 input records, 2 LOST.                                  |
+=================================================================+"""


def test_a_healthy_run() -> None:
    assert box(report()) == HEALTHY


def test_an_unhealthy_run_in_ascii() -> None:
    state = snapshot(
        run=records(read=100, delivered=98, lost_ids=["注文/a.csv:8", "注文/a.csv:99"]),
        stages=[
            stage("read"),
            stage("übersetzen", progress=0.509),
            stage("write", taken=0, progress=None),
        ],
        throughput=Throughput(98, 12.3, 98 / 12.3),
        elapsed_s=12.3,
        latency=None,
        memory=MemoryState(40 * MEBI, 90 * MEBI, 90 * MEBI, None, "unknown", ()),
    )
    text = box(report(judge(state)), unicode=False)
    assert text.isascii()
    assert text == UNHEALTHY


def test_a_long_run_says_what_is_of_the_window_and_what_of_the_whole() -> None:
    state = snapshot(run=records(read=336_776, delivered=328_521, rejected=8_255), elapsed_s=600.0)
    shown = box(report(state, dead_letters="out/rejected.jsonl"))
    assert max(map(len, shown.splitlines())) <= 80
    text = " ".join(line.strip("║ ") for line in shown.splitlines())
    assert "METRICS (last 60s):" in text
    assert "Records Processed: 1,000 (336,776 records read in the whole run)" in text
    assert "Error Rate: 2.5% (whole run)" in text
    assert "All 336,776 input records accounted for: 328,521 delivered, 8,255 rejected." in text
    assert "Rejected records: out/rejected.jsonl" in text


def test_what_is_not_quite_done_is_not_100_percent() -> None:
    text = box(report(snapshot(stages=[stage(progress=0.9999)])))
    assert "[███████████████████░] 99%" in text


def test_a_run_that_failed_says_so_and_claims_no_success() -> None:
    state = judge(snapshot(problem="transform: ValueError: no"))
    text = box(report(state, exit_code=1))
    assert "● FAILED" in text
    assert "- transform: ValueError: no" in text
    assert "successfully" not in text
    assert "The run ended after 1,000 input records: 1,000 delivered." in text


@pytest.mark.parametrize("name", ["\x1b[31mred", "two\nlines", "tab\tbed", "\u202eturned", "\x00"])
def test_control_characters_are_shown_not_obeyed(name: str) -> None:
    text = box(report(snapshot(stages=[stage(name)])))
    assert all(line.isprintable() for line in text.splitlines())
    assert "Stage: " in text
    assert len(text.splitlines()) == 13


names = st.text(max_size=120)


@given(names, names, st.lists(names, max_size=4), st.booleans())
def test_every_line_is_equally_wide(name: str, id: str, problems: list[str], unicode: bool) -> None:
    state = judge(
        snapshot(
            run=records(read=2, delivered=1, lost_ids=[id]),
            stages=[stage(name), stage("注文の検証"), stage("e\u0301te\u0301" * 9)],
            disagreements=problems,
        )
    )
    lines = box(report(state, dead_letters=name), unicode=unicode).split("\n")
    assert len({wcswidth(line) for line in lines}) == 1
    assert 60 <= wcswidth(lines[0]) <= MAX_WIDTH + 2
    assert all(line.isprintable() for line in lines)


def test_anomalies_that_did_no_harm_are_told_and_cannot_break_the_frame() -> None:
    told = replace(snapshot(), anomalies=(anomaly("one"), anomaly("a\x1b[31m\nb")))
    text = box(report(told))
    assert "2 anomalies that did no harm, the last: a\\x1b[31m\\nb" in text
    assert "\x1b" not in text
    assert "1 anomaly that" in box(report(replace(told, anomalies=(anomaly("one"),))))
    assert "anomal" not in box(report(snapshot()))
