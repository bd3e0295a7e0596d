"""The report as one HTML file: no scripts, no network, light and dark, readable on paper."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from metrics.findings import Conclusion
from metrics.format import percent, printable, titled
from metrics.report import RunReport, outcome
from metrics.report.charts import charts, timeline
from metrics.report.style import STYLE
from metrics.report.svg import bars, chart
from metrics.report.table import Table
from metrics.report.tables import tables
from metrics.snapshot import StageState


def to_html(report: RunReport) -> str:
    """The whole report; everything that comes from the pipeline is escaped."""
    snapshot = report.snapshot
    name = _text(snapshot.pipeline)
    status = snapshot.status
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{name}: {status}</title><style>{STYLE}</style></head><body>",
        f'<h1>Pipeline {name}: <span class="status {status}">{status}</span></h1>',
        f"<p>{_text(outcome(report))}</p>",
    ]
    if snapshot.reasons:
        parts.append("<ul>" + "".join(f"<li>{_text(reason)}</li>" for reason in snapshot.reasons) + "</ul>")
    found = tables(report)
    # The charts stand behind the numbers of the whole run, before what was found in them.
    behind = next((at for at, table in enumerate(found) if table.title == "Metrics"), -1) + 1
    parts += [_table(table) for table in found[:behind]]
    parts += [_times(snapshot.stages), _over_time(report)]
    parts += [_table(table) for table in found[behind:]]
    parts += [_pre(f"Proposed change: {change.cause}", change.diff) for change in _changes(report)]
    parts.append(_pre("Traceback", snapshot.traceback))
    parts.append("</body></html>")
    return "\n".join(part for part in parts if part) + "\n"


def _text(text: str) -> str:
    return escape(printable(text))


def _table(table: Table) -> str:
    def row(tag: str, cells: Sequence[str]) -> str:
        kinds = ("" if at < table.text else ' class="n"' for at in range(len(cells)))
        marked = (f"<{tag}{kind}>{escape(cell)}</{tag}>" for kind, cell in zip(kinds, cells, strict=True))
        return f"<tr>{''.join(marked)}</tr>"

    head = f"<thead>{row('th', table.columns)}</thead>" if any(table.columns) else ""
    body = "".join(row("td", cells) for cells in table.rows)
    more = f'<p class="soft">{table.cut:,} more are in the JSON report.</p>' if table.cut else ""
    rows = f"<table>{head}<tbody>{body}</tbody></table>"
    return f'<h2>{escape(table.title)}</h2><div class="wide">{rows}</div>{more}'


def _over_time(report: RunReport) -> str:
    """The charts, and what was out of the ordinary when, on one axis."""
    drawn = [chart(found, number) for number, found in enumerate(charts(report))]
    spans = timeline(report)
    if spans:
        drawn.append(bars(spans, report.duration_s))
    return "<h2>Over time</h2>" + "".join(drawn) if drawn else ""


def _changes(report: RunReport) -> Sequence[Conclusion]:
    diagnosis = report.snapshot.diagnosis
    return [each for each in diagnosis.conclusions if each.diff] if diagnosis is not None else []


def _pre(title: str, text: str | None) -> str:
    if not text:
        return ""
    lines = "\n".join(_text(line) for line in text.splitlines())
    return f"<h2>{_text(title)}</h2><pre>{lines}</pre>"


def _times(stages: Sequence[StageState]) -> str:
    """How each stage's workers spent their time, as bars."""
    rows = []
    for stage in stages:
        if stage.busy is None or stage.idle is None or stage.blocked is None:
            continue
        words = ", ".join(
            f"{percent(share, 0)} {name}"
            for name, share in (("busy", stage.busy), ("blocked", stage.blocked), ("idle", stage.idle))
        )
        bar = (
            f'<div class="bar" aria-hidden="true"><i style="width:{stage.busy * 100:.1f}%"></i>'
            f'<b style="width:{stage.blocked * 100:.1f}%"></b></div>'
        )
        rows.append(f"<tr><td>{_text(titled(stage.name))}</td><td>{bar}</td><td>{words}</td></tr>")
    if not rows:
        return ""
    return f'<h2>Time</h2><div class="wide"><table><tbody>{"".join(rows)}</tbody></table></div>'
