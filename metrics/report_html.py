"""The report as one HTML file: no scripts, no network, light and dark, readable on paper."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

from metrics.format import percent, printable, rate, size, titled
from metrics.report import RunReport, outcome
from metrics.report_tables import Table, tables
from metrics.snapshot import StageState

_STYLE = """
:root { color-scheme: light dark; --ink: #1c1e21; --soft: #5a6068; --ground: #ffffff; --panel: #f3f4f6;
  --line: #d5d8dd; --good: #1a7f37; --warn: #9a6700; --bad: #c62828; --busy: #2563eb; --blocked: #b45309; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8eb; --soft: #a3aab3; --ground: #14171a;
  --panel: #1f2327; --line: #3a4047; --good: #4ac26b; --warn: #e3b341; --bad: #ff7b72; --busy: #6ea8fe;
  --blocked: #f0a35e; } }
body { margin: 2rem auto; max-width: 76rem; padding: 0 1rem; background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
.status { font-weight: 700; } .healthy { color: var(--good); } .degraded, .interrupted { color: var(--warn); }
.unhealthy, .failed { color: var(--bad); }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: .9rem; }
th, td { padding: .3rem .7rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th { color: var(--soft); font-weight: 600; } td { overflow-wrap: anywhere; }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.charts { display: flex; flex-wrap: wrap; gap: 1rem; } figure { margin: 0; padding: .8rem; flex: 1 1 20rem;
  background: var(--panel); border-radius: .4rem; } figcaption { color: var(--soft); font-size: .9rem; }
svg { display: block; width: 100%; height: 5rem; } polyline { fill: none; stroke: var(--busy);
  stroke-width: 2; vector-effect: non-scaling-stroke; }
.bar { display: flex; height: .7rem; width: 12rem; background: var(--line); }
.bar i { background: var(--busy); } .bar b { background: var(--blocked); }
pre { padding: .8rem; background: var(--panel); overflow-x: auto; font-size: .85rem; }
p.soft { color: var(--soft); }
"""


def to_html(report: RunReport) -> str:
    """The whole report; everything that comes from the pipeline is escaped."""
    snapshot = report.snapshot
    name = _text(snapshot.pipeline)
    status = snapshot.status
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{name}: {status}</title><style>{_STYLE}</style></head><body>",
        f'<h1>Pipeline {name}: <span class="status {status}">{status}</span></h1>',
        f"<p>{_text(outcome(report))}</p>",
    ]
    if snapshot.reasons:
        parts.append("<ul>" + "".join(f"<li>{_text(reason)}</li>" for reason in snapshot.reasons) + "</ul>")
    charts = [
        _chart("Records per second", snapshot.rate_history, rate),
        _chart("Memory", snapshot.memory.series, size),
    ]
    if any(charts):
        parts.append(f'<div class="charts">{"".join(charts)}</div>')
    parts += [_table(table) for table in tables(report)]
    parts.append(_times(snapshot.stages))
    if snapshot.traceback:
        trace = "\n".join(_text(line) for line in snapshot.traceback.splitlines())
        parts.append(f"<h2>Traceback</h2><pre>{trace}</pre>")
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
    return f'<h2>{table.title}</h2><div class="wide"><table>{head}<tbody>{body}</tbody></table></div>{more}'


def _chart(title: str, values: Sequence[float], show: Callable[[float], str]) -> str:
    """A line from zero up, with the least and the most in words for those who cannot see it."""
    if len(values) < 2:
        return ""
    top = max(values) or 1.0
    step = 300 / (len(values) - 1)
    points = " ".join(f"{at * step:.1f},{100 - 96 * value / top:.1f}" for at, value in enumerate(values))
    words = f"{title}: {show(min(values))} to {show(max(values))}, {show(values[-1])} at the end"
    return (
        f'<figure><svg viewBox="0 0 300 100" preserveAspectRatio="none" role="img"'
        f' aria-label="{escape(words)}">'
        f'<polyline points="{points}"/></svg><figcaption>{escape(words)}</figcaption></figure>'
    )


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
