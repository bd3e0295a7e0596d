"""What opens above the views: pages that scroll, and questions with a few answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, Final

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from metrics.format import printable
from tui.bindings import bindings
from tui.panel import Move, Panel

Page = Callable[[int], list[Strip]]
"""A width in cells in; the lines of the page out."""

Choice = tuple[str, str, str]
"""A key, the answer it stands for, and what that means in words."""

RUNNING: Final[tuple[Choice, ...]] = (
    ("d", "drain", "Drain and quit: finish what is in flight"),
    ("a", "abort", "Abort and quit: end now, name the rest"),
    ("s", "stay", "Stay"),
)
NOT_OURS: Final[tuple[Choice, ...]] = (
    ("l", "leave", "Leave: the run is not touched"),
    ("s", "stay", "Stay"),
)
FORMATS: Final[tuple[Choice, ...]] = (
    ("c", "csv", "CSV: the figures of this view as a table"),
    ("v", "svg", "SVG: the screen as a picture"),
    ("t", "txt", "Text: the screen as it stands"),
)


class PageScreen(ModalScreen[None]):
    """A page that scrolls; escape closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings("moving"),
        Binding("q,question_mark,f1,i", "close", "Close", id="page.close", show=False),
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

    @property
    def text(self) -> str:
        """The whole page."""
        return "\n".join(self._panel.lines)

    def action_move(self, where: Move) -> None:
        self._panel.move(where)

    def action_open(self) -> None:
        self.dismiss()

    def action_step_back(self) -> None:
        self.dismiss()

    def action_close(self) -> None:
        self.dismiss()


class ChoiceScreen(ModalScreen[str | None]):
    """A question; gives the answer, or None where the user would rather not."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "leave", "Leave", id="choice.leave", show=False),
        Binding("j", "cursor('down')", "Down", id="choice.down", show=False),
        Binding("k", "cursor('up')", "Up", id="choice.up", show=False),
    ]

    def __init__(self, title: str, choices: Sequence[Choice], hint: str = "escape leaves it") -> None:
        super().__init__()
        self._title = title
        self._hint = hint
        self._choices = choices

    def compose(self) -> ComposeResult:
        options = OptionList(
            *(Option(f"{key}  {text}", id=key) for key, _, text in self._choices),
            id="choices",
            markup=False,
        )
        options.border_title = self._title
        options.border_subtitle = f"enter chooses, {self._hint}"
        yield options

    def on_key(self, event: events.Key) -> None:
        for key, answer, _ in self._choices:
            if event.character == key:
                event.stop()
                self.dismiss(answer)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        for key, answer, _ in self._choices:
            if key == event.option_id:
                self.dismiss(answer)

    def action_leave(self) -> None:
        self.dismiss(None)

    def action_cursor(self, where: str) -> None:
        options = self.query_one(OptionList)
        if where == "up":
            options.action_cursor_up()
        else:
            options.action_cursor_down()


class QuitScreen(ChoiceScreen):
    """What shall become of the run?"""

    def __init__(self, *, ours: bool) -> None:
        super().__init__("The run is not over", RUNNING if ours else NOT_OURS, "escape stays")


class ResendScreen(ChoiceScreen):
    """Which dead letters shall be sent again? The answer is an id, or ``all``."""

    def __init__(self, id: str) -> None:
        one = (("o", id, f"This one: {printable(id)}"),) if id else ()
        super().__init__(
            "Send through the pipeline as it is now?",
            (
                *one,
                ("a", "all", "All of them, not only those shown"),
                ("n", "stay", "None"),
            ),
        )
