"""Whether a run did what it should: every record, every count, every event."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from pipeline.batch import Partition
from pipeline.engine import Engine
from pipeline.events import BatchCommitted, BatchRead, Event, RunEnded, RunFailed, StageWorked
from tests.pipeline.plans import Kept, Plan, ReadLog, expect


@dataclass
class Ran:
    """A run that is over."""

    engine: Engine
    sink: Kept
    reads: ReadLog
    events: list[Event]
    did: list[str]


def check(plan: Plan, ran: Ran) -> None:
    """Everything that was read came out as the oracle says, and every book agrees."""
    failures = [event for event in ran.events if isinstance(event, RunFailed)]
    assert not failures
    assert ran.events[-1] == RunEnded(ran.events[-1].at, complete=True)
    drained = "drain" in ran.did
    counts = ran.engine.ledger.counts()
    assert counts.balanced
    assert counts.lost == counts.duplicated == counts.in_flight == 0
    if not drained and plan.limit is None:
        assert counts.read == plan.total()
    delivered = {name: rows for name, rows in ran.sink.rows.items() if rows}
    _check_partitions(ran)
    lines = dict(ran.engine.ledger.partitions())
    for partition, offsets in ran.reads.offsets.items():
        expected = expect(plan, partition, offsets)
        assert delivered.pop(str(partition), []) == expected.rows
        line = lines[partition]
        assert line.read == len(offsets)
        for fate in ("delivered", "filtered", "rejected"):
            assert getattr(line, fate) == expected.count(fate), (partition, fate)
    assert not delivered
    check_events(ran)


def check_events(ran: Ran) -> None:
    """The events tell the same as the ledger, and each stage accounts for what it took."""
    counts = ran.engine.ledger.counts()
    committed = [event for event in ran.events if isinstance(event, BatchCommitted)]
    assert sum(event.delivered for event in committed) == counts.delivered
    assert sum(event.filtered for event in committed) == counts.filtered
    assert sum(event.rejected for event in committed) == counts.rejected
    assert sum(event.rows for event in committed) == ran.sink.total
    assert sum(event.records for event in ran.events if isinstance(event, BatchRead)) == counts.read
    flow: Counter[str] = Counter()
    for event in ran.events:
        if isinstance(event, StageWorked):
            flow[event.stage] += event.taken + event.created
            flow[event.stage] -= event.given + event.filtered + event.rejected
            flow[f"{event.stage}, held"] += event.held
            assert min(event.busy_s, event.idle_s, event.blocked_s) >= 0
    assert not +flow, "each stage accounts for what it took"
    assert not -flow, "each stage accounts for what it took"


def _check_partitions(ran: Ran) -> None:
    """The events tell the same story of each partition as the ledger."""
    told: dict[Partition, Counter[str]] = {}
    for event in ran.events:
        if isinstance(event, BatchRead):
            told.setdefault(event.partition, Counter())["read"] += event.records
        elif isinstance(event, BatchCommitted):
            for fate in ("delivered", "filtered", "rejected"):
                told.setdefault(event.partition, Counter())[fate] += getattr(event, fate)
    for partition, line in ran.engine.ledger.partitions():
        counts = told.get(partition, Counter())
        for what in ("read", "delivered", "filtered", "rejected"):
            assert counts[what] == getattr(line, what), (partition, what)
