"""Bars that are drawn inside a line."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from rich.style import Style

from tui.look import Look
from tui.text import Line


def progress_bar(line: Line, share: float, width: int, look: Look, style: Style) -> None:
    """A thin bar of ``width`` cells; it is only full when ``share`` is 1."""
    glyphs = look.glyphs
    halves = int(max(0.0, min(1.0, share)) * width * 2)
    full, half = divmod(halves, 2)
    line.put(glyphs.bar * full + glyphs.bar_tip * half, style)
    line.put(glyphs.bar_rest * (width - full - half), look.styles.rule)


def fill_bar(line: Line, share: float, width: int, look: Look) -> None:
    """How full something is, ``width`` cells: green up to 60 %, yellow up to 85 %, red above.

    One cell is filled as soon as there is anything in it.
    """
    share = max(0.0, min(1.0, share))
    cells = max(int(share > 0), round(share * width))
    line.put(look.glyphs.fill * cells, fill_style(share, look))
    line.put(look.glyphs.fill_rest * (width - cells), look.styles.rule)


def fill_style(share: float, look: Look) -> Style:
    """The style of a queue that is filled to ``share``."""
    styles = look.styles
    if share <= 0.60:
        return styles.good
    return styles.warn if share <= 0.85 else styles.bad


def stacked_bar(line: Line, parts: Sequence[tuple[float, str, Style]], width: int) -> None:
    """Shares that add up to 1 as one bar; each part is a share, a glyph and a style.

    Cells are dealt out by largest remainder, so that they always add up to ``width``.
    """
    exact = [max(0.0, part[0]) * width for part in parts]
    cells = [int(value) for value in exact]
    spare = width - sum(cells)
    for index in sorted(range(len(parts)), key=lambda i: cells[i] - exact[i])[: max(0, spare)]:
        cells[index] += 1
    for (_, glyph, style), length in zip(parts, cells, strict=True):
        line.put(glyph * length, style)


def spark_chart(values: Sequence[float], width: int, rows: int, look: Look, span: float) -> list[str]:
    """The last readings as columns, top row first; ``rows`` lines of ``width`` cells.

    The chart runs from the lowest reading to the highest, but shows at least ``span``, so that
    noise on a steady value stays flat. With more readings than columns each column shows the highest
    of its share of them.
    """
    levels = look.glyphs.spark
    steps = len(levels) - 1
    if not values or rows <= 0:
        return [" " * width] * rows
    columns = _resample(values, width)
    low, high = min(columns), max(columns)
    height = max(high - low, span) or 1.0
    top = rows * steps
    # Never below one step: a column without ink would read as "no reading".
    heights = [1 + int((value - low) / height * (top - 1) + 0.5) for value in columns]
    lines = []
    for row in range(rows - 1, -1, -1):
        cells = (levels[max(0, min(steps, level - row * steps))] for level in heights)
        lines.append("".join(cells).rjust(width))
    return lines


def _resample(values: Sequence[float], width: int) -> list[float]:
    if len(values) <= width:
        return list(values)
    edges = [index * len(values) // width for index in range(width + 1)]
    return [max(values[start:stop]) for start, stop in pairwise(edges)]


def spark(values: Sequence[float], width: int, look: Look, top: float | None = None) -> str:
    """One line of columns from 0 to ``top`` (the highest reading where that is None), the newest at the
    right."""
    levels = look.glyphs.spark
    if not values or width <= 0:
        return " " * max(0, width)
    columns = _resample(values, width) if len(values) > width else list(values)
    high = max(columns) if top is None else top
    steps = len(levels) - 1
    cells = (levels[max(1, min(steps, round(value / high * steps))) if high > 0 else 1] for value in columns)
    return "".join(cells).rjust(width)


def trend(values: Sequence[float], width: int, look: Look) -> str:
    """The last ``width`` readings as columns; the highest leaves a little room above it."""
    last = values[-width:] if width > 0 else ()
    return spark(last, width, look, max(last, default=0.0) * 1.3)


def moving_bar(line: Line, share: float, at: int, width: int, look: Look, style: Style) -> None:
    """A bar as long as ``share`` with a light at step ``at``: it runs along while time does."""
    cells = max(int(share > 0), round(max(0.0, min(1.0, share)) * width))
    lit = at % cells if cells else -1
    glyphs = look.glyphs
    for cell in range(cells):
        line.put(glyphs.fill if cell == lit and look.motion else glyphs.bar, style)
    line.put(glyphs.bar_rest * (width - cells), look.styles.rule)
