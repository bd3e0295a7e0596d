"""The metrics tree: the run's five figures, each of which opens into what is behind it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.style import Style
from textual.strip import Strip

from metrics.format import count, millis, percent, size
from metrics.snapshot import Latency, Snapshot, StageState
from tui.format import UNKNOWN, compact, pace
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


def _processed(snapshot: Snapshot, look: Look) -> Node:
    records, styles = snapshot.records, look.styles
    settled = records.delivered + records.filtered + records.rejected
    ledger = (
        ("delivered", records.delivered, styles.text),
        ("filtered", records.filtered, styles.text),
        ("rejected", records.rejected, styles.warn if records.rejected else styles.text),
        ("in flight", records.in_flight, styles.text),
        ("lost", records.lost, styles.bad if records.lost else styles.text),
        ("duplicated", records.duplicated, styles.bad if records.duplicated else styles.text),
    )
    children = [Node(f"records/{name}", name, count(value), style) for name, value, style in ledger]
    children += [
        Node(f"records/stage/{stage.name}", stage.name, _flow(stage), styles.text)
        for stage in snapshot.stages
    ]
    return Node("records", "Records Processed", count(settled), styles.strong, tuple(children))


def _flow(stage: StageState) -> str:
    parts = [f"{compact(stage.taken, 7)} in", f"{compact(stage.given, 7)} out"]
    optional = (
        (stage.filtered, "filtered"),
        (stage.rejected, "rejected"),
        (stage.held, "held"),
        (stage.created, "created"),
        (stage.lost, "LOST"),
    )
    return ", ".join(parts + [f"{compact(value, 7)} {name}" for value, name in optional if value])


def _throughput(snapshot: Snapshot, look: Look) -> Node:
    children = [
        Node(f"rate/{stage.name}", stage.name, f"{pace(stage.rate)} rec/sec", look.styles.text)
        for stage in snapshot.stages
    ]
    value = f"{pace(snapshot.throughput.records_per_s)} rec/sec"
    if snapshot.rate_limit is not None:
        value += f" (limit {pace(snapshot.rate_limit)})"
    return Node("rate", "Throughput", value, look.styles.strong, tuple(children))


def _latency(snapshot: Snapshot, look: Look) -> Node:
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
    mean = millis(snapshot.latency.mean) if snapshot.latency is not None else UNKNOWN
    return Node("latency", "Avg Latency", mean, look.styles.strong, tuple(children))


def _distribution(latency: Latency) -> str:
    points = (("p50", latency.p50), ("p95", latency.p95), ("p99", latency.p99), ("max", latency.max))
    return "  ".join(f"{name} {millis(value)}" for name, value in points)


def _errors(snapshot: Snapshot, look: Look) -> Node:
    styles = look.styles
    children = [
        Node(
            f"errors/{stage.name}",
            stage.name,
            f"{count(stage.rejected)} of {count(stage.taken)}",
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
    return Node("errors", "Error Rate", percent(snapshot.error_rate), style, tuple(children))


def _memory(snapshot: Snapshot, look: Look) -> Node:
    memory, resources, styles = snapshot.memory, snapshot.resources, look.styles
    slope = memory.slope_bytes_per_record
    files = UNKNOWN if resources.fds is None else f"{resources.fds}"
    figures = [
        ("start", size(memory.rss_start)),
        ("peak", size(memory.rss_peak)),
        ("slope", UNKNOWN if slope is None else f"{size(slope)} per record"),
        ("open files", _since(files, None if resources.fds_start is None else f"{resources.fds_start}")),
        ("threads", _since(f"{resources.threads}", f"{resources.threads_start}")),
    ]
    children = tuple(Node(f"memory/{name}", name, value, styles.text) for name, value in figures)
    style = styles.bad if memory.verdict == "growing" else styles.strong
    return Node("memory", "Memory", f"{size(memory.rss)} ({memory.verdict})", style, children)


def _since(now: str, start: str | None) -> str:
    return now if start is None or start == now else f"{now} (started with {start})"
