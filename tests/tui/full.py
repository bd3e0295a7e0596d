"""A snapshot in which everything that a view can show is there."""

from __future__ import annotations

from dataclasses import replace

from metrics.findings import Belief, Conclusion, Diagnosis, Evidence, RuledOut, Step, Symptom
from metrics.memory_state import CacheState, Census, MemoryState, TypeState
from metrics.snapshot import (
    Anomaly,
    Bucket,
    FaultState,
    LogLine,
    Notice,
    QueueState,
    Reason,
    Snapshot,
    SourceState,
    TapSample,
    ThreadState,
)
from tests.tui.made import records, snapshot, stage

EVIDENCE = Evidence(
    "growth", "the dict grows by one entry a record", 1.0, "entries/record", 600, "caches", True
)

DIAGNOSIS = Diagnosis(
    state="running",
    symptoms=(Symptom("memory", "transform", "memory grows by 300 B a record", 300.0, "B/record", 12.0),),
    beliefs=(
        Belief("leak", 0.91, ("grows with every record",), ("the process is young",)),
        Belief("warm_up", 0.07, (), ("no plateau after 600 records",)),
        Belief("gc_pause", 0.02),
    ),
    conclusions=(
        Conclusion(
            "leak",
            "transform",
            "seen",
            "orders.py:41",
            0.91,
            "one entry a record, never removed",
            "bound the dict",
            True,
            "-seen[key] = value\n+seen.put(key, value)",
            "with the fix it stays flat",
        ),
    ),
    ruled_out=(RuledOut("slow_sink", 0.01, "the output is idle 80 % of its time"),),
    log=(
        Step(
            1,
            14.0,
            2.5,
            "leak",
            "new keys make a line",
            "the same keys again",
            "monitor.py trial leak",
            "a plateau",
            "it keeps what it has seen",
            1.0,
            9.0,
        ),
    ),
    cost_s=6.5,
    doing="the same keys again",
    doubt="whether the cache is meant to hold all customers",
    next="a run on other input",
)


def full(**changes: object) -> Snapshot:
    """A run halfway through, with a leak put in."""
    stages = tuple(
        stage(
            name,
            rates=(10.0, 14.0, 16.0, 17.0),
            queue_fill=(0.1, 0.4, 0.7, 0.9),
            histogram=(Bucket(10.0, 100), Bucket(40.0, 300), Bucket(90.0, 80), Bucket(300.0, 20)),
            queue=QueueState(90, 100, 95, 9000),
            busy=0.9 if name == "transform" else 0.2,
            blocked=0.0 if name == "transform" else 0.5,
            idle=0.1 if name == "transform" else 0.3,
        )
        for name in ("ingestion", "validation", "transform", "output")
    )
    caches = (
        CacheState(
            "seen",
            "transform",
            5_000,
            1_500_000,
            "growing",
            300.0,
            True,
            "orders.py: seen",
            tuple(range(0, 5000, 50)),
        ),
        CacheState("rates", None, 40, 9_000, "stable", 0.0, False, "Price.rates", (40, 10, 40, 10, 40)),
    )
    types = (
        TypeState("dict", 12_000, 2_400_000, 9_000, 1_800_000, (3_000, 6_000, 12_000)),
        TypeState("str", 80_000, 6_000_000, -40, -3_000, (80_040, 80_000, 80_000)),
    )
    census = Census(25.0, 1.2, 0.007, 300_000, 40_000_000, types, (("dict", "orders.py: seen"),), 3)
    base = snapshot(
        status="degraded",
        reasons=("memory grows by 300 B a record",),
        stages=stages,
        records=records(read=500, delivered=478, lost=2, lost_ids=("orders/a.jsonl:17", "orders/a.jsonl:40")),
        sources=(
            SourceState("orders", "a.jsonl", 300, 280, 4, 4, 10, 2, 600, False, None, watermark_age_s=2.4),
            SourceState("orders", "b.jsonl", 200, 198, 2, 0, 0, 0, 200, True, None, watermark_age_s=0.0),
        ),
        memory=MemoryState(
            44_000_000,
            90_000_000,
            91_000_000,
            300.0,
            "growing",
            tuple(range(44_000_000, 90_000_000, 1_000_000)),
            0.93,
            250.0,
            350.0,
            80_000_000,
            400_000,
            caches,
            census,
        ),
        rejections=(Reason("validation", "amount is not a number", 4),),
        bottleneck="transform holds the others up: busy 90 %, its queue 90 % full",
        threads=(
            ThreadState("transform-1", "transform", "busy", 0.8, "orders.py:41 enrich"),
            ThreadState("output", "output", "idle", 0.05, None),
        ),
        anomalies=(
            Anomaly(
                "rate", "transform", "step", "warning", 15.0, 20.0, 4.0, (14.0, 18.0), "transform fell to 4/s"
            ),
            Anomaly("rss", None, "trend", "critical", 18.0, None, 9e7, (None, 5e7), "memory grows"),
        ),
        faults=(
            FaultState("leak.dict", "transform", (("rate", "1"),), 10.0, None, "memory grows"),
            FaultState("race.slot", "validation", (), 3.0, 6.0, "records differ"),
        ),
        taps=(
            TapSample(
                28.0,
                "orders/a.jsonl:290",
                "validation",
                "{'id': 290, 'cents': 5}",
                "{'id': 290, 'cents': 5}",
                "given",
            ),
            TapSample(
                28.1,
                "orders/a.jsonl:290",
                "transform",
                "{'id': 290, 'cents': 5}",
                "{'id': 290, 'euros': 0.05}",
                "given",
            ),
            TapSample(
                28.4, "orders/a.jsonl:291", "validation", "{'id': 291}", "amount is not a number", "rejected"
            ),
            TapSample(
                29.0,
                "orders/a.jsonl:299",
                "validation",
                "{'id': 299}",
                "{'id': 299, 'ok': True}",
                "given",
                True,
            ),
        ),
        log=(
            LogLine(4.0, "info", "orders", "prices loaded"),
            LogLine(9.0, "print", "", "hello"),
            LogLine(12.0, "error", "orders.http", "no answer"),
        ),
        diagnosis=DIAGNOSIS,
        notices=(Notice(0.1, "info", "run started"), Notice(5.0, "warning", "transform is slow")),
    )
    return replace(base, **changes)  # type: ignore[arg-type]
