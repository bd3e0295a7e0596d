"""The tables of what was found out: anomalies, caches, types, the diagnosis, the comparison."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from metrics.findings import Diagnosis
from metrics.format import NOT_KNOWN, count, number, percent, seconds, size
from metrics.memory_state import CacheState, TypeState
from metrics.report import RunReport
from metrics.report.table import Table, table
from metrics.snapshot import Anomaly

TYPES = 15


def comparison(report: RunReport) -> Iterator[Table]:
    """What changed since the baseline."""
    found = report.comparison
    if found is None:
        return
    rows = [(change.text, _judged(change.worse, regression=change.regression)) for change in found.changes]
    if found.not_judged is not None:
        rows.append((f"not judged: {found.not_judged}", ""))
    yield table(f"Compared with {found.path}", ("what", ""), rows, text=2)


def anomalies(found: Sequence[Anomaly]) -> Table:
    """All of them, from the first."""
    return table(
        "Anomalies",
        ("what", "severity", "kind", "metric", "from", "to"),
        [
            (
                each.text,
                each.severity,
                each.kind,
                each.metric,
                seconds(each.at_s),
                "the end" if each.ended_s is None else seconds(each.ended_s),
            )
            for each in found
        ],
        text=4,
    )


def caches(found: Sequence[CacheState]) -> Table:
    """Watched containers."""
    return table(
        "Caches and containers",
        ("name", "stage", "where", "verdict", "entries", "size", "per record"),
        [
            (
                each.name,
                each.stage or "",
                each.place or "",
                each.verdict,
                count(each.len),
                size(each.bytes),
                NOT_KNOWN if each.bytes_per_record is None else f"{number(each.bytes_per_record)} bytes",
            )
            for each in found
        ],
        text=4,
    )


def types(found: Sequence[TypeState]) -> Table:
    """The types of live objects, those that grew most first."""
    grown = [each for each in found if each.count_delta > 0]
    return table(
        "Types that grew",
        ("type", "objects", "more than at first", "size", "more than at first"),
        [
            (each.type, count(each.count), count(each.count_delta), size(each.bytes), size(each.bytes_delta))
            for each in grown
        ],
        limit=TYPES,
    )


def diagnosis(found: Diagnosis | None) -> Iterator[Table]:
    """What it is, what it is not, and how that was found out."""
    if found is None:
        return
    state = "undetermined" if found.state == "running" else found.state
    summary = [("state", state), *(("symptom", symptom.text) for symptom in found.symptoms)]
    for each in found.conclusions:
        if each.cause == "healthy":
            continue
        where = ", ".join(part for part in (each.stage, each.object, each.location) if part)
        summary += [
            ("cause", f"{each.cause}{f' ({where})' if where else ''}, {percent(each.confidence, 0)} sure"),
            ("why", each.why),
            ("fix", f"{each.fix}{' (verified)' if each.verified else ''}"),
        ]
        if each.verification:
            summary.append(("verification", each.verification))
    summary += [(name, text) for name, text in (("doubt", found.doubt), ("next", found.next)) if text]
    summary.append(("cost", seconds(found.cost_s)))
    yield table("Diagnosis", ("", ""), summary, text=2)
    yield table(
        "Ruled out",
        ("cause", "because", "still"),
        [(each.cause, each.because, percent(each.confidence)) for each in found.ruled_out],
        text=2,
    )
    yield table(
        "Log of the diagnosis",
        ("hypothesis", "prediction", "experiment", "observation", "conclusion", "command", "odds"),
        [
            (
                step.hypothesis,
                step.prediction,
                step.experiment,
                step.observation,
                step.conclusion,
                step.command,
                f"{number(step.odds_before)} to {number(step.odds_after)}",
            )
            for step in found.log
        ],
        text=6,
    )


def _judged(worse: bool | None, *, regression: bool) -> str:
    if worse is None:
        return ""
    return "REGRESSION" if regression else "worse" if worse else "better"
