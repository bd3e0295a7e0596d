"""The tables of a report for people, the same for every format: names and numbers as text."""

from __future__ import annotations

from metrics.format import NOT_KNOWN, count, millis, number, percent, rate, seconds, size
from metrics.report import RunReport, counts, may_be_twice
from metrics.report import tables_findings as findings
from metrics.report.table import Table, table
from metrics.snapshot import Latency, StageState
from metrics.vitals import left_open

IDS = 100


def tables(report: RunReport) -> list[Table]:
    """All tables of the report that have something in them."""
    snapshot = report.snapshot
    found = [
        *findings.diagnosis(snapshot.diagnosis),
        table("Stages", _STAGE_COLUMNS, [_stage(stage) for stage in snapshot.stages]),
        table("Records", ("", "records"), counts(report)),
        table("Metrics", ("", "value"), _metrics(report)),
        *findings.comparison(report),
        findings.anomalies(snapshot.anomalies),
        table(
            "Sources",
            ("source", "partition", "read", "delivered", "filtered", "rejected", "lost"),
            [
                (
                    source.name,
                    source.partition,
                    *map(
                        count, (source.read, source.delivered, source.filtered, source.rejected, source.lost)
                    ),
                )
                for source in snapshot.sources
            ],
            text=2,
        ),
        table(
            "Rejections",
            ("stage", "reason", "records"),
            [(item.stage, item.reason, count(item.count)) for item in snapshot.rejections],
            text=2,
        ),
        table(
            "Thresholds",
            ("fail if", "result", "value"),
            [
                (
                    result.expr,
                    "passed" if result.passed else "FAILED",
                    NOT_KNOWN if result.value is None else number(result.value),
                )
                for result in report.thresholds
            ],
            text=2,
        ),
        table(
            "Faults put in on purpose",
            ("fault", "stage", "parameters", "must change", "from", "to"),
            [
                (
                    fault.name,
                    fault.stage or "",
                    ", ".join(f"{name}={value}" for name, value in fault.params),
                    fault.symptom,
                    seconds(fault.at_s),
                    "the end" if fault.lifted_s is None else seconds(fault.lifted_s),
                )
                for fault in snapshot.faults
            ],
            text=4,
        ),
        findings.caches(snapshot.memory.caches),
        findings.types(snapshot.memory.census.types if snapshot.memory.census else ()),
        table("Lost records", ("id",), [(id,) for id in snapshot.records.lost_ids], limit=IDS),
        table("Duplicated records", ("id",), [(id,) for id in snapshot.records.duplicated_ids], limit=IDS),
        table("Disagreements of the books", ("what",), [(text,) for text in snapshot.disagreements]),
        table(
            "What happened",
            ("at", "severity", "what"),
            [(seconds(notice.at_s), notice.severity, notice.text) for notice in snapshot.notices],
            text=3,
        ),
    ]
    return [table for table in found if table.rows]


_STAGE_COLUMNS = (
    "stage",
    "in",
    "out",
    "filtered",
    "rejected",
    "held",
    "lost",
    "records/s",
    "mean",
    "p95",
    "p99",
    "busy",
    "idle",
    "blocked",
    "workers",
    "queue peak",
)


def _stage(stage: StageState) -> tuple[str, ...]:
    latency = stage.latency
    return (
        stage.name,
        *map(count, (stage.taken, stage.given, stage.filtered, stage.rejected, stage.held, stage.lost)),
        rate(stage.rate),
        millis(latency.mean if latency else None),
        millis(latency.p95 if latency else None),
        millis(latency.p99 if latency else None),
        *(percent(share, 0) for share in (stage.busy, stage.idle, stage.blocked)),
        count(stage.workers),
        f"{stage.queue.peak:,} of {stage.queue.capacity:,}" if stage.queue else "",
    )


def _metrics(report: RunReport) -> list[tuple[str, str]]:
    snapshot = report.snapshot
    memory, resources, throughput = snapshot.memory, snapshot.resources, snapshot.throughput
    slope = memory.slope_bytes_per_record
    rows = [
        ("started", report.started_at.isoformat(sep=" ", timespec="seconds")),
        ("duration", seconds(report.duration_s)),
        ("throughput", f"{rate(throughput.records_per_s)} rec/sec (last {seconds(throughput.window_s)})"),
        ("latency", _latency(snapshot.latency)),
        ("error rate", percent(snapshot.error_rate)),
        ("memory", f"{size(memory.rss)} at the end, {size(memory.rss_peak)} at most ({memory.verdict})"),
        ("memory per record", NOT_KNOWN if slope is None else f"{number(slope)} bytes"),
        ("open files", f"{count(resources.fds_start)} at the start, {count(resources.fds)} at the end"),
        ("threads", f"{resources.threads_start:,} at the start, {resources.threads:,} at the end"),
        ("left open", left_open.verdict(snapshot)),
    ]
    if report.seed is not None:
        rows.append(("seed", str(report.seed)))
    if report.sink is not None:
        rows.append(("sink", f"{report.sink.name} ({report.sink.guarantee})"))
        if report.sink.may_be_twice:
            rows.append(("may be there twice", may_be_twice(report.sink)))
    if report.dead_letters is not None:
        rows.append(("dead letters", report.dead_letters))
    rows.append(("exit code", str(report.exit_code)))
    return rows


def _latency(latency: Latency | None) -> str:
    if latency is None:
        return NOT_KNOWN
    parts = (
        ("mean", latency.mean),
        ("p50", latency.p50),
        ("p95", latency.p95),
        ("p99", latency.p99),
        ("max", latency.max),
    )
    return ", ".join(f"{name} {millis(value)}" for name, value in parts)
