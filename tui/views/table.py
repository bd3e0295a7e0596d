"""Tables that fit: columns with a width each, one of which takes what is left."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from rich.style import Style

from tui.page import Row, Scene, matches
from tui.text import Align, Line

Item = TypeVar("Item")
Order = float | int | str


@dataclass(frozen=True, slots=True)
class Column(Generic[Item]):
    """A column. ``width`` 0 takes what the others leave; ``narrow`` columns stay where room is short.

    ``order`` gives what the column is sorted by: numbers the largest first, texts from A on.
    ``draw`` draws into a line where a text is not enough.
    """

    title: str
    width: int
    text: Callable[[Item], str]
    style: Callable[[Item], Style | None] | None = None
    align: Align = "left"
    order: Callable[[Item], Order] | None = None
    narrow: bool = True
    draw: Callable[[Line, Item, int], None] | None = None
    wide: int = 0
    """The width where there is much room; 0 is the same."""


@dataclass(frozen=True, slots=True)
class Table(Generic[Item]):
    """A heading, rows, and the same as texts."""

    heading: Line
    rows: tuple[Row, ...]
    items: tuple[Item, ...]
    cells: tuple[tuple[str, ...], ...]


WIDE = 108


def table(
    items: Iterable[Item], columns: Sequence[Column[Item]], scene: Scene, key: Callable[[Item], str]
) -> Table[Item]:
    """The items that the filter lets through, in the order that was asked for."""
    look, ask, wide = scene.look, scene.ask, scene.width >= WIDE
    kept = [item for item in items if not ask.filter or matches(_text(item, columns), ask.filter)]
    kept = _sorted(kept, columns, scene)
    shown = [column for column in columns if column.narrow or wide]
    widths = _widths(shown, scene.width - 1, wide=wide)
    heads = Line(look).gap(1)
    sortable = [column for column in columns if column.order is not None]
    for column, width in zip(shown, widths, strict=True):
        title = column.title
        if ask.sort and sortable and sortable[(ask.sort - 1) % len(sortable)] is column:
            title = f"{title}{look.glyphs.up if ask.reverse else look.glyphs.down}"
        heads.cell(title, width, look.styles.muted, column.align).gap(1)
    rows = []
    for item in kept:
        line = Line(look).gap(1)
        for column, width in zip(shown, widths, strict=True):
            if column.draw is not None:
                column.draw(line, item, width)
            else:
                style = column.style(item) if column.style is not None else None
                line.cell(column.text(item), width, style or look.styles.text, column.align)
            line.gap(1)
        rows.append(Row(line, key(item), "\t".join(column.text(item) for column in columns)))
    cells = [tuple(column.title.lower() for column in columns)]
    cells += [tuple(column.text(item) for column in columns) for item in kept]
    return Table(heads, tuple(rows), tuple(kept), tuple(cells))


def _text(item: Item, columns: Sequence[Column[Item]]) -> str:
    return " ".join(column.text(item) for column in columns)


def _sorted(items: list[Item], columns: Sequence[Column[Item]], scene: Scene) -> list[Item]:
    orders = [column.order for column in columns if column.order is not None]
    ask = scene.ask
    if not ask.sort or not orders:
        return items[::-1] if ask.reverse else items
    order = orders[(ask.sort - 1) % len(orders)]
    by_text = bool(items) and isinstance(order(items[0]), str)
    # Numbers are of interest from the largest on, texts in their alphabetical order.
    if by_text:
        return sorted(items, key=lambda item: str(order(item)).casefold(), reverse=ask.reverse)
    return sorted(items, key=lambda item: float(order(item)), reverse=not ask.reverse)


def _widths(columns: Sequence[Column[Item]], room: int, *, wide: bool) -> list[int]:
    fixed = [(column.wide if wide and column.wide else column.width) for column in columns]
    left = room - sum(fixed) - len(columns)
    takers = sum(1 for width in fixed if width == 0)
    return [width or max(8, left // takers) for width in fixed]
