"""Writes what was asked for when a run has ended: the box, JSON, Markdown or HTML, JUnit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from metrics import reporter
from metrics.report import RunReport
from metrics.report.box import box
from metrics.report.json import to_json
from metrics.report.junit import to_junit
from pipeline.errors import ConfigurationError
from run.narrator import say
from run.streams import DataStream
from run.tracebacks import of_the_user


class Targets(Protocol):
    """Where it is to be written; None is "not wanted". ``json`` may be ``-`` for stdout."""

    @property
    def json(self) -> str | None: ...
    @property
    def report(self) -> Path | None: ...
    @property
    def junit(self) -> Path | None: ...


def write(report: RunReport, targets: Targets, data: DataStream) -> bool:
    """Write everything that the targets name; what cannot be written is told and keeps nothing else back.

    Returns whether all of it was written.
    """
    complete = True
    for attempt in _attempts(report, targets, data):
        try:
            attempt()
        except BrokenPipeError:
            # The reader of the pipe has seen enough.
            continue
        except (ConfigurationError, OSError) as error:
            say(f"The run is over, but its report is not all there: {error}")
            complete = False
    return complete


def _attempts(report: RunReport, targets: Targets, data: DataStream) -> Iterator[Callable[[], None]]:
    trace = of_the_user(report.snapshot.traceback or "")
    if trace:
        yield lambda: say(trace)
    if targets.json not in (None, "-"):
        yield lambda: _to_file(report, Path(str(targets.json)), to_json, "--json")
    if targets.report is not None:
        render = reporter.renderer(targets.report)
        path = targets.report
        yield lambda: _to_file(report, path, render, "--report")
    if targets.junit is not None:
        junit = targets.junit
        yield lambda: _to_file(report, junit, to_junit, "--junit")
    if report.snapshot.diagnosis is not None and report.snapshot.diagnosis.log and targets.json != "-":
        yield lambda: data.write(_why(report))
    # Last, so that it stands at the end of what a person sees.
    yield lambda: _print(report, targets, data)


def _why(report: RunReport) -> str:
    # Few runs are diagnosed.
    from run.diagnose.text import as_text

    assert report.snapshot.diagnosis is not None
    return as_text(report.snapshot.diagnosis, report.snapshot.pipeline) + "\n"


def _to_file(report: RunReport, path: Path, render: reporter.Render, option: str) -> None:
    reporter.write(report, path, render, option)
    say(f"Wrote {path}")


def _print(report: RunReport, targets: Targets, data: DataStream) -> None:
    try:
        data.write(to_json(report) if targets.json == "-" else box(report, unicode=data.speaks_utf8))
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OSError(f"stdout does not take it: {error.strerror or error}") from error
