"""Whatever the pipeline, and in whatever order its parts move: nothing is lost, nothing comes twice."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.clock import ManualClock
from pipeline.deterministic import DeterministicDriver
from pipeline.engine import Engine
from pipeline.events import EventBus, StageWorked
from pipeline.tasks import chain, slices
from tests.pipeline.plans import STATEFUL, Plan, ReadLog, make_plan
from tests.pipeline.verdict import Ran, check

SEEDS = 2_000


@dataclass
class Hands:
    """Somebody who pauses, steps, resumes and drains at random, and always looks at the books."""

    engine: Engine
    touch: float
    drain: float
    log: list[str] = field(default_factory=list)

    def between(self, chance: random.Random) -> None:
        engine = self.engine
        counts = engine.ledger.counts()
        assert counts.balanced, counts
        assert counts.in_flight >= 0, counts
        assert counts.lost == counts.duplicated == 0, counts
        for hop in engine.hops:
            queue = hop.queue
            assert queue.put_records == queue.taken_records + queue.records
        if chance.random() < self.drain:
            self._do("drain", engine.drain)
        if engine.control.paused:
            if chance.random() < 0.15:
                self._do("resume", engine.resume)
            elif chance.random() < 0.3:
                self._do("record", engine.step_record)
            elif chance.random() < 0.3:
                self._do("batch", engine.step_batch)
        elif chance.random() < self.touch:
            self._do("pause", engine.pause)

    def _do(self, name: str, action: object) -> None:
        assert callable(action)
        self.log.append(name)
        action()


def run(plan: Plan, seed: int, letters: Path, touch: float = 0.03, drain: float = 0.0005) -> Ran:
    """Run a plan in an order that the seed chooses."""
    pipeline, sink = plan.build(letters)
    clock, bus, reads = ManualClock(), EventBus(), ReadLog()
    subscription = bus.subscribe(1_000_000)
    engine = Engine(pipeline, plan.options, clock, bus)
    reads.listen(engine.ledger)
    hands = Hands(engine, touch, drain)
    DeterministicDriver(engine, clock, seed).run(hands.between)
    return Ran(engine, sink, reads, subscription.drain(), hands.log)


@pytest.fixture
def letters(tmp_path: Path) -> Path:
    return tmp_path / "letters.jsonl"


@pytest.fixture(params=["stage by stage", "fused"])
def fused(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Small batches go stage by stage and whole; make every other slice of a few records run fused."""
    if request.param == "fused":
        monkeypatch.setattr(chain, "SMALL", 1)
        monkeypatch.setattr(chain, "MEASURED_ONE_IN", 3)
        monkeypatch.setattr(slices, "SLICE_BYTES", 4)
    return bool(request.param == "fused")


plans = st.composite(lambda draw: make_plan(lambda low, high: draw(st.integers(low, high))))


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@pytest.mark.usefixtures("fused")
@given(plan=plans(), seed=st.integers(0, 1 << 30))
def test_any_pipeline_delivers_what_plain_python_says(plan: Plan, seed: int, letters: Path) -> None:
    check(plan, run(plan, seed, letters))


def test_thousands_of_interleavings_lose_nothing(fused: bool, letters: Path) -> None:
    for seed in range(int(fused), SEEDS, 2):
        plan = make_plan(random.Random(seed).randint, records=8)
        try:
            check(plan, run(plan, seed, letters))
        except BaseException as error:
            error.add_note(f"seed {seed}: {plan}")
            raise


def test_the_same_seed_gives_the_same_event_log(letters: Path) -> None:
    for seed in range(60):
        plan = make_plan(random.Random(seed).randint)
        first, again = run(plan, seed, letters), run(plan, seed, letters)
        assert first.events == again.events
        assert first.did == again.did
        assert first.sink.rows == again.sink.rows


def test_other_seeds_give_other_interleavings_of_the_same_result(letters: Path) -> None:
    plan = replace(_plain_plan(), workers=3)
    runs = [run(plan, seed, letters, touch=0, drain=0) for seed in range(10)]
    for ran in runs:
        check(plan, ran)
    assert len({tuple(ran.events) for ran in runs}) == 10


def test_a_batch_has_exactly_as_many_records_as_asked_for(letters: Path) -> None:
    for seed in range(200):
        plan = make_plan(random.Random(seed).randint, records=20)
        plan = replace(plan, batch_size=seed % 7 + 1, limit=None)
        ran = run(plan, seed, letters, touch=0, drain=0)
        check(plan, ran)
        sizes: dict[object, list[int]] = {}
        for event in ran.events:
            if isinstance(event, StageWorked) and event.stage == "ingestion" and event.number >= 0:
                sizes.setdefault(event.partition, []).append(event.taken)
        for taken in sizes.values():
            full = [size for size in taken if size]
            assert full[:-1] == [plan.batch_size] * (len(full) - 1)
            assert not full or full[-1] <= seed % 7 + 1


def test_a_limit_is_read_to_the_record(letters: Path) -> None:
    for limit in range(12):
        plan = replace(_plain_plan(), limit=limit)
        ran = run(plan, limit, letters, drain=0)
        check(plan, ran)
        assert ran.engine.ledger.counts().read == limit


def test_queues_keep_their_bounds(letters: Path) -> None:
    for seed in range(100):
        plan = make_plan(random.Random(seed).randint, records=20)
        ran = run(plan, seed, letters)
        most = max((event.taken for event in ran.events if isinstance(event, StageWorked)), default=0)
        single = max(most, plan.batch_size or 0, 4_096 if any(s.kind in STATEFUL for s in plan.stages) else 0)
        for hop in ran.engine.hops:
            assert hop.queue.peak_records <= max(plan.queue_records, single * len(plan.sources))


def _plain_plan() -> Plan:
    rows: list[tuple[int, int | str]] = [(offset, offset) for offset in range(20)]
    plan = make_plan(random.Random(1).randint)
    sources = {"a": {"p": rows, "q": rows}, "b": {"p": rows}}
    return replace(
        plan, sources=sources, stages=[], batch_size=3, chunk=4, refuse=0, limit=None, queue_records=4
    )
