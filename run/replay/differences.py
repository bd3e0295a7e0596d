"""Two runs side by side: what of their reports differs, and by how much."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass

from metrics.format import NOT_KNOWN, count, millis, number, percent, printable, seconds, size, titled
from metrics.format import rate as per_second
from metrics.report import RunReport
from metrics.snapshot import Latency, StageState

SCHEMA = 1
Value = float | int | str | None


@dataclass(frozen=True, slots=True)
class Difference:
    """A line of the table. ``change`` is that from ``a`` to ``b`` as a share of ``a``; None where there is
    none, as for words. ``unit`` is that of both: records, records/s, ms, s, bytes, share, or "" for words.
    """

    what: str
    stage: str | None
    unit: str
    a: Value
    b: Value
    change: float | None


_SHOWN: dict[str, Callable[[float], str]] = {
    "records": lambda value: count(int(value)),
    "records/s": per_second,
    "ms": millis,
    "s": seconds,
    "bytes": size,
    "share": percent,
    "": number,
}


def differences(a: RunReport, b: RunReport) -> tuple[Difference, ...]:
    """All figures of two runs, in the order of the report; stages in the order of the first run, then those
    that only the second has."""
    rows = [_row(what, None, unit, one, other) for what, unit, one, other in _paired(a, b)]
    stages_a = {stage.name: stage for stage in a.snapshot.stages}
    stages_b = {stage.name: stage for stage in b.snapshot.stages}
    for name in {**stages_a, **stages_b}:
        one, other = stages_a.get(name), stages_b.get(name)
        for what, unit, read in _STAGE:
            rows.append(_row(what, name, unit, read(one) if one else None, read(other) if other else None))
    reasons_a = {(each.stage, each.reason): each.count for each in a.snapshot.rejections}
    reasons_b = {(each.stage, each.reason): each.count for each in b.snapshot.rejections}
    for stage, reason in {**reasons_a, **reasons_b}:
        at = (stage, reason)
        rows.append(_row(f"rejected: {reason}", stage, "records", reasons_a.get(at, 0), reasons_b.get(at, 0)))
    return tuple(rows)


def to_text(names: tuple[str, str], rows: Sequence[Difference]) -> str:
    """A table; lines whose figures read the same in both runs are left out and counted."""
    shown = [(_name(row), _text(row.a, row.unit), _text(row.b, row.unit), _change(row)) for row in rows]
    told = [line for line in shown if line[1] != line[2]]
    table = [("", "A", "B", "CHANGE"), *told]
    widths = [max(len(line[column]) for line in table) for column in range(4)]
    lines = [f"A  {printable(names[0])}", f"B  {printable(names[1])}", ""]
    lines += [
        f"{name:<{widths[0]}}  {a:>{widths[1]}}  {b:>{widths[2]}}  {change:>{widths[3]}}".rstrip()
        for name, a, b, change in table
    ]
    same = len(shown) - len(told)
    lines += ["", f"{same} figures are the same in both." if told else "All figures are the same in both."]
    return "\n".join(lines) + "\n"


def to_json(names: tuple[str, str], rows: Sequence[Difference]) -> str:
    """The whole table: ``{"schema": 1, "a": str, "b": str, "differences": [{"what", "stage", "unit", "a",
    "b", "change"}]}``."""
    document = {
        "schema": SCHEMA,
        "a": names[0],
        "b": names[1],
        "differences": [{name: _finite(value) for name, value in asdict(row).items()} for row in rows],
    }
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=2)
    return text.encode("utf-8", "backslashreplace").decode("utf-8") + "\n"


def _paired(a: RunReport, b: RunReport) -> Iterator[tuple[str, str, Value, Value]]:
    for what, unit, read in _RUN:
        yield what, unit, read(a), read(b)


def _quantile(name: str) -> Callable[[Latency | None], Value]:
    return lambda latency: None if latency is None else float(getattr(latency, name))


_P50, _P95, _P99 = _quantile("p50"), _quantile("p95"), _quantile("p99")


def _overall(run: RunReport) -> Value:
    records = run.snapshot.records
    settled = records.delivered + records.filtered + records.rejected
    return settled / run.duration_s if run.duration_s > 0 else None


_RUN: tuple[tuple[str, str, Callable[[RunReport], Value]], ...] = (
    ("pipeline", "", lambda run: run.snapshot.pipeline),
    ("status", "", lambda run: run.snapshot.status),
    ("exit code", "", lambda run: run.exit_code),
    ("problem", "", lambda run: run.snapshot.problem),
    ("duration", "s", lambda run: run.duration_s),
    ("read", "records", lambda run: run.snapshot.records.read),
    ("delivered", "records", lambda run: run.snapshot.records.delivered),
    ("filtered", "records", lambda run: run.snapshot.records.filtered),
    ("rejected", "records", lambda run: run.snapshot.records.rejected),
    ("in flight", "records", lambda run: run.snapshot.records.in_flight),
    ("lost", "records", lambda run: run.snapshot.records.lost),
    ("duplicated", "records", lambda run: run.snapshot.records.duplicated),
    ("throughput, whole run", "records/s", _overall),
    ("latency p50", "ms", lambda run: _P50(run.snapshot.latency)),
    ("latency p95", "ms", lambda run: _P95(run.snapshot.latency)),
    ("latency p99", "ms", lambda run: _P99(run.snapshot.latency)),
    ("error rate", "share", lambda run: run.snapshot.error_rate),
    ("memory at the end", "bytes", lambda run: run.snapshot.memory.rss),
    ("memory peak", "bytes", lambda run: run.snapshot.memory.rss_peak),
    ("memory a record", "bytes", lambda run: run.snapshot.memory.slope_bytes_per_record),
    ("memory verdict", "", lambda run: run.snapshot.memory.verdict),
    ("anomalies", "", lambda run: len(run.snapshot.anomalies)),
    ("faults put in", "", lambda run: len(run.snapshot.faults)),
)

_STAGE: tuple[tuple[str, str, Callable[[StageState], Value]], ...] = (
    ("in", "records", lambda stage: stage.taken),
    ("out", "records", lambda stage: stage.given),
    ("rejected", "records", lambda stage: stage.rejected),
    ("lost", "records", lambda stage: stage.lost),
    ("p50", "ms", lambda stage: _P50(stage.latency)),
    ("p95", "ms", lambda stage: _P95(stage.latency)),
    ("busy", "share", lambda stage: stage.busy),
    ("blocked", "share", lambda stage: stage.blocked),
    ("workers", "", lambda stage: stage.workers),
    ("queue peak", "records", lambda stage: stage.queue.peak if stage.queue else None),
)


def _row(what: str, stage: str | None, unit: str, a: Value, b: Value) -> Difference:
    change = None
    if isinstance(a, int | float) and isinstance(b, int | float) and a:
        change = (b - a) / abs(a)
    return Difference(what, stage, unit, a, b, change)


def _name(row: Difference) -> str:
    return printable(f"{titled(row.stage)}: {row.what}" if row.stage else row.what)


def _text(value: Value, unit: str) -> str:
    if value is None:
        return NOT_KNOWN if unit else "-"
    return printable(value) if isinstance(value, str) else _SHOWN[unit](value)


def _change(row: Difference) -> str:
    if row.change is None or not math.isfinite(row.change):
        return ""
    return f"{row.change * 100:+,.1f}%"


def _finite(value: Value) -> Value:
    return None if isinstance(value, float) and not math.isfinite(value) else value
