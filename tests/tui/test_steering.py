from __future__ import annotations

from tests.tui.made import FakeRun, snapshot
from tui.steering import Steering


def steering(run: FakeRun) -> tuple[Steering, list[str]]:
    told: list[str] = []
    return Steering(run, tell=told.append), told


def test_pausing_twice_before_the_run_answers_resumes() -> None:
    run = FakeRun()
    steer, _ = steering(run)
    steer.pause()
    steer.pause()
    steer.pause()
    assert run.calls == ["pause", "resume", "pause"]


def test_once_the_run_has_answered_its_state_counts() -> None:
    run = FakeRun()
    steer, _ = steering(run)
    steer.pause()
    run.show(phase="paused")
    steer.observe(run.snapshot)
    run.show(phase="running")
    steer.observe(run.snapshot)
    steer.pause()
    assert run.calls == ["pause", "pause"]


def test_a_step_pauses_so_that_p_resumes() -> None:
    run = FakeRun()
    steer, _ = steering(run)
    steer.step_record()
    steer.pause()
    assert run.calls == ["step_record", "resume"]


def test_raising_twice_before_the_run_answers_raises_twice() -> None:
    run = FakeRun(snapshot(rate_limit=10.0))
    steer, told = steering(run)
    steer.faster()
    steer.faster()
    assert run.calls == [("set_rate", 15.0), ("set_rate", 22.5)]
    assert "22.5" in told[-1]


def test_without_a_limit_there_is_nothing_to_raise_and_lowering_starts_from_the_present_rate() -> None:
    run = FakeRun(snapshot(rate_limit=None))
    steer, told = steering(run)
    steer.faster()
    assert run.calls == []
    assert "No rate limit" in told[0]
    steer.slower()
    assert run.calls == [("set_rate", 16.7 / 1.5)]


def test_the_rate_never_falls_to_nothing() -> None:
    run = FakeRun(snapshot(rate_limit=0.1))
    steer, _ = steering(run)
    steer.slower()
    assert run.calls == [("set_rate", 0.1)]
