"""The widget that every part of the screen is made of: lines that are drawn as they are.

Only lines that differ from what is shown are drawn again, and nothing at all is computed
while the snapshot is the same object and the panel has the same size.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from metrics.snapshot import Snapshot
from tui.look import Look
from tui.views.metrics import Row, metric_lines, metric_nodes, rows, window_title

View = Callable[[Snapshot, int, int, Look], list[Strip]]
"""A snapshot, the width and height in cells, and the look in; lines out."""


class Panel(ScrollView):
    """Shows lines, and scrolls where there are more than fit."""

    def __init__(self, *, id: str, title: str = "", focusable: bool = True) -> None:
        super().__init__(id=id, classes="titled" if title else "")
        self.can_focus = focusable
        self.border_title = f" {title} " if title else None
        self._strips: list[Strip] = []

    @property
    def room(self) -> Size:
        """The cells that lines can take."""
        return self.scrollable_content_region.size

    @property
    def lines(self) -> list[str]:
        """The text of every line, also of those that are scrolled out of sight."""
        return [strip.text for strip in self._strips]

    def show(self, strips: list[Strip]) -> None:
        """Show these lines from now on."""
        before, self._strips = self._strips, strips
        size = Size(self.room.width, len(strips))
        if size != self.virtual_size:
            self.virtual_size = size
            self.refresh()
            return
        for y, (old, new) in enumerate(zip(before, strips, strict=False)):
            if old != new:
                self.refresh_line(y)

    def render_line(self, y: int) -> Strip:
        y += self.scroll_offset.y
        strip = self._strips[y] if y < len(self._strips) else Strip.blank(self.size.width)
        return strip.adjust_cell_length(self.size.width).apply_style(self.rich_style)


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

    def on_resize(self, _event: events.Resize) -> None:
        self.draw()


class MetricsPanel(SnapshotPanel):
    """The metrics tree with a cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "Up", id="tree.up", show=False),
        Binding("down", "move(1)", "Down", id="tree.down", show=False),
        Binding("enter,space", "turn", "Open or close", id="tree.toggle", show=False),
        Binding("right", "open", "Open", id="tree.open", show=False),
        Binding("left", "close", "Close", id="tree.close", show=False),
    ]

    def __init__(self, look: Look, *, id: str) -> None:
        super().__init__(lambda *_: [], look, id=id, title="METRICS")
        self._expanded: frozenset[str] = frozenset()
        self._cursor = "records"
        self._rows: list[Row] = []

    def compute(self, snapshot: Snapshot, room: Size) -> list[Strip]:
        self.border_title = f" {window_title(snapshot)} "
        self._rows = rows(metric_nodes(snapshot, self._look), self._expanded)
        if self._position is None:
            self._cursor = "records"
        cursor = self._cursor if self.has_focus else None
        return metric_lines(self._rows, self._expanded, cursor, room.width, self._look)

    @property
    def _position(self) -> int | None:
        return next((i for i, row in enumerate(self._rows) if row.node.key == self._cursor), None)

    @property
    def _row(self) -> Row | None:
        position = self._position
        return None if position is None else self._rows[position]

    def on_focus(self) -> None:
        self.draw()

    def on_blur(self) -> None:
        self.draw()

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        y = offset.y + self.scroll_offset.y if offset is not None else -1
        if 0 <= y < len(self._rows):
            self._cursor = self._rows[y].node.key
            self.action_turn()

    def action_move(self, by: int) -> None:
        if self._rows:
            self._go((self._position or 0) + by)

    def action_turn(self) -> None:
        self._set(self._cursor not in self._expanded)

    def action_open(self) -> None:
        if self._cursor in self._expanded:
            self.action_move(1)
        else:
            self._set(True)

    def action_close(self) -> None:
        row = self._row
        if row is not None and self._cursor not in self._expanded and row.parent is not None:
            self._cursor = row.parent
            self._go(self._position or 0)
        else:
            self._set(False)

    def _set(self, opened: bool) -> None:
        row = self._row
        if row is None or not row.node.children:
            return
        self._expanded = self._expanded | {self._cursor} if opened else self._expanded - {self._cursor}
        self.draw()

    def _go(self, position: int) -> None:
        position = max(0, min(len(self._rows) - 1, position))
        self._cursor = self._rows[position].node.key
        top, height = self.scroll_offset.y, self.room.height
        if not top <= position < top + height:
            self.scroll_to(y=position if position < top else position - height + 1, animate=False)
        self.draw()
