"""Snapshots, reports and books made by hand for the tests of this folder."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pytest

from metrics.books import PartitionCount, QueueCount
from metrics.collector import Collector
from metrics.definitions.thresholds import Threshold, ThresholdResult
from metrics.findings import Belief, Conclusion, Diagnosis, RuledOut, Step, Symptom
from metrics.memory import MemorySampler
from metrics.memory_state import CacheState, Census, MemoryState, TypeState
from metrics.report import RunReport
from metrics.snapshot import (
    Anomaly,
    FaultState,
    Latency,
    QueueState,
    Records,
    Resources,
    Snapshot,
    SourceState,
    StageState,
    Throughput,
)
from metrics.vitals import Vitals
from metrics.vitals.machine import Machine, Pressed, Scheduling, Stolen
from pipeline.batch import Partition
from pipeline.clock import ManualClock
from pipeline.events import Event, EventBus

needs_gil = pytest.mark.skipif(
    not getattr(sys, "_is_gil_enabled", lambda: True)(),
    reason="without the GIL nobody may look at the frames of a thread that runs, so that no place is told",
)

MEBI = 1024 * 1024
A = Partition("orders", "a.csv")
B = Partition("orders", "b.csv")
A_MINUTE = Throughput(1000, 60.0, 1000 / 60)
LATENCY = Latency(1000, 45.2, 40.0, 80.0, 95.0, 99.0)
RESOURCES = Resources(7, 7, 3, 3)


def records(
    *,
    read: int = 0,
    delivered: int = 0,
    filtered: int = 0,
    rejected: int = 0,
    in_flight: int = 0,
    lost_ids: Sequence[str] = (),
    duplicated_ids: Sequence[str] = (),
) -> Records:
    return Records(
        read=read,
        delivered=delivered,
        filtered=filtered,
        rejected=rejected,
        in_flight=in_flight,
        lost=len(lost_ids),
        duplicated=len(duplicated_ids),
        lost_ids=tuple(lost_ids),
        duplicated_ids=tuple(duplicated_ids),
        truncated=False,
    )


@dataclass
class FakeBooks:
    """Books that say what they are told."""

    run: Records = field(default_factory=records)
    lines: Sequence[PartitionCount] = ()
    between: Sequence[QueueCount] = ()
    lost: dict[str, int] = field(default_factory=dict)
    broken: bool = False

    def records(self) -> Records:
        if self.broken:
            raise OSError("the books are gone")
        return self.run

    def ledger(self) -> tuple[Records, Sequence[PartitionCount]]:
        return self.records(), self.lines

    def queues(self) -> Sequence[QueueCount]:
        return self.between

    def lost_at(self, stage: str) -> int:
        return self.lost.get(stage, 0)


def sampler(rss: Callable[[], int] | None = None) -> MemorySampler:
    return MemorySampler(rss or (lambda: 45_000_000))


class FakeMachine(Machine):
    """A machine that says what it is told."""

    def __init__(self) -> None:
        super().__init__(Path("/nowhere"))
        self.fds: int | None = 7
        self.tasks = 3
        self.socket_count: int | None = 1
        self.scheduled: dict[int, Scheduling] | None = None
        self.stolen_time: Stolen | None = None
        self.waited: dict[Pressed, float] = {}
        self.room: int | None = None

    def open_files(self) -> int | None:
        return self.fds

    def sockets(self) -> int | None:
        return self.socket_count

    def threads(self) -> int:
        return self.tasks

    def scheduling(self) -> dict[int, Scheduling] | None:
        return self.scheduled

    def stolen(self) -> Stolen | None:
        return self.stolen_time

    def pressure(self, resource: Pressed) -> float | None:
        return self.waited.get(resource)

    def disk_free(self, folder: str) -> int | None:
        return self.room if folder else None


class Bench:
    """A collector on a clock that is moved by hand."""

    def __init__(
        self,
        books: FakeBooks | None = None,
        *,
        rss: Callable[[], int] | None = None,
        thresholds: Sequence[Threshold] = (),
        capacity: int = 65_536,
    ) -> None:
        self.clock = ManualClock(100.0)
        self.bus = EventBus()
        self.books = books or FakeBooks()
        self.collector = Collector(
            self.clock,
            self.bus.subscribe(capacity),
            self.books,
            sampler(rss),
            thresholds=thresholds,
            vitals=Vitals(self.clock, machine=FakeMachine(), cpu_time=lambda: 1.5),
        )

    def emit(self, events: Iterable[Event]) -> None:
        for event in events:
            self.bus.emit(event)

    def step(self, seconds: float = 0.0) -> Snapshot:
        self.clock.advance(seconds)
        self.collector.step(self.clock.monotonic())
        return self.collector.snapshot


def stage(
    name: str = "transform",
    *,
    taken: int = 1000,
    given: int = 1000,
    rejected: int = 0,
    latency: Latency | None = None,
    progress: float | None = 1.0,
    queue: QueueState | None = None,
) -> StageState:
    return StageState(
        name=name,
        kind="function",
        workers=1,
        chained=False,
        taken=taken,
        given=given,
        filtered=0,
        rejected=rejected,
        created=0,
        held=0,
        lost=0,
        rate=16.7,
        latency=latency,
        busy=0.25,
        idle=0.5,
        blocked=0.25,
        progress=progress,
        queue=queue,
    )


DEMO_STAGES = ("ingestion", "validation", "transform", "output")


def snapshot(
    *,
    pipeline: str = "demo",
    run: Records | None = None,
    stages: Sequence[StageState] | None = None,
    sources: Sequence[SourceState] = (),
    throughput: Throughput = A_MINUTE,
    elapsed_s: float = 60.0,
    latency: Latency | None = LATENCY,
    memory: MemoryState | None = None,
    resources: Resources = RESOURCES,
    disagreements: Sequence[str] = (),
    events_lost: int = 0,
    problem: str | None = None,
    traceback: str | None = None,
) -> Snapshot:
    run = run or records(read=1000, delivered=1000)
    settled = run.delivered + run.filtered + run.rejected
    return Snapshot(
        pipeline=pipeline,
        status="healthy",
        reasons=(),
        phase="ended",
        elapsed_s=elapsed_s,
        records=run,
        sources=tuple(sources),
        stages=tuple(stages if stages is not None else map(stage, DEMO_STAGES)),
        throughput=throughput,
        latency=latency,
        error_rate=run.rejected / settled if settled else 0.0,
        memory=memory
        or MemoryState(40 * MEBI, 45_000_000, 46_000_000, 0.5, "stable", (44_000_000, 45_000_000)),
        resources=resources,
        rejections=(),
        notices=(),
        rate_history=(10.0, 20.0),
        rate_limit=None,
        progress=1.0,
        disagreements=tuple(disagreements),
        events_lost=events_lost,
        problem=problem,
        traceback=traceback,
    )


def report(
    state: Snapshot | None = None,
    thresholds: Sequence[ThresholdResult] = (),
    *,
    exit_code: int = 0,
    dead_letters: str | None = None,
) -> RunReport:
    return RunReport(
        snapshot=state or snapshot(),
        started_at=datetime(2024, 5, 1, 12, 0, tzinfo=UTC),
        duration_s=60.0,
        seed=7,
        exit_code=exit_code,
        thresholds=tuple(thresholds),
        dead_letters=dead_letters,
    )


def anomaly(
    text: str = "higher than before", *, severity: Literal["warning", "critical"] = "warning"
) -> Anomaly:
    return Anomaly(
        metric="pipeline.stage.latency",
        stage="transform",
        kind="step",
        severity=severity,
        at_s=31.0,
        ended_s=None,
        value=90.0,
        expected=(4.0, 6.0),
        text=text,
    )


def fault(text: str = "memory grows") -> FaultState:
    return FaultState("leak.dict", "transform", (("rate", "0.5"),), 12.0, 42.0, text)


def cache(text: str = "seen") -> CacheState:
    return CacheState(
        text, "transform", 960, 246_000, "growing", bytes_per_record=256.0, place=f"orders.py: {text}"
    )


def census(text: str = "builtins.dict") -> Census:
    return Census(40.0, 0.4, 0.004, 10_000, 4_000_000, (TypeState(text, 960, 246_000, 900, 230_000),))


def diagnosis(text: str = "seen is never cleared") -> Diagnosis:
    """A diagnosis that came to its end, with ``text`` wherever the pipeline has a say."""
    return Diagnosis(
        state="concluded",
        symptoms=(Symptom("memory_growth", text, text, 256.0, "bytes/record", 12.0),),
        beliefs=(Belief("leak", 0.97, (text,), ()), Belief("healthy", 0.01)),
        conclusions=(
            Conclusion("leak", text, text, "orders.py:12", 0.97, text, text, True, diff=f"+{text}"),
        ),
        ruled_out=(RuledOut("warm_up", 0.02, text), RuledOut("healthy", 0.01, text)),
        log=(Step(1, 61.0, 4.0, "leak", text, text, text, text, text, 3.0, 40.0),),
        cost_s=4.2,
        doubt=text,
        next=text,
    )
