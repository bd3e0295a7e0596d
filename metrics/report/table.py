"""A table of a report for people: names and numbers as text, the same for every format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from metrics.format import printable

ROWS = 100
"""Rows of a table at most; the JSON report has them all."""


@dataclass(frozen=True, slots=True)
class Table:
    """A titled table; columns from ``text`` on hold numbers. ``cut`` rows were left out."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    text: int = 1
    cut: int = 0


def table(
    title: str,
    columns: tuple[str, ...],
    rows: Sequence[tuple[str, ...]],
    *,
    text: int = 1,
    limit: int = ROWS,
) -> Table:
    """A table of at most ``limit`` rows; text from elsewhere is made printable."""
    shown = tuple(tuple(map(printable, row)) for row in rows[:limit])
    return Table(printable(title), columns, shown, text, max(0, len(rows) - limit))
