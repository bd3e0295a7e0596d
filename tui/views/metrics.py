"""The metrics tree: the run's five figures, each of which opens into what is behind it.

What is in it, how it is called and in which unit is told by :mod:`metrics.definitions.figures`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.style import Style
from textual.strip import Strip

from metrics.definitions.figures import ERRORS, LATENCY, MEMORY, RECORDS, THROUGHPUT
from metrics.definitions.metric import Metric
from metrics.format import count
from metrics.snapshot import Latency, Snapshot, StageState
from tui.format import UNKNOWN, compact, measured, pace
from tui.look import Look
from tui.text import Line

MOST_REASONS = 20


@dataclass(frozen=True, slots=True)
class Node:
    """A line of the tree. ``key`` stays the same from snapshot to snapshot."""

    key: str
    label: str
    value: str
    style: Style
    children: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """A node that is in sight, its depth (0 is the outermost) and whether it is the last of its parent."""

    node: Node
    depth: int
    last: bool
    parent: str | None


def window_title(snapshot: Snapshot) -> str:
    """``METRICS (last 60s)``."""
    return f"METRICS (last {snapshot.throughput.window_s:.0f}s)"


def metric_nodes(snapshot: Snapshot, look: Look) -> tuple[Node, ...]:
    """The five figures with what is behind them, stage by stage."""
    return (
        _processed(snapshot, look),
        _throughput(snapshot, look),
        _latency(snapshot, look),
        _errors(snapshot, look),
        _memory(snapshot, look),
    )


def rows(nodes: Sequence[Node], expanded: frozenset[str]) -> list[Row]:
    """The lines in sight when the nodes with these keys are open."""
    return list(_walk(nodes, expanded, 0, None))


def _walk(nodes: Sequence[Node], expanded: frozenset[str], depth: int, parent: str | None) -> Iterator[Row]:
    for position, node in enumerate(nodes):
        yield Row(node, depth, position == len(nodes) - 1, parent)
        if node.key in expanded:
            yield from _walk(node.children, expanded, depth + 1, node.key)


def metric_lines(
    shown: Sequence[Row], expanded: frozenset[str], cursor: str | None, width: int, look: Look
) -> list[Strip]:
    """The rows as lines; the one whose key is ``cursor`` is marked."""
    glyphs, styles = look.glyphs, look.styles
    labels = max((len(row.node.label) + 2 * row.depth for row in shown), default=0)
    label_width = min(max(labels, 18), max(10, width - 14))
    # A branch is only over when its outermost node was the last one.
    lines: list[Strip] = []
    stem = False
    for row in shown:
        if row.depth == 0:
            stem = not row.last
        line = Line(look)
        if row.depth:
            line.put(f"{glyphs.stem if stem else ' '} ", styles.rule)
        line.put(glyphs.last if row.last else glyphs.branch, styles.rule)
        if row.node.children:
            line.put(glyphs.open if row.node.key in expanded else glyphs.closed, styles.accent)
        else:
            line.put(glyphs.leaf, styles.rule)
        line.put(" ")
        label = f"{row.node.label}:" if row.depth == 0 else row.node.label
        line.cell(label, label_width - 2 * row.depth + 2, styles.text if row.depth == 0 else styles.muted)
        line.cell(row.node.value, width - line.width, row.node.style)
        lines.append(line.strip(width, look.selected if row.node.key == cursor else None))
    return lines


def _of_run(
    key: str, metrics: Sequence[Metric], snapshot: Snapshot, look: Look, alarms: Mapping[str, Style]
) -> tuple[Node, ...]:
    """What is behind a figure for the run as a whole; ``alarms`` are styles of what should be 0."""
    nodes = []
    for metric in metrics:
        value = metric.of_run(snapshot)
        style = alarms.get(metric.title, look.styles.text) if value else look.styles.text
        told = measured(value, metric.unit) + _start(metric, snapshot)
        nodes.append(Node(f"{key}/{metric.title}", metric.title, told, style))
    return tuple(nodes)


def _processed(snapshot: Snapshot, look: Look) -> Node:
    records, styles = snapshot.records, look.styles
    settled = records.delivered + records.filtered + records.rejected
    alarms = {"rejected": styles.warn, "lost": styles.bad, "duplicated": styles.bad}
    children = _of_run("records", RECORDS.of_run, snapshot, look, alarms)
    stages = tuple(
        Node(f"records/stage/{stage.name}", stage.name, _flow(stage), styles.text)
        for stage in snapshot.stages
    )
    return Node("records", RECORDS.title, count(settled), styles.strong, children + stages)


def _flow(stage: StageState) -> str:
    """What went in and out, and whatever else there is of it."""
    parts = []
    for metric in RECORDS.of_stages:
        value = metric.of_stage(stage)
        if value or metric.title in ("in", "out"):
            parts.append(f"{compact(round(value or 0), 7)} {metric.title}")
    return ", ".join(parts)


def _throughput(snapshot: Snapshot, look: Look) -> Node:
    (run,), (own,) = THROUGHPUT.of_run, THROUGHPUT.of_stages
    children = tuple(
        Node(f"rate/{stage.name}", stage.name, measured(own.of_stage(stage), own.unit), look.styles.text)
        for stage in snapshot.stages
    )
    # A run that has just begun has no rate yet, and settles nothing.
    value = measured(run.of_run(snapshot) or 0.0, run.unit)
    if snapshot.rate_limit is not None:
        value += f" (limit {pace(snapshot.rate_limit)})"
    return Node("rate", THROUGHPUT.title, value, look.styles.strong, children)


def _latency(snapshot: Snapshot, look: Look) -> Node:
    (run,) = LATENCY.of_run
    children = []
    if snapshot.latency is not None:
        children.append(
            Node("latency/all", "read to commit", _distribution(snapshot.latency), look.styles.text)
        )
    children += [
        Node(
            f"latency/{stage.name}",
            stage.name,
            _distribution(stage.latency) if stage.latency is not None else UNKNOWN,
            look.styles.text,
        )
        for stage in snapshot.stages
    ]
    mean = measured(run.of_run(snapshot), run.unit)
    return Node("latency", LATENCY.title, mean, look.styles.strong, tuple(children))


def _distribution(latency: Latency) -> str:
    points = (("p50", latency.p50), ("p95", latency.p95), ("p99", latency.p99), ("max", latency.max))
    return "  ".join(f"{name} {measured(value, LATENCY.of_run[0].unit)}" for name, value in points)


def _errors(snapshot: Snapshot, look: Look) -> Node:
    styles = look.styles
    (run,), (rejected, taken) = ERRORS.of_run, ERRORS.of_stages
    children = [
        Node(
            f"errors/{stage.name}",
            stage.name,
            f"{measured(rejected.of_stage(stage), rejected.unit)} of "
            f"{measured(taken.of_stage(stage), taken.unit)}",
            styles.warn if stage.rejected else styles.text,
        )
        for stage in snapshot.stages
    ]
    reasons = sorted(snapshot.rejections, key=lambda reason: -reason.count)
    children += [
        Node(
            f"errors/{reason.stage}/{reason.reason}",
            f"{count(reason.count)} {look.glyphs.times}",
            reason.reason,
            styles.warn,
        )
        for reason in reasons[:MOST_REASONS]
    ]
    style = styles.warn if snapshot.error_rate > 0 else styles.strong
    return Node("errors", ERRORS.title, measured(run.of_run(snapshot), run.unit), style, tuple(children))


def _memory(snapshot: Snapshot, look: Look) -> Node:
    styles, verdict = look.styles, snapshot.memory.verdict
    rss, *others = MEMORY.of_run
    value = f"{measured(rss.of_run(snapshot), rss.unit)} ({verdict})"
    style = styles.bad if verdict == "growing" else styles.strong
    return Node("memory", MEMORY.title, value, style, _of_run("memory", others, snapshot, look, {}))


def _start(metric: Metric, snapshot: Snapshot) -> str:
    """Where what should come back to it stood at the start, if it is elsewhere now."""
    resources = snapshot.resources
    now, start = {
        "process.open_files": (resources.fds, resources.fds_start),
        "process.threads": (resources.threads, resources.threads_start),
    }.get(metric.name, (None, None))
    return "" if start is None or now is None or start == now else f" (started with {count(start)})"
