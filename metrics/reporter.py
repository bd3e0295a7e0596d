"""Writes reports to files; the format follows the ending of the name."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path

from metrics.report import RunReport
from pipeline.errors import ConfigurationError

Render = Callable[[RunReport], str]

FORMATS: dict[str, str] = {
    ".md": "markdown.to_markdown",
    ".markdown": "markdown.to_markdown",
    ".html": "html.to_html",
    ".htm": "html.to_html",
    ".json": "json.to_json",
    ".xml": "junit.to_junit",
}
"""By ending, the function in ``metrics.report``; imported only where it is asked for."""


def renderer(path: Path, option: str = "--report") -> Render:
    """What makes the report that the file's ending asks for.

    Raises :class:`~pipeline.errors.ConfigurationError` where there is no such format.
    """
    ending = path.suffix.lower()
    if ending in FORMATS:
        module, name = FORMATS[ending].split(".")
        render: Render = getattr(import_module(f"metrics.report.{module}"), name)
        return render
    close = get_close_matches(ending, FORMATS, n=1)
    meant = f" Did you mean {path.with_suffix(close[0]).name!r}?" if close and ending else ""
    what = f"there is no report of the kind {ending!r}" if ending else "its name has no ending"
    raise ConfigurationError(f"{option} {path}: {what}; end it in one of {', '.join(FORMATS)}.{meant}")


def check_target(path: Path, option: str) -> None:
    """Raise :class:`~pipeline.errors.ConfigurationError` where no report could be written.

    Called before a run, so that nobody waits an hour for a report that then has no place.
    """
    folder = path.parent
    if path.is_dir():
        raise ConfigurationError(f"{option} {path}: this is a folder; name a file in it")
    if not folder.is_dir():
        raise ConfigurationError(f"{option} {path}: there is no folder {str(folder)!r}; create it first")


def write(report: RunReport, path: Path, render: Render, option: str) -> None:
    """Write a report.

    Raises :class:`~pipeline.errors.ConfigurationError` where the system refuses.
    """
    try:
        path.write_text(render(report), encoding="utf-8", newline="\n")
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigurationError(f"{option} {path}: it could not be written: {reason}") from error
