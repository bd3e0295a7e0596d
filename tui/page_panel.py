"""The widget that shows a page: lines on top that stay, rows that scroll, and a cursor on some of them."""

from __future__ import annotations

from collections.abc import Callable

from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip

from tui.look import Look
from tui.page import Page
from tui.panel import Move, Panel, stepped


class PagePanel(Panel):
    """Shows the page that ``make`` gives for a room. The cursor keeps to its row, whatever else moves."""

    class Opened(Message):
        """The user opened a row."""

        def __init__(self, panel: PagePanel, key: str) -> None:
            super().__init__()
            self.panel = panel
            self.key = key

    def __init__(self, make: Callable[[Size], Page], look: Look, *, id: str, title: str = "") -> None:
        super().__init__(id=id, title=title)
        self._make = make
        self._look = look
        self._page = Page((), ())
        self.cursor: str | None = None
        self._place = 0
        """Where the cursor was among the rows that it can stand on."""

    @property
    def page(self) -> Page:
        """What is shown."""
        return self._page

    def forget(self) -> None:
        """Show nothing until another page is made, from its first line on."""
        self._page, self.cursor, self._place = Page((), ()), None, 0
        self.scroll_to(y=0, animate=False)

    @property
    def is_made(self) -> bool:
        """Whether there is a page; a panel that comes into sight has no room for one yet."""
        return bool(self._page.head or self._page.rows)

    def dress(self, look: Look) -> None:
        self._look = look
        self.draw()

    def draw(self) -> None:
        """Make the page anew, for the room that there is."""
        if not self.display or self.room.width < 1:
            return
        self._page = self._make(self.room)
        keys = self._page.keys
        if self.cursor not in keys:
            self.cursor = keys[min(self._place, len(keys) - 1)] if keys else None
        self._place = keys.index(self.cursor) if self.cursor is not None else 0
        self._show()

    def _show(self) -> None:
        width = self.room.width
        ground = self._look.selected
        strips = [made.strip(width) for made in self._page.head]
        strips += [
            row.line.strip(width, ground)
            if row.key is not None and row.key == self.cursor and self.has_focus
            else row.line.strip(width)
            for row in self._page.rows
        ]
        if self.scroll_offset.y and self._page.head:
            # The head is not where the lines that scroll would have it.
            self._strips = strips
            self.virtual_size = Size(width, max(len(strips), self.room.height))
            self.refresh()
        else:
            self.show(strips)

    def render_line(self, y: int) -> Strip:
        if y < len(self._page.head) and y < len(self._strips):
            return self._strips[y].adjust_cell_length(self.size.width).apply_style(self._ground)
        return super().render_line(y)

    def move(self, where: Move) -> None:
        """Move the cursor; where no row can have it, scroll."""
        keys = self._page.keys
        if not keys:
            super().move(where)
            return
        if where in ("left", "right"):
            return
        step = self._step(where)
        place = stepped(self._place, where if step is None else "up", len(keys), self.room.height)
        if step is not None:
            place = step
        if place == self._place and where in ("up", "page_up", "top"):
            # What stands above the first row with a cursor is to be seen as well.
            super().move("top")
        elif place == self._place:
            super().move(where)
        else:
            self.go(keys[place])

    def _step(self, where: Move) -> int | None:
        """Where a page up or down leads: by lines, not by rows that can have the cursor."""
        if where not in ("page_up", "page_down"):
            return None
        lines = [at for at, row in enumerate(self._page.rows) if row.key is not None]
        page = max(1, self.room.height - len(self._page.head) - 1)
        wanted = lines[self._place] + (page if where == "page_down" else -page)
        if where == "page_down":
            found = [at for at, line in enumerate(lines) if line <= wanted]
            return max(found[-1], min(self._place + 1, len(lines) - 1))
        found = [at for at, line in enumerate(lines) if line >= wanted]
        return min(found[0], max(self._place - 1, 0))

    def go(self, key: str) -> None:
        """Put the cursor on a row, and bring that into sight."""
        keys = self._page.keys
        if key not in keys:
            return
        self.cursor, self._place = key, keys.index(key)
        row = next(at for at, row in enumerate(self._page.rows) if row.key == key)
        top, height = self.scroll_offset.y, max(1, self.room.height - len(self._page.head))
        if not top <= row < top + height:
            self.scroll_to(y=row if row < top else row - height + 1, animate=False)
        self._show()

    def open_row(self) -> bool:
        if self.cursor is None:
            return False
        self.post_message(self.Opened(self, self.cursor))
        return True

    @property
    def copied(self) -> str:
        row = next((row for row in self._page.rows if row.key is not None and row.key == self.cursor), None)
        return (row.text or row.line.text).strip() if row is not None else super().copied

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None:
            return
        at = offset.y - len(self._page.head) + self.scroll_offset.y
        if not 0 <= at < len(self._page.rows) or offset.y < len(self._page.head):
            return
        key = self._page.rows[at].key
        if key is None:
            return
        again = key == self.cursor
        self.go(key)
        if again:
            self.open_row()

    def on_focus(self) -> None:
        self.draw()

    def on_blur(self) -> None:
        self._show()

    def on_resize(self, _event: events.Resize) -> None:
        self.draw()
