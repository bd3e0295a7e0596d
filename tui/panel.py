"""The widget that every part of the screen is made of: lines that are drawn as they are.

Only lines that differ from what is shown are drawn again, and nothing at all is computed
while the snapshot is the same object and the panel has the same size.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import zip_longest
from typing import Literal

from rich.style import Style
from textual import events
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from metrics.snapshot import Snapshot
from tui.look import Look

View = Callable[[Snapshot, int, int, Look], list[Strip]]
"""A snapshot, the width and height in cells, and the look in; lines out."""


Move = Literal["up", "down", "left", "right", "page_up", "page_down", "top", "end"]


class Panel(ScrollView, inherit_bindings=False):
    """Shows lines, and scrolls where there are more than fit. Keys reach it through :meth:`move`, so that
    each can be given another."""

    def __init__(self, *, id: str, title: str = "", focusable: bool = True) -> None:
        super().__init__(id=id, classes="titled" if title else "")
        self.can_focus = focusable
        self.border_title = f" {title} " if title else None
        self._strips: list[Strip] = []
        self._ground = Style()

    @property
    def room(self) -> Size:
        """The cells that lines can take."""
        return self.scrollable_content_region.size

    @property
    def lines(self) -> list[str]:
        """The text of every line, also of those that are scrolled out of sight."""
        return [strip.text for strip in self._strips]

    def move(self, where: Move) -> None:
        """Scroll."""
        page = max(1, self.room.height - 1)
        if where in ("top", "end"):
            self.scroll_to(y=0 if where == "top" else self.max_scroll_y, animate=False)
            return
        by = {"up": -1, "down": 1, "page_up": -page, "page_down": page}.get(where, 0)
        self.scroll_relative(y=by, animate=False)

    def open_row(self) -> bool:
        """Open what the cursor is on; whether there was anything."""
        return False

    @property
    def copied(self) -> str:
        """What ``copy`` takes: the line with the cursor, or all."""
        return "\n".join(line.rstrip() for line in self.lines)

    def dress(self, look: Look) -> None:
        """Draw with another look from now on."""

    def show(self, strips: list[Strip]) -> None:
        """Show these lines from now on."""
        before, self._strips = self._strips, strips
        self._ground = self.rich_style
        room = self.room
        # Another size lays the whole screen out anew; while all lines fit, there is no need for one.
        size = Size(room.width, max(len(strips), room.height))
        if size != self.virtual_size:
            self.virtual_size = size
            self.refresh()
            return
        for y, (old, new) in enumerate(zip_longest(before, strips)):
            if old != new:
                self.refresh_line(y)

    def render_line(self, y: int) -> Strip:
        y += self.scroll_offset.y
        strip = self._strips[y] if y < len(self._strips) else Strip.blank(self.size.width)
        return strip.adjust_cell_length(self.size.width).apply_style(self._ground)


class SnapshotPanel(Panel):
    """A panel that shows a view of the newest snapshot."""

    def __init__(self, view: View, look: Look, *, id: str, title: str = "", focusable: bool = True) -> None:
        super().__init__(id=id, title=title, focusable=focusable)
        self._view = view
        self._look = look
        self._seen: Snapshot | None = None
        self._drawn_for = Size(0, 0)

    def feed(self, snapshot: Snapshot) -> None:
        """Show a snapshot; free of cost while it is the same one."""
        room = self.room
        if snapshot is self._seen and room == self._drawn_for:
            return
        self._seen = snapshot
        self.draw()

    def draw(self) -> None:
        """Draw the snapshot at hand."""
        room = self.room
        if self._seen is None or not self.display or room.width < 1:
            return
        self._drawn_for = room
        self.show(self.compute(self._seen, room))

    def compute(self, snapshot: Snapshot, room: Size) -> list[Strip]:
        """The lines for a snapshot."""
        return self._view(snapshot, room.width, room.height, self._look)

    def dress(self, look: Look) -> None:
        self._look = look
        self.draw()

    def on_resize(self, _event: events.Resize) -> None:
        self.draw()


def stepped(position: int, where: Move, rows: int, height: int) -> int:
    """Where a cursor at ``position`` of so many rows goes."""
    page = max(1, height - 1)
    by = {"up": -1, "down": 1, "page_up": -page, "page_down": page, "top": -rows, "end": rows}
    return max(0, min(rows - 1, position + by.get(where, 0)))
