"""A diagnosis from the first run to its words, on played runs."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from diagnosis.change import Change
from diagnosis.engine import Diagnoser
from diagnosis.observation import Machine, Observation, Sample, StageShape, nothing
from diagnosis.symptoms import slowing
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


def test_a_batch_of_the_stages_own_is_found_by_the_distance_of_what_it_loses() -> None:
    def loses_every_sixty_fifth(_change: Change, run: Observation) -> Observation:
        ids = list(run.hashes)
        return without(run, [ids[at] for at in range(64, len(ids), 65)])

    found = diagnosed(loses_every_sixty_fifth)
    assert [each.cause for each in found.conclusions] == ["batching"]
    assert any("every 65 records" in step.observation for step in found.log)


def test_a_distance_that_the_input_has_is_not_taken_for_a_batch() -> None:
    def rejects_every_sixty_fifth_of_the_input(_change: Change, run: Observation) -> Observation:
        return without(run, [id for id in run.hashes if int(id.rpartition(":")[2]) % 65 == 64])

    found = diagnosed(rejects_every_sixty_fifth_of_the_input)
    assert all(each.cause != "batching" for each in found.conclusions)


def test_a_race_that_changes_all_records_each_time_is_told_by_their_contents() -> None:
    runs: list[Change] = []

    def numbers_out_of_order(change: Change, run: Observation) -> Observation:
        workers = 1 if change.workers == 1 else 4
        run = replace(run, stages=(run.stages[0], StageShape("work", "function", workers)))
        if workers == 1 or change.lock or (change.only is not None and len(change.only) == 1):
            return run
        runs.append(change)
        return replace(run, hashes={id: f"{len(runs)}/{id}" for id in run.hashes})

    found = diagnosed(numbers_out_of_order)
    assert [each.cause for each in found.conclusions] == ["race"]
    assert any("different contents" in step.observation for step in found.log)


@pytest.mark.parametrize(("gc_s", "cpu_s"), [(0.09, 0.2), (0.4, 4.0)], ids=["next to nothing", "a tenth"])
def test_a_collector_that_takes_little_is_no_symptom(gc_s: float, cpu_s: float) -> None:
    def collects(_change: Change, run: Observation) -> Observation:
        return replace(run, machine=replace(run.machine, gc_s=gc_s, cpu_s=cpu_s))

    assert diagnosed(collects).state == "healthy"


def test_a_collector_that_takes_the_time_once_is_no_symptom() -> None:
    def collects_at_first(change: Change, run: Observation) -> Observation:
        gc_s = 1.0 if change.sink == "own" else 0.0
        return replace(run, duration_s=1.5, machine=replace(run.machine, gc_s=gc_s, cpu_s=1.5))

    assert diagnosed(collects_at_first).state == "healthy"


def test_why_it_is_no_other_cause_is_said_in_a_sentence() -> None:
    found = diagnosed(loses_the_last_of_each_batch)
    told = {each.cause: each.because for each in found.ruled_out}
    assert told["leak"].startswith("leak mostly shows as a container that grows and grows; what was seen: ")
    assert not any("it had said" in because or "?" in because for because in told.values())


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
        calls.append(change)
        ids = list(run.hashes)
        return without(run, random.Random(len(calls)).sample(ids, min(3, len(ids))))

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


@pytest.mark.parametrize(
    ("late_cpu_s", "run_wait", "slower"),
    [(0.001, 0.6, False), (0.003, 0.6, True), (0.00001, 0.0, True)],
    ids=["others have the processor", "it computes more and more", "it waits more and more"],
)
def test_a_record_takes_longer_only_where_it_is_the_pipelines_own_doing(
    late_cpu_s: float, run_wait: float, slower: bool
) -> None:
    # Batches of ten; the second half takes three times as long by the clock.
    at, cpu, walls, samples = 0.0, 0.1, [], []
    for batch in range(60):
        late = batch >= 30
        at += 0.03 if late else 0.01
        cpu += 10 * (late_cpu_s if late or late_cpu_s < 0.0005 else 0.001)
        walls.append((10 * (batch + 1), at))
        samples.append(Sample(10 * (batch + 1), at, 0, 0, 0, 0, 0, 0, cpu))
    run = replace(
        nothing("complete", "", at),
        batch_at=tuple(walls),
        samples=tuple(samples),
        machine=Machine(run_wait=run_wait),
    )
    assert (slowing(run) > 1.5) is slower


def test_partitions_of_which_each_run_reads_other_records_are_not_taken_for_changed_contents() -> None:
    def takes_turns(change: Change, run: Observation) -> Observation:
        # So many records in all: how many of them are from where depends on the size of a batch.
        share = len(run.hashes) // 2 + (change.batch_size or 7) % 13
        ids = [f"made/{name}:{at}" for name, many in (("a", share), ("b", 600 - share)) for at in range(many)]
        return replace(run, hashes={id: id for id in ids}, partitions=("made/a", "made/b"))

    assert diagnosed(takes_turns).state == "healthy"
