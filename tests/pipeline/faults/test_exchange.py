"""Putting something into a running engine, and taking it out, loses nothing and tells no untruth.

A function around a stage's, and a stage with a memory in the place of one, that do no harm must be seen by no
oracle. With several workers such a stage may change the order, so that there only the books are looked at.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.clock import ManualClock
from pipeline.deterministic import DeterministicDriver
from pipeline.engine import Engine
from pipeline.events import EventBus, RunFailed
from pipeline.faults.injector import Injector
from pipeline.faults.order import Order, places
from pipeline.faults.spec import Site, Variant
from tests.pipeline.plans import Plan, ReadLog, make_plan
from tests.pipeline.verdict import Ran, check, check_events

AROUND = """
kept = []


def around(call):
    def handle(record):
        kept.append(record)
        return call(record)

    return handle
"""

BLOCKS = """
from pipeline import Stage


class Blocks(Stage):
    def __init__(self, handle):
        self.handle = handle
        self.pending = []

    def process(self, records):
        self.pending += records
        ready, self.pending = self.pending[:-3], self.pending[-3:]
        for record in ready:
            yield from self.handle(record)

    def flush(self):
        ready, self.pending = self.pending, []
        for record in ready:
            yield from self.handle(record)
"""

OUT = """
class Out:
    def __init__(self, sink):
        self.sink = sink

    def __getattr__(self, name):
        return getattr(self.sink, name)

    def write(self, ids, values):
        return self.sink.write(ids, values)
"""

CLEAN = """
def clean(raws):
    return [raw for raw in raws]
"""


def harmless(site: Site, text: str) -> Variant:
    return Variant(f"none.{site}", "healthy", "Does no harm.", "none", "lost", site, text)


def look(plan: Plan, ran: Ran) -> None:
    if all((plan.workers or stage.workers) == 1 for stage in plan.stages):
        check(plan, ran)
        return
    counts = ran.engine.ledger.counts()
    assert counts.balanced
    assert counts.lost == counts.duplicated == counts.in_flight == 0
    assert counts.read == sum(map(len, ran.reads.offsets.values()))
    assert not any(isinstance(event, RunFailed) for event in ran.events)
    check_events(ran)


VARIANTS = (
    harmless("record", AROUND),
    harmless("batch", BLOCKS),
    harmless("sink", OUT),
    harmless("source", CLEAN),
)


@settings(max_examples=120)
@given(data=st.data(), seed=st.integers(0, 1 << 30))
def test_what_does_no_harm_is_not_seen(
    data: st.DataObject, seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    plan = make_plan(lambda low, high: data.draw(st.integers(low, high)))
    folder = tmp_path_factory.mktemp("exchange")
    pipeline, sink = plan.build(folder / "letters.jsonl")
    clock, bus = ManualClock(), EventBus()
    subscription = bus.subscribe(1_000_000)
    reads = ReadLog()
    engine = Engine(pipeline, plan.options, clock, bus)
    reads.listen(engine.ledger)
    injector = Injector(engine, clock, None)

    def between(chance: random.Random) -> None:
        if chance.random() < 0.05:
            variant = chance.choice(VARIANTS)
            possible = places(variant, engine.stages)
            if possible:
                injector.add(Order(variant, chance.choice(possible), ()))
        if chance.random() < 0.04:
            injector.lift(chance.sample(injector.injections, k=min(2, len(injector.injections))))
        if chance.random() < 0.01:
            injector.lift()

    DeterministicDriver(engine, clock, seed).run(between)
    injector.finish()
    look(plan, Ran(engine, sink, reads, subscription.drain(), []))


@pytest.mark.parametrize("seed", range(30))
def test_it_is_seen_by_no_oracle_under_many_schedules(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    plan = make_plan(chance.randint, records=30)
    pipeline, sink = plan.build(tmp_path / "letters.jsonl")
    clock, bus = ManualClock(), EventBus()
    subscription = bus.subscribe(1_000_000)
    reads = ReadLog()
    engine = Engine(pipeline, plan.options, clock, bus)
    reads.listen(engine.ledger)
    injector = Injector(engine, clock, None)
    for variant in VARIANTS:
        for stage in places(variant, engine.stages):
            injector.add(Order(variant, stage, ()))
    lifts = chance.randint(1, 60)
    steps = iter(range(1_000_000))

    def between(_: random.Random) -> None:
        if next(steps) == lifts:
            injector.lift()

    DeterministicDriver(engine, clock, seed).run(between)
    injector.finish()
    look(plan, Ran(engine, sink, reads, subscription.drain(), []))
