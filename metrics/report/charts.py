"""What a report draws: the run's numbers over its time, with anomalies and faults on the same axis."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from metrics.format import millis, percent, plural, printable, rate, size, titled
from metrics.report import RunReport
from metrics.report.history import Line

LINES = 6
"""In one chart: as many as can be told apart by colour and dashes."""
BARS = 20


@dataclass(frozen=True, slots=True)
class Curve:
    """A line by name; points are (second of the run, value). A stage has the same ``look`` in every chart."""

    name: str
    points: tuple[tuple[float, float], ...]
    look: int = 0


@dataclass(frozen=True, slots=True)
class Span:
    """A time that is marked: an anomaly, or a fault that was put in. ``text`` says what."""

    begin: float
    end: float
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Curves over ``[0, until]``; ``say`` puts a value into words; ``full`` is the top, where that is fixed.
    ``summary`` tells what is to be seen to those who cannot see it."""

    title: str
    curves: tuple[Curve, ...]
    until: float
    say: Callable[[float], str]
    spans: tuple[Span, ...]
    summary: str
    full: float | None = None


def charts(report: RunReport) -> list[Chart]:
    """All charts that have something in them."""
    return list(_charts(report))


def timeline(report: RunReport) -> tuple[Span, ...]:
    """Anomalies and faults in the order of their beginning, so many that they can be drawn."""
    snapshot = report.snapshot
    until = report.duration_s
    spans = [
        Span(
            found.at_s,
            until if found.ended_s is None else found.ended_s,
            found.severity,
            printable(found.text),
        )
        for found in snapshot.anomalies
    ]
    for fault in snapshot.faults:
        where = f" at {fault.stage}" if fault.stage else ""
        end = until if fault.lifted_s is None else fault.lifted_s
        spans.append(Span(fault.at_s, end, "fault", printable(f"{fault.name}{where}, put in on purpose")))
    spans.sort(key=lambda span: (span.kind != "fault", span.kind != "critical", span.begin))
    return tuple(sorted(spans[:BARS], key=lambda span: span.begin))


def _charts(report: RunReport) -> Iterator[Chart]:
    lines = [_finite(line) for line in report.history or _kept(report)]
    for title, metric, say, full in _KINDS:
        found = [line for line in lines if line.metric == metric and len(line.points) > 1]
        # Of many stages those with the highest values tell most; they stay in the order of the flow.
        highest = sorted(found, key=lambda line: -max(value for _, value in line.points))[:LINES]
        shown = [line for line in found if line in highest]
        if not shown or (metric.startswith("pipeline.stage") and not _moves(shown)):
            continue
        looks = {stage.name: at for at, stage in enumerate(report.snapshot.stages)}
        curves = tuple(
            Curve(printable(titled(line.stage or "")), line.points, looks.get(line.stage or "", 0))
            for line in shown
        )
        left_out = (
            f" ({plural(len(found) - LINES, 'stage')} with lower values left out)"
            if len(found) > LINES
            else ""
        )
        spans = tuple(span for found_there, span in _marks(report) if found_there in (metric, None))
        summary = "; ".join(_words(curve, say) for curve in curves)
        until = max(report.duration_s, *(points[-1][0] for points in (curve.points for curve in curves)))
        yield Chart(title + left_out, curves, until, say, spans, summary, full)


_KINDS: tuple[tuple[str, str, Callable[[float], str], float | None], ...] = (
    ("Records per second", "pipeline.records.rate", rate, None),
    ("Latency from reading to commit, 95th percentile", "pipeline.record.latency", millis, None),
    ("Latency of the stages, 95th percentile", "pipeline.stage.latency", millis, None),
    ("How full the queues were", "pipeline.stage.queue.fill", lambda share: percent(share, 0), 1.0),
    ("Memory", "process.memory.rss", size, None),
)


def _finite(line: Line) -> Line:
    return replace(line, points=tuple(point for point in line.points if math.isfinite(point[1])))


def _moves(lines: list[Line]) -> bool:
    return any(value > 0 for line in lines for _, value in line.points)


def _words(curve: Curve, say: Callable[[float], str]) -> str:
    values = [value for _, value in curve.points]
    name = f"{curve.name}: " if curve.name else ""
    return f"{name}{say(min(values))} to {say(max(values))}, {say(values[-1])} at the end"


def _marks(report: RunReport) -> Iterator[tuple[str | None, Span]]:
    """Spans with the metric that they are of; faults belong into every chart."""
    until = report.duration_s
    for found in report.snapshot.anomalies:
        end = until if found.ended_s is None else found.ended_s
        yield found.metric, Span(found.at_s, end, found.severity, printable(found.text))
    for fault in report.snapshot.faults:
        end = until if fault.lifted_s is None else fault.lifted_s
        yield None, Span(fault.at_s, end, "fault", printable(fault.name))


def _kept(report: RunReport) -> tuple[Line, ...]:
    """What the last snapshot itself knows of the past, for a recording that breaks off."""
    snapshot = report.snapshot
    rates, sizes = snapshot.rate_history, snapshot.memory.series
    begin = max(0.0, snapshot.elapsed_s - len(rates))
    apart = snapshot.elapsed_s / max(1, len(sizes) - 1)
    return (
        Line("pipeline.records.rate", None, tuple((begin + at, each) for at, each in enumerate(rates))),
        Line("process.memory.rss", None, tuple((at * apart, float(each)) for at, each in enumerate(sizes))),
    )
