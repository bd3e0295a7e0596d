"""The metrics tree with a cursor."""

from __future__ import annotations

from textual import events
from textual.geometry import Size
from textual.strip import Strip

from metrics.snapshot import Snapshot
from tui.look import Look
from tui.panel import Move, SnapshotPanel, stepped
from tui.views.metrics import Row, metric_lines, metric_nodes, rows, window_title


class MetricsPanel(SnapshotPanel):
    """The metrics tree with a cursor."""

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
            self.open_row()

    def move(self, where: Move) -> None:
        """Move the cursor; right opens a figure, left closes it."""
        if where == "right":
            self._open()
        elif where == "left":
            self._close()
        elif self._rows:
            self._go(stepped(self._position or 0, where, len(self._rows), self.room.height))

    def open_row(self) -> bool:
        """Open the figure, or close it."""
        self._set(self._cursor not in self._expanded)
        return True

    @property
    def copied(self) -> str:
        row = self._row
        return f"{row.node.label}: {row.node.value}" if row is not None else super().copied

    def _open(self) -> None:
        if self._cursor in self._expanded:
            self.move("down")
        else:
            self._set(True)

    def _close(self) -> None:
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
