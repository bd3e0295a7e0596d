"""The summary box that a run ends with: a value in, lines out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wcwidth import iter_graphemes, wcswidth

from metrics.definitions import figures
from metrics.definitions.units import RATE
from metrics.format import millis, percent, plural, printable, rate, seconds, size, titled
from metrics.report import PRODUCT, RunReport, may_be_twice, named_ids, outcome
from metrics.snapshot import Snapshot, StageState
from metrics.verdict import IDS_NAMED

MIN_WIDTH = 58
MAX_WIDTH = 76
"""Cells between the sides of the frame; with them it fits a terminal of 80 columns."""
BAR = 20
STAGE_COLUMN = 12
STAGE_LONGEST = 40
IDS = 20
"""How many lost or duplicated ids are named; the JSON report names more."""


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The characters that a box is drawn with; each is one cell wide."""

    top: tuple[str, str]
    middle: tuple[str, str]
    bottom: tuple[str, str]
    line: str
    side: str
    full: str
    empty: str
    dot: str
    branch: str
    last: str
    cut: str
    ascii: bool


UNICODE = Glyphs(("╔", "╗"), ("╠", "╣"), ("╚", "╝"), "═", "║", "█", "░", "●", "├─", "└─", "…", False)
ASCII = Glyphs(("+", "+"), ("+", "+"), ("+", "+"), "=", "|", "#", ".", "*", "|-", "`-", "~", True)


def box(report: RunReport, *, unicode: bool = True) -> str:
    """The summary, every line equally wide on a terminal; without a newline at the end."""
    glyphs = UNICODE if unicode else ASCII
    snapshot = report.snapshot
    lines = [f"PIPELINE STATUS: {glyphs.dot} {snapshot.status.upper()}"]
    if snapshot.status != "healthy":
        lines += [f"- {_plain(reason, glyphs)}" for reason in snapshot.reasons]
    lines += _stages(snapshot.stages, glyphs)
    metrics = _metrics(snapshot)
    lines.append(f"METRICS (last {seconds(snapshot.throughput.window_s)}):")
    lines += [f"{glyphs.branch} {line}" for line in metrics[:-1]]
    lines.append(f"{glyphs.last} {metrics[-1]}")
    lines += [_plain(line, glyphs) for line in _closing(report)]
    return frame(PRODUCT, lines, glyphs)


def frame(title: str, lines: Sequence[str], glyphs: Glyphs) -> str:
    """Lines in a frame that is as wide as they need, within bounds; longer ones are wrapped."""
    widest = max((wcswidth(line) for line in lines), default=0)
    inner = min(MAX_WIDTH, max(MIN_WIDTH, widest + 4))
    rows = [row for line in lines for row in wrap(line, inner - 4)]
    left = (inner - wcswidth(title)) // 2
    rule = glyphs.line * inner
    return "\n".join(
        [
            glyphs.top[0] + rule + glyphs.top[1],
            _row(" " * left + title, inner, glyphs.side),
            glyphs.middle[0] + rule + glyphs.middle[1],
            *(_row("  " + row, inner, glyphs.side) for row in rows),
            glyphs.bottom[0] + rule + glyphs.bottom[1],
        ]
    )


def wrap(text: str, width: int) -> list[str]:
    """The text in lines of at most ``width`` cells, broken between words where that is possible."""
    if wcswidth(text) <= width:
        return [text]
    lines: list[str] = []
    line: str | None = None
    for word in text.split(" "):
        joined = word if line is None else f"{line} {word}"
        if wcswidth(joined) <= width:
            line = joined
            continue
        if line is not None:
            lines.append(line)
        *full, line = _chop(word, width)
        lines += full
    return [*lines, line or ""]


def cut(text: str, width: int, mark: str) -> str:
    """The text in at most ``width`` cells, ending in ``mark`` (one cell) where it was cut."""
    if wcswidth(text) <= width:
        return text
    return _chop(text, width - 1)[0] + mark


def _chop(word: str, width: int) -> list[str]:
    pieces = [""]
    for grapheme in iter_graphemes(word):
        if pieces[-1] and wcswidth(pieces[-1] + grapheme) > width:
            pieces.append("")
        pieces[-1] += grapheme
    return pieces


def _row(text: str, inner: int, side: str) -> str:
    # A mark at the end of the text may join the blank behind it, so the blank is measured too.
    blanks = max(0, inner - wcswidth(text + " ") + 1)
    return side + text + " " * blanks + side


def _plain(text: str, glyphs: Glyphs) -> str:
    return printable(text, ascii=glyphs.ascii)


def _stages(stages: Sequence[StageState], glyphs: Glyphs) -> list[str]:
    names = [cut(_plain(titled(stage.name), glyphs), STAGE_LONGEST, glyphs.cut) for stage in stages]
    column = max([STAGE_COLUMN, *map(wcswidth, names)]) + 1
    lines = []
    for name, stage in zip(names, stages, strict=True):
        done = int(BAR * (stage.progress or 0.0) + 1e-9)
        bar = glyphs.full * done + glyphs.empty * (BAR - done)
        # Rounded down: 100 % is all of it. Where the end is not known, the count must do.
        share = f"{plural(stage.taken, 'record')}" if stage.progress is None else _whole(stage.progress)
        lines.append(f"Stage: {name}{' ' * (column - wcswidth(name))}[{bar}] {share}")
    return lines


def _whole(share: float) -> str:
    return f"{int(share * 100 + 1e-9)}%"


def _metrics(snapshot: Snapshot) -> list[str]:
    throughput, latency, memory = snapshot.throughput, snapshot.latency, snapshot.memory
    longer = snapshot.elapsed_s > throughput.window_s + 1
    whole = " (whole run)" if longer else ""
    in_all = f" ({plural(snapshot.records.read, 'record')} read in the whole run)" if longer else ""
    return [
        f"{figures.RECORDS.title}: {throughput.records:,}{in_all}",
        f"{figures.THROUGHPUT.title}: {rate(throughput.records_per_s)} {RATE.words}",
        f"{figures.LATENCY.title}: {millis(latency.mean if latency else None)}{whole}",
        f"{figures.ERRORS.title}: {percent(snapshot.error_rate)}{whole}",
        f"{figures.MEMORY.title}: {size(memory.rss)} ({_memory(snapshot)})",
    ]


def _memory(snapshot: Snapshot) -> str:
    memory = snapshot.memory
    if memory.verdict == "unknown":
        return "unknown: too short a run"
    if memory.verdict == "growing" and memory.slope_bytes_per_record is not None:
        return f"growing, {size(memory.slope_bytes_per_record)}/record"
    return memory.verdict


def _counted(anomalies: int) -> str:
    return "1 anomaly" if anomalies == 1 else f"{anomalies:,} anomalies"


def _closing(report: RunReport) -> list[str]:
    records = report.snapshot.records
    lines = [outcome(report)]
    # The reasons name the first few already.
    if records.lost > IDS_NAMED:
        lines.append(f"Lost: {named_ids(records.lost_ids, records.lost, IDS)}")
    if records.duplicated > IDS_NAMED:
        lines.append(f"Duplicated: {named_ids(records.duplicated_ids, records.duplicated, IDS)}")
    # One that degrades the run is among the reasons.
    anomalies = report.snapshot.anomalies
    if anomalies and report.snapshot.status == "healthy":
        lines.append(f"{_counted(len(anomalies))} that did no harm, the last: {anomalies[-1].text}")
    if records.rejected and report.dead_letters is not None:
        lines.append(f"Rejected records: {report.dead_letters}")
    if report.sink is not None and report.sink.may_be_twice:
        lines.append(f"May be there twice: {may_be_twice(report.sink)}")
    return lines
