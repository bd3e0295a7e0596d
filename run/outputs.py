"""Writes what was asked for when a run has ended: the box, JSON, Markdown or HTML, JUnit."""

from __future__ import annotations

import contextlib
import locale
import os
import sys

from metrics import reporter
from metrics.report import RunReport
from run.arguments import Settings
from run.narrator import print_data, say


def write(report: RunReport, settings: Settings) -> None:
    """Write everything that the settings name; raises OSError where a file cannot be written."""
    if settings.json is not None and settings.json != "-":
        _save(settings.json, reporter.as_json(report))
    if settings.report is not None:
        html = settings.report.suffix.lower() == ".html"
        _save(str(settings.report), reporter.as_html(report) if html else reporter.as_markdown(report))
    if settings.junit is not None:
        _save(str(settings.junit), reporter.as_junit(report))
    _print(reporter.as_json(report) if settings.json == "-" else reporter.as_box(report, ascii=not speaks_utf8()))


def speaks_utf8() -> bool:
    """Whether stdout can show more than ASCII."""
    encoding = getattr(sys.stdout, "encoding", None) or locale.getpreferredencoding(False)
    return encoding.lower().replace("-", "") == "utf8"


def _save(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8", newline="\n") as file:  # noqa: PTH123
        file.write(text)
    say(f"Wrote {path}")


def _print(text: str) -> None:
    try:
        print_data(text)
    except BrokenPipeError:
        # The reader of the pipe has seen enough; nothing is to be printed at exit either.
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
