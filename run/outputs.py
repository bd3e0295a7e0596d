"""Writes what was asked for when a run has ended: the box, JSON, Markdown or HTML, JUnit."""

from __future__ import annotations

import contextlib
import locale
import os
import sys
from pathlib import Path

from metrics import reporter
from metrics.box import box
from metrics.report import RunReport
from metrics.report_json import to_json
from metrics.report_junit import to_junit
from run.arguments import Settings
from run.narrator import print_data, say


def write(report: RunReport, settings: Settings) -> None:
    """Write everything that the settings name.

    Raises :class:`~pipeline.errors.ConfigurationError` where a file cannot be written.
    """
    files = (
        ("--json", Path(settings.json) if settings.json not in (None, "-") else None, to_json),
        ("--report", settings.report, reporter.renderer(settings.report) if settings.report else None),
        ("--junit", settings.junit, to_junit),
    )
    _print(to_json(report) if settings.json == "-" else box(report, unicode=speaks_utf8()))
    for option, path, render in files:
        if path is not None and render is not None:
            reporter.write(report, path, render, option)
            say(f"Wrote {path}")


def speaks_utf8() -> bool:
    """Whether stdout can show more than ASCII."""
    encoding = getattr(sys.stdout, "encoding", None) or locale.getpreferredencoding(False)
    return encoding.lower().replace("-", "") == "utf8"


def _print(text: str) -> None:
    try:
        print_data(text)
    except BrokenPipeError:
        # The reader of the pipe has seen enough; nothing is to be printed at exit either.
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
