from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.definitions.thresholds import ThresholdResult
from metrics.memory_state import MemoryState
from metrics.snapshot import Records, Snapshot
from metrics.verdict import checks, exit_code, judge
from tests.metrics.made import MEBI, records, snapshot

SOUND = records(read=1000, delivered=1000)
LOST = records(read=1000, delivered=993, lost_ids=[f"orders/a.csv:{at}" for at in range(7)])
TWICE = records(read=10, delivered=10, duplicated_ids=["orders/a.csv:4"])
MANY_REJECTED = records(read=1000, delivered=900, rejected=100)
GROWING = MemoryState(40 * MEBI, 90 * MEBI, 90 * MEBI, 2048.0, "growing", ())
FAILED_LIMIT = ThresholdResult("rate<9", 5.0, False, "rate<9: rate is 5 /s")


@pytest.mark.parametrize(
    ("state", "status", "code", "says"),
    [
        (snapshot(), "healthy", 0, ""),
        (snapshot(run=records(read=1000, delivered=975, rejected=25)), "healthy", 0, ""),
        (snapshot(run=LOST), "unhealthy", 3, "7 records lost: orders/a.csv:0, orders/a.csv:1"),
        (snapshot(run=TWICE), "unhealthy", 3, "1 record duplicated: orders/a.csv:4"),
        (snapshot(problem="transform: ValueError: no"), "failed", 1, "transform: ValueError: no"),
        (snapshot(problem="boom", run=LOST), "failed", 1, "boom"),
        (snapshot(run=MANY_REJECTED), "degraded", 4, "the error rate is 10.0% (100 of 1,000 records)"),
        (snapshot(memory=GROWING), "degraded", 4, "memory grows by 2.0 KB a record, from 42 MB to 94 MB"),
        (
            snapshot(disagreements=["a gave 2, b took 1"]),
            "degraded",
            4,
            "the books disagree: a gave 2, b took 1",
        ),
        (snapshot(events_lost=3), "degraded", 4, "3 events lost by the monitor"),
    ],
)
def test_the_status_the_reason_and_the_exit_code(state: Snapshot, status: str, code: int, says: str) -> None:
    judged = judge(state)
    assert judged.status == status
    assert exit_code(judged) == code
    assert says in " | ".join(judged.reasons)
    assert bool(judged.reasons) == (status != "healthy")


def test_a_threshold_degrades_a_run_that_is_healthy_otherwise() -> None:
    judged = judge(snapshot(), [FAILED_LIMIT])
    assert (judged.status, judged.reasons) == ("degraded", ("rate<9: rate is 5 /s",))
    assert exit_code(judged, [FAILED_LIMIT]) == 4
    assert exit_code(judge(snapshot()), [FAILED_LIMIT]) == 4


def test_an_interruption_hides_no_damage_but_is_not_held_against_limits() -> None:
    in_flight = records(read=100, delivered=88, in_flight=12)
    judged = judge(snapshot(run=in_flight), [FAILED_LIMIT], interrupted=True)
    assert judged.status == "interrupted"
    assert "the run was interrupted: 12 records in flight, not committed" in judged.reasons
    assert exit_code(judged, [FAILED_LIMIT], interrupted=143) == 143
    assert exit_code(judged, [FAILED_LIMIT]) == 130
    assert exit_code(judge(snapshot(run=LOST), interrupted=True), interrupted=130) == 3
    assert exit_code(judge(snapshot(problem="boom"), interrupted=True), interrupted=130) == 1


def test_a_running_pipeline_is_not_judged_by_its_first_rejects() -> None:
    early = replace(snapshot(run=records(read=10, delivered=1, rejected=1)), phase="running")
    assert judge(early).status == "healthy"
    assert judge(replace(early, phase="ended")).status == "degraded"


runs = st.sampled_from([SOUND, LOST, TWICE, MANY_REJECTED])
problems = st.sampled_from([None, "boom"])


@given(runs, problems, st.booleans(), st.integers(0, 2), st.booleans())
def test_the_code_is_zero_just_when_every_check_holds(
    run: Records, problem: str | None, grows: bool, events_lost: int, limit: bool
) -> None:
    state = snapshot(run=run, problem=problem, memory=GROWING if grows else None, events_lost=events_lost)
    limits = [FAILED_LIMIT] if limit else []
    judged = judge(state, limits)
    faults = {check.fault for check in checks(judged, limits) if check.problem is not None}
    code = exit_code(judged, limits)
    by_fault = {"failed": 1, "unhealthy": 3, "degraded": 4}
    assert code == min((by_fault[fault] for fault in faults), default=0)
    assert (judged.status == "healthy") == (code == 0)
