"""What a report is made from, and how its findings read in words."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from metrics.definitions.thresholds import ThresholdResult
from metrics.format import count, plural
from metrics.report.baseline import Comparison
from metrics.report.history import Line
from metrics.snapshot import Snapshot

PRODUCT = "DATA PIPELINE MONITOR v2.0"


@dataclass(frozen=True, slots=True)
class SinkInfo:
    """What the sink is called and promises: ``exactly once`` or ``at least once``.

    ``may_be_twice`` records were given to it by a run that ended before it could commit them, and again by a
    later one; ``may_be_twice_ids`` are the names of the first of them.
    """

    name: str
    guarantee: str
    may_be_twice: int = 0
    may_be_twice_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RunReport:
    """A run that is over. ``dead_letters`` is the path of the rejected records, if there are any.
    ``comparison`` is with an earlier run, where one was given."""

    snapshot: Snapshot
    started_at: datetime
    duration_s: float
    seed: int | None
    exit_code: int
    thresholds: tuple[ThresholdResult, ...] = field(default=())
    dead_letters: str | None = None
    sink: SinkInfo | None = None
    history: tuple[Line, ...] = ()
    comparison: Comparison | None = None


def outcome(report: RunReport) -> str:
    """Where the records are, in a sentence or two."""
    resumed = report.snapshot.records.resumed
    told = _outcome(report)
    return f"{told} {plural(resumed, 'record')} of these settled by earlier runs." if resumed else told


def _outcome(report: RunReport) -> str:
    records = report.snapshot.records
    if not records.read:
        return "No input records."
    read = f"{records.read:,} input record" + ("s" if records.read > 1 else "")
    if records.lost or records.duplicated:
        wrong = []
        if records.lost:
            wrong.append(f"{records.lost:,} LOST")
        if records.duplicated:
            wrong.append(f"{records.duplicated:,} DUPLICATED")
        return f"Of {read}, {' and '.join(wrong)}."
    parts = [f"{records.delivered:,} delivered"]
    if records.filtered:
        parts.append(f"{records.filtered:,} filtered")
    if records.rejected:
        parts.append(f"{records.rejected:,} rejected")
    if records.in_flight:
        parts.append(f"{records.in_flight:,} in flight and not committed")
    if report.snapshot.status in ("failed", "interrupted") or records.in_flight:
        return f"The run ended after {read}: {', '.join(parts)}."
    if records.rejected:
        return f"All {read} accounted for: {', '.join(parts)}."
    filtered = f" ({records.filtered:,} filtered)" if records.filtered else ""
    return f"All {read} successfully processed{filtered}."


def counts(report: RunReport) -> tuple[tuple[str, str], ...]:
    """The ledger's line as names and numbers."""
    records = report.snapshot.records
    return (
        ("read", count(records.read)),
        ("delivered", count(records.delivered)),
        ("filtered", count(records.filtered)),
        ("rejected", count(records.rejected)),
        ("in flight", count(records.in_flight)),
        ("lost", count(records.lost)),
        ("duplicated", count(records.duplicated)),
    )


def may_be_twice(sink: SinkInfo, limit: int = 5) -> str:
    """How many records the sink may have twice, and which."""
    return f"{sink.may_be_twice:,}: {named_ids(sink.may_be_twice_ids, sink.may_be_twice, limit)}"


def named_ids(ids: tuple[str, ...], total: int, limit: int) -> str:
    """The first ids and how many more there are; nothing if there are none."""
    if not ids:
        return f"{plural(total, 'record')}, not named" if total else ""
    shown = ids[:limit]
    more = f" and {total - len(shown):,} more" if total > len(shown) else ""
    return ", ".join(shown) + more
