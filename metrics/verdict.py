"""How a run is: one list of checks, from which status, reasons and exit code follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from metrics.definitions.thresholds import ThresholdResult
from metrics.format import number, percent, plural, seconds, size
from metrics.heap.verdict import leaking, piling_up
from metrics.memory_state import CacheState
from metrics.report.baseline import Comparison
from metrics.snapshot import Anomaly, Snapshot, Status
from metrics.vitals import left_open

ERROR_RATE = 0.05
"""Rejected records are part of a sound run; more than this share of them is not."""
ERROR_RATE_RECORDS = 100
"""While a run goes on, so many records must be settled before their error rate says anything."""
IDS_NAMED = 5
ANOMALIES_NAMED = 3
ANOMALOUS_SHARE = 0.1
"""Of a run, spent in critical anomalies that have ended."""

EXIT_HEALTHY, EXIT_FAILED, EXIT_LEDGER, EXIT_THRESHOLD, EXIT_INTERRUPTED = 0, 1, 3, 4, 130

_EXIT_CODES: dict[Status, int] = {
    "healthy": EXIT_HEALTHY,
    "failed": EXIT_FAILED,
    "unhealthy": EXIT_LEDGER,
    "degraded": EXIT_THRESHOLD,
}
_SEVERITY: tuple[Status, ...] = ("failed", "unhealthy", "interrupted", "degraded", "healthy")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must hold. ``problem`` says what is wrong, None where nothing is.

    A check that is not ``judged`` could not be made, which is told but is no fault.
    """

    name: str
    fault: Status
    problem: str | None
    judged: bool = True


def checks(
    snapshot: Snapshot,
    thresholds: Sequence[ThresholdResult] = (),
    comparison: Comparison | None = None,
) -> tuple[Check, ...]:
    """All checks of a run, the gravest first; ``comparison`` is with an earlier run."""
    records = snapshot.records
    disagreements = "the books disagree: " + "; ".join(snapshot.disagreements)
    missed = (
        f"{plural(snapshot.events_lost, 'event')} lost by the monitor: its rates, times and counts miss them"
    )
    return (
        Check("the run does not fail", "failed", snapshot.problem),
        Check("no record is lost", "unhealthy", _named(records.lost, "lost", records.lost_ids)),
        Check(
            "no record is duplicated",
            "unhealthy",
            _named(records.duplicated, "duplicated", records.duplicated_ids),
        ),
        Check("the books agree", "degraded", disagreements if snapshot.disagreements else None),
        Check("the monitor sees every event", "degraded", missed if snapshot.events_lost else None),
        Check(f"at most {percent(ERROR_RATE, 0)} of the records are rejected", "degraded", _errors(snapshot)),
        Check(
            "memory does not grow",
            "degraded",
            _memory(snapshot),
            judged=snapshot.memory.verdict != "unknown",
        ),
        Check("open files and threads do not grow", "degraded", left_open.growing(snapshot)),
        Check("no anomaly does harm", "degraded", _anomalies(snapshot)),
        *(Check(f"fail if {result.expr}", "degraded", result.problem) for result in thresholds),
        *(() if comparison is None else (_baseline(comparison),)),
    )


def judge(
    snapshot: Snapshot,
    thresholds: Sequence[ThresholdResult] = (),
    comparison: Comparison | None = None,
    *,
    interrupted: bool = False,
) -> Snapshot:
    """The same snapshot with its status and the reasons for it.

    The gravest fault names the status: failed, unhealthy, interrupted, degraded. An
    interruption hides neither a failure nor a lost record, but a run that was cut short is not
    held against limits.
    """
    failing = [check for check in checks(snapshot, thresholds, comparison) if check.problem is not None]
    faults = {check.fault for check in failing}
    reasons = [check.problem for check in failing if check.problem is not None]
    if interrupted:
        faults.add("interrupted")
        left = f"{plural(snapshot.records.in_flight, 'record')} in flight, not committed"
        reasons.append(f"the run was interrupted: {left}" if snapshot.records.in_flight else "interrupted")
    status = min(faults, key=_SEVERITY.index, default=_SEVERITY[-1])
    return replace(snapshot, status=status, reasons=tuple(reasons))


def exit_code(
    snapshot: Snapshot, thresholds: Sequence[ThresholdResult] = (), interrupted: int | None = None
) -> int:
    """0, or the lowest of 1 (failed), 3 (lost or duplicated) and 4 (degraded) that applies.

    ``interrupted`` is the code of the signal that ended the run (130 or 143), if one did; 1 and 3
    go before it, since they tell of damage, and 4 goes after it.
    """
    if interrupted is not None and snapshot.status not in ("failed", "unhealthy"):
        return interrupted
    if snapshot.status == "interrupted":
        return EXIT_INTERRUPTED
    if snapshot.status == "healthy" and not all(result.passed for result in thresholds):
        return EXIT_THRESHOLD
    return _EXIT_CODES[snapshot.status]


def _baseline(comparison: Comparison) -> Check:
    worse = "; ".join(change.text for change in comparison.regressions)
    problem = f"worse than {comparison.path}: {worse}" if worse else None
    return Check(
        "it is no worse than the baseline", "degraded", problem, judged=comparison.not_judged is None
    )


def _anomalies(snapshot: Snapshot) -> str | None:
    """A critical anomaly that goes on, or those that took a tenth of the run: a run that had a bad minute an
    hour ago is sound."""
    critical = [found for found in snapshot.anomalies if found.severity == "critical"]
    going_on = [found.text for found in critical if found.ended_s is None]
    if going_on:
        more = f" and {len(going_on) - ANOMALIES_NAMED:,} more" if len(going_on) > ANOMALIES_NAMED else ""
        return "out of the ordinary: " + "; ".join(going_on[:ANOMALIES_NAMED]) + more
    if not critical or _taken(critical) < ANOMALOUS_SHARE * snapshot.elapsed_s:
        return None
    worst = max(critical, key=lambda found: (found.ended_s or found.at_s) - found.at_s)
    began, took = seconds(worst.at_s), seconds((worst.ended_s or worst.at_s) - worst.at_s)
    return f"for {took} from {began} on out of the ordinary: {worst.text}"


def _taken(anomalies: Sequence[Anomaly]) -> float:
    """Seconds in which one of them or another went on."""
    taken, until = 0.0, 0.0
    for found in sorted(anomalies, key=lambda found: found.at_s):
        ended = found.ended_s if found.ended_s is not None else found.at_s
        taken += max(0.0, ended - max(found.at_s, until))
        until = max(until, ended)
    return taken


def _named(records: int, what: str, ids: Sequence[str]) -> str | None:
    if not records:
        return None
    names = ", ".join(ids[:IDS_NAMED])
    more = f" and {records - IDS_NAMED:,} more" if records > IDS_NAMED else ""
    return (
        f"{plural(records, 'record')} {what}: {names}{more}" if ids else f"{plural(records, 'record')} {what}"
    )


def _errors(snapshot: Snapshot) -> str | None:
    records = snapshot.records
    settled = records.delivered + records.filtered + records.rejected
    if snapshot.error_rate <= ERROR_RATE or (settled < ERROR_RATE_RECORDS and snapshot.phase != "ended"):
        return None
    rejected = f"{records.rejected:,} of {plural(settled, 'record')}"
    if snapshot.rejections:
        worst = snapshot.rejections[0]
        rejected += f", most by {worst.stage}: {worst.reason}"
    return f"the error rate is {percent(snapshot.error_rate)} ({rejected})"


def _memory(snapshot: Snapshot) -> str | None:
    memory = snapshot.memory
    if memory.verdict != "growing":
        return None
    named = [_grown(cache) for cache in memory.caches if leaking(cache)]
    if named:
        return "; ".join(named)
    if memory.slope_bytes_per_record is None:
        return _piled_up(snapshot)
    slope = memory.slope_bytes_per_record or 0.0
    per_record = size(slope) if abs(slope) >= 10 else f"{number(slope)} bytes"
    return f"memory grows by {per_record} a record, from {size(memory.rss_start)} to {size(memory.rss)}"


def _piled_up(snapshot: Snapshot) -> str:
    records = snapshot.records.read
    types = piling_up(snapshot.memory, records)
    if not types:
        return "memory grows with the records"
    most = types[0]
    holders = dict(snapshot.memory.census.holders) if snapshot.memory.census is not None else {}
    held = f", held by {holders[most.type]}" if most.type in holders else ""
    each = number(round(most.count_delta / records, 2))
    return f"{most.count_delta:,} more objects of type {most.type} are alive, {each} for each record{held}"


def _grown(cache: CacheState) -> str:
    whose = f" of stage {cache.stage}" if cache.stage else ""
    where = f" ({cache.place})" if cache.place and cache.place != cache.name else ""
    each = (
        f"by {number(round(cache.bytes_per_record))} bytes a record"
        if cache.bytes_per_record
        else "with the records"
    )
    weighs = f", {size(cache.bytes)}" if cache.bytes else ""
    what = f"{cache.kind} `{cache.name}`".strip()
    return f"{what}{whose} grows {each}: {cache.len:,} entries{weighs}{where}"
