"""Writes what is on the screen to a file that was not there before."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tui.svg import self_contained

if TYPE_CHECKING:
    from textual.app import App


def write(app: App[int], kind: str, view: str, table: Sequence[Sequence[str]], stamp: str) -> Path:
    """Write a view as ``csv``, ``svg`` or ``txt`` into the current folder; gives the path. Raises OSError."""
    text = {"csv": lambda: to_csv(table), "svg": lambda: to_svg(app), "txt": lambda: to_text(app)}[kind]()
    for attempt in range(1, 1000):
        mark = "" if attempt == 1 else f"-{attempt}"
        path = Path.cwd() / f"monitor-{view}-{stamp}{mark}.{kind}"
        try:
            with path.open("x", encoding="utf-8", errors="backslashreplace", newline="") as file:
                file.write(text)
        except FileExistsError:
            continue
        return path
    raise FileExistsError(17, "there are too many files of this name")


def to_csv(table: Sequence[Sequence[str]]) -> str:
    """Lines as CSV."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(table)
    return buffer.getvalue()


def to_svg(app: App[int]) -> str:
    """The screen as a picture that loads nothing."""
    return self_contained(app.export_screenshot(title="Data Pipeline Monitor"))


def to_text(app: App[int]) -> str:
    """The screen as it stands."""
    strips = app.screen._compositor.render_strips()
    return "".join(f"{strip.text.rstrip()}\n" for strip in strips)
