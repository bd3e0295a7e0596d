"""A diagnosis from the first run to its words, on played runs."""

from __future__ import annotations

from dataclasses import replace

from diagnosis.change import Change
from diagnosis.engine import Diagnoser
from diagnosis.observation import Observation, nothing
from metrics.findings import Diagnosis
from pipeline.clock import ManualClock
from tests.diagnosis.made import (
    Played,
    Rule,
    keeps_every_record,
    loses_the_last_of_each_batch,
    without,
)


def diagnosed(*rules: Rule, told: list[Diagnosis] | None = None) -> Diagnosis:
    """A diagnosis with all the time in the world."""
    heard = told if told is not None else []
    return Diagnoser(Played(*rules), ManualClock(), 1_000.0, progress=heard.append).run().diagnosis


def test_a_sound_pipeline_is_called_healthy() -> None:
    found = diagnosed()
    assert found.state == "healthy"
    assert not found.symptoms
    assert not found.conclusions


def test_the_edge_of_a_batch_is_found_by_its_arithmetic() -> None:
    found = diagnosed(loses_the_last_of_each_batch)
    assert [each.cause for each in found.conclusions] == ["batching"]
    assert found.conclusions[0].confidence >= 0.95
    assert {each.cause for each in found.ruled_out} >= {"race", "leak", "clock"}
    assert all(each.because for each in found.ruled_out)


def test_what_only_grows_is_a_leak_and_stops_when_it_is_emptied() -> None:
    found = diagnosed(keeps_every_record)
    assert [(each.cause, each.stage, each.object) for each in found.conclusions] == [("leak", "work", "kept")]


def test_two_faults_at_once_are_both_found() -> None:
    found = diagnosed(loses_the_last_of_each_batch, keeps_every_record)
    assert {each.cause for each in found.conclusions} == {"batching", "leak"}


def test_each_step_says_beforehand_what_it_expects_and_how_to_repeat_it() -> None:
    told: list[Diagnosis] = []
    found = diagnosed(loses_the_last_of_each_batch, told=told)
    assert [step.number for step in found.log] == list(range(1, len(found.log) + 1))
    for step in found.log:
        assert step.prediction
        assert step.observation
        assert step.odds_before > 0 < step.odds_after
    assert any(each.state == "running" and each.beliefs for each in told)


def test_it_ends_when_its_time_is_over_and_says_so() -> None:
    clock = ManualClock()

    class Slow(Played):
        def launch(self, change: Change, deadline_s: float) -> Observation:
            clock.advance(10.0)
            return super().launch(change, deadline_s)

    found = Diagnoser(Slow(loses_the_last_of_each_batch), clock, 60.0).run().diagnosis
    assert found.state == "undetermined"
    assert "budget of 60 s" in found.doubt
    assert clock.monotonic() <= 70.0


def test_it_ends_when_it_is_stopped_with_what_is_known() -> None:
    asked = iter([False] * 12)
    diagnoser = Diagnoser(
        Played(loses_the_last_of_each_batch), ManualClock(), 1_000.0, stopped=lambda: next(asked, True)
    )
    found = diagnoser.run().diagnosis
    assert found.state == "undetermined"
    assert found.symptoms
    assert "stopped" in found.doubt


def test_nobody_is_sure_of_what_nothing_explains() -> None:
    def loses_a_few_anywhere(change: Change, run: Observation) -> Observation:
        # Each run other records, in one thread as well, whatever the size of batches.
        seed = hash((change, len(calls)))
        calls.append(change)
        ids = list(run.hashes)
        return without(run, [ids[(seed * 7919 + each * 104_729) % len(ids)] for each in range(3) if ids])

    calls: list[Change] = []
    found = diagnosed(loses_a_few_anywhere)
    assert found.state == "undetermined"
    assert found.doubt
    assert found.next


def test_a_pipeline_that_cannot_be_started_is_told() -> None:
    def refused(_change: Change, _run: Observation) -> Observation:
        return replace(nothing("refused", "there is no such file", 0.1))

    found = Diagnoser(Played(refused), ManualClock(), 1_000.0).run()
    assert found.as_is is not None
    assert found.as_is.problem == "there is no such file"


def test_the_pipelines_own_sink_is_used_once_at_most() -> None:
    played = Played(loses_the_last_of_each_batch)
    Diagnoser(played, ManualClock(), 1_000.0).run()
    assert sum(change.sink == "own" for change in played.changes) == 1


def test_what_shows_only_in_the_own_sink_is_not_tried_there_again_unless_allowed() -> None:
    def slow_in_the_sink(change: Change, run: Observation) -> Observation:
        return replace(run, duration_s=2.0, sink_waits_s=1.9) if change.sink == "own" else run

    played = Played(slow_in_the_sink)
    found = Diagnoser(played, ManualClock(), 1_000.0).run().diagnosis
    assert [each.cause for each in found.conclusions] == ["slow_sink"]
    assert not found.conclusions[0].verified
    assert sum(change.sink == "own" for change in played.changes) == 1
