"""What opens above the board: pages that scroll, and the question what to do with a run on leaving."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Literal

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tui.panel import Panel

Page = Callable[[int], list[Strip]]
"""A width in cells in; the lines of the page out."""

Leave = Literal["drain", "abort", "leave", "stay"]


class PageScreen(ModalScreen[None]):
    """A page that scrolls; escape closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,f1,d", "close", "Close", id="page.close", show=False),
    ]

    def __init__(self, title: str, page: Page) -> None:
        super().__init__()
        self._page = page
        self._panel = Panel(id="page")
        self._panel.border_title = title
        self._panel.border_subtitle = "escape closes"

    def compose(self) -> ComposeResult:
        yield self._panel

    def on_mount(self) -> None:
        self._panel.focus()
        self.call_after_refresh(self.draw)

    def on_resize(self, _event: events.Resize) -> None:
        self.call_after_refresh(self.draw)

    def draw(self) -> None:
        """Write the page anew, for the room that there is."""
        if self._panel.room.width > 0:
            self._panel.show(self._page(self._panel.room.width))

    def action_close(self) -> None:
        self.dismiss()


class QuitScreen(ModalScreen[Leave]):
    """What shall become of the run? ``choices`` are (key, answer, text)."""

    RUNNING: ClassVar[tuple[tuple[str, Leave, str], ...]] = (
        ("d", "drain", "Drain and quit: finish what is in flight"),
        ("a", "abort", "Abort and quit: end now, name the rest"),
        ("s", "stay", "Stay"),
    )
    READ_ONLY: ClassVar[tuple[tuple[str, Leave, str], ...]] = (
        ("l", "leave", "Leave: the run is not touched"),
        ("s", "stay", "Stay"),
    )

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "answer('s')", "Stay", id="quit.stay", show=False),
        *(
            Binding(key, f"answer('{key}')", answer.capitalize(), id=f"quit.{answer}.{key}", show=False)
            for key, answer in (("d", "drain"), ("a", "abort"), ("l", "leave"), ("s", "stay"))
        ),
    ]

    def __init__(self, *, read_only: bool) -> None:
        super().__init__()
        self._choices = self.READ_ONLY if read_only else self.RUNNING

    def compose(self) -> ComposeResult:
        options = OptionList(
            *(Option(f"{key}  {text}", id=key) for key, _, text in self._choices), id="quit", markup=False
        )
        options.border_title = "The run is not over"
        options.border_subtitle = "enter chooses, escape stays"
        yield options

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.action_answer(event.option_id or "s")

    def action_answer(self, key: str) -> None:
        for choice, answer, _ in self._choices:
            if choice == key:
                self.dismiss(answer)
