"""The report as Markdown, for a pull request or a wiki."""

from __future__ import annotations

import re
from collections.abc import Sequence

from metrics.format import printable
from metrics.report import RunReport, outcome
from metrics.report.table import Table
from metrics.report.tables import tables

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&!])")


def to_markdown(report: RunReport) -> str:
    """The whole report; nothing that a record says is taken for markup."""
    snapshot = report.snapshot
    lines = [
        f"# Pipeline {_escape(snapshot.pipeline)}: {snapshot.status}",
        "",
        _escape(outcome(report)),
        *_bullets(snapshot.reasons),
    ]
    for table in tables(report):
        lines += ["", f"## {_escape(table.title)}", "", *_table(table)]
    for conclusion in snapshot.diagnosis.conclusions if snapshot.diagnosis else ():
        lines += _code(f"Proposed change: {conclusion.cause}", conclusion.diff)
    lines += _code("Traceback", snapshot.traceback)
    return "\n".join(lines) + "\n"


def _code(title: str, text: str | None) -> list[str]:
    """As it is, set off by blanks, which nothing within it can end."""
    if not text:
        return []
    return ["", f"## {_escape(title)}", "", *(f"    {printable(line)}" for line in text.splitlines())]


def _bullets(texts: Sequence[str]) -> list[str]:
    return ["", *(f"- {_escape(text)}" for text in texts)] if texts else []


def _table(table: Table) -> list[str]:
    rules = ["---" if at < table.text else "---:" for at in range(len(table.columns))]
    rows = [table.columns, tuple(rules), *(tuple(map(_escape, row)) for row in table.rows)]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return [*lines, "", f"{table.cut:,} more are in the JSON report."] if table.cut else lines


def _escape(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", printable(text))
