"""Clocks that jump, stand still and drift, under a whole run with its metrics."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from metrics.snapshot import Snapshot
from pipeline import Pipeline, count, jsonl, values
from pipeline.checkpoint import FileStore
from pipeline.clock import SystemClock
from pipeline.engine import Options
from run.session import Session
from tests.chaos.table import Trials

RECORDS = 3_000
BENDS_AFTER = 40
"""So many readings are true."""

Bend = Callable[[float, float], float]
"""What a clock says, given what is true and when it began to bend."""

BENDS: dict[str, Bend] = {
    "+1 h": lambda now, _: now + 3600.0,
    "-1 h": lambda now, _: now - 3600.0,
    "frozen": lambda _, since: since,
    "slewed, five times as fast": lambda now, since: since + 5.0 * (now - since),
    "slewed, five times as slow": lambda now, since: since + 0.2 * (now - since),
}


class BentClock(SystemClock):
    """True at first, then bent; ``wall_only`` leaves the monotonic clock true, as a machine does whose date
    is set."""

    def __init__(self, bend: Bend, *, wall_only: bool) -> None:
        self._bend = bend
        self._wall_only = wall_only
        self._readings = 0
        self._since = 0.0
        self._lock = threading.Lock()

    def monotonic(self) -> float:
        now = super().monotonic()
        return now if self._wall_only else self._bent(now)

    def wall(self) -> datetime:
        true = super().wall()
        now = super().monotonic()
        return true + timedelta(seconds=self._bent(now) - now) if self._wall_only else true

    def _bent(self, now: float) -> float:
        with self._lock:
            self._readings += 1
            if self._wall_only or self._readings > BENDS_AFTER:
                self._since = self._since or now
                return self._bend(now, self._since)
            return now


def clocks(folder: Path) -> Trials:
    """A run under each clock: its numbers keep to what they mean, and it comes to its end."""
    trials = Trials(
        "clock +1 h, -1 h, frozen, slewed (date; and monotonic)", "no negative rate, rate x window = records"
    )
    for name, bend in BENDS.items():
        for wall_only in (True, False):
            trials.count += 1
            where = f"{name}, {'the date' if wall_only else 'monotonic'}"
            for kept in (False, True):
                trials.wrong += [
                    f"{where}: {problem}"
                    for problem in _under(
                        BentClock(bend, wall_only=wall_only), folder / f"{trials.count}{kept}", kept
                    )
                ]
    return trials


def _under(clock: BentClock, folder: Path, kept: bool) -> Iterator[str]:
    folder.mkdir()
    pipeline = Pipeline("clocks", batch_size=50, dead_letters=folder / "letters.jsonl")

    def numbers(start: int = 0) -> Iterator[tuple[int, int]]:
        return ((offset, offset) for offset in range(start, RECORDS))

    pipeline.read(values(numbers))
    pipeline.stage(lambda value: value if value % 10 else None, name="tenth")
    pipeline.write(jsonl(folder / "out.jsonl") if kept else count())
    store = FileStore(folder / "state.db", "clocks") if kept else None
    session = Session(pipeline, Options(), store=store, clock=clock)
    session.start()
    if not session.wait(30):
        session.abort()
        yield "it did not end"
        return
    snapshot = session.snapshot
    if snapshot.status != "healthy" or snapshot.records.read != RECORDS:
        yield f"{snapshot.status}: {snapshot.reasons}, {snapshot.records}"
    yield from negative(snapshot)
    throughput = snapshot.throughput
    if throughput.window_s and round(throughput.records_per_s * throughput.window_s) != throughput.records:
        yield f"{throughput.records_per_s} x {throughput.window_s} is not {throughput.records}"
    if throughput.records > RECORDS:
        yield f"{throughput.records} records in the window, {RECORDS} in the ledger"


def negative(snapshot: Snapshot) -> Iterator[str]:
    """Every number of a snapshot that is negative and must not be."""
    numbers: dict[str, float | None] = {
        "elapsed": snapshot.elapsed_s,
        "rate": snapshot.throughput.records_per_s,
        "window": snapshot.throughput.window_s,
        **{f"history {at}": rate for at, rate in enumerate(snapshot.rate_history)},
    }
    if snapshot.latency is not None:
        numbers |= {"mean latency": snapshot.latency.mean, "p50": snapshot.latency.p50}
    for stage in snapshot.stages:
        numbers |= {
            f"{stage.name} rate": stage.rate,
            f"{stage.name} busy": stage.busy,
            f"{stage.name} idle": stage.idle,
            f"{stage.name} blocked": stage.blocked,
        }
    for name, number in numbers.items():
        if number is not None and number < 0:
            yield f"{name} is {number}"
