"""A pipeline that rejects too much stops, and says how much, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline import ConfigurationError, Pipeline, Reject, jsonl
from pipeline.checkpoint import FileStore
from pipeline.clock import ManualClock
from pipeline.deterministic import DeterministicDriver
from pipeline.engine import Engine, Options
from pipeline.events import EventBus


def run(folder: Path, limit: float | None, every: int, records: int = 400, read: int | None = None) -> Engine:
    """Reject each ``every``-th of the records."""
    pipeline = Pipeline("p", batch_size=10, max_rejected=limit)
    pipeline.read([(number, number) for number in range(records)])

    @pipeline.stage
    def check(value: int) -> int:
        if value % every == 0:
            raise Reject("rare" if value % (5 * every) == 0 else "common")
        return value

    pipeline.write(jsonl(folder / "out.jsonl"))
    clock = ManualClock()
    store = FileStore(folder / "state.db", "p")
    engine = Engine(pipeline, Options(limit=read), clock, EventBus(), store=store)
    DeterministicDriver(engine, clock, 3).run()
    return engine


@pytest.mark.parametrize("limit", [None, 40, 400, 0.1, 1.0])
def test_up_to_the_limit_nothing_happens(tmp_path: Path, limit: float | None) -> None:
    engine = run(tmp_path, limit, every=10)
    assert engine.control.failure is None
    assert engine.ledger.counts().rejected == 40


@pytest.mark.parametrize("limit", [0, 1, 39, 0.0, 0.05])
def test_beyond_it_the_run_stops_and_keeps_what_it_has(tmp_path: Path, limit: float) -> None:
    engine = run(tmp_path, limit, every=10)
    failure = engine.control.failure
    assert failure is not None
    counts = engine.ledger.counts()
    assert counts.balanced
    assert f"{counts.rejected:,} of {counts.delivered + counts.rejected:,} settled records" in failure.message
    assert f"max_rejected={limit:g}" in failure.message
    stored = FileStore(tmp_path / "state.db", "p").load()
    assert stored is not None
    assert stored.settled == counts.delivered + counts.rejected


def test_the_most_frequent_reason_is_told(tmp_path: Path) -> None:
    failure = run(tmp_path, 30, every=10).control.failure
    assert failure is not None
    assert "times, by 'check': common" in failure.message


def test_a_share_says_nothing_of_a_few_records(tmp_path: Path) -> None:
    assert run(tmp_path, 0.2, every=1, records=99).control.failure is None


def test_what_earlier_runs_rejected_counts_too(tmp_path: Path) -> None:
    assert run(tmp_path, 25, every=10, read=200).control.failure is None
    failure = run(tmp_path, 25, every=10).control.failure
    assert failure is not None
    assert "20 of them in earlier runs" in failure.message


@pytest.mark.parametrize("limit", [-1, -0.1, 1.1, True, "5", "5%", float("nan")])
def test_a_limit_is_a_count_or_a_share(limit: Any) -> None:
    with pytest.raises(ConfigurationError, match="max_rejected="):
        Pipeline("p", max_rejected=limit)
