"""One line to type in, above the footer: a filter, or a time."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Static


class Prompt(Horizontal):
    """Hidden until something is asked."""

    class Typed(Message):
        """The text has changed."""

        def __init__(self, purpose: str, text: str) -> None:
            super().__init__()
            self.purpose = purpose
            self.text = text

    class Answered(Typed):
        """The user is done."""

    def __init__(self) -> None:
        super().__init__(id="prompt")
        self.purpose = ""
        self._label = Static("", markup=False, id="prompt-label")
        self._input = Input(compact=True, id="prompt-input", select_on_focus=False)
        self._input.can_focus = False
        self.display = False

    def compose(self) -> ComposeResult:
        yield self._label
        yield self._input

    def ask(self, purpose: str, label: str, text: str) -> None:
        """Show the line with a text to begin with."""
        self.purpose = purpose
        self._label.update(label)
        self._label.styles.width = len(label) + 1
        with self.prevent(Input.Changed):
            self._input.value = text
        self.display = True
        self._input.can_focus = True
        self._input.focus()

    def close(self) -> None:
        """Hide the line."""
        self.display = False
        # Else Tab would lead into a line that nobody sees.
        self._input.can_focus = False

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        if self.display:
            self.post_message(self.Typed(self.purpose, event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.close()
        self.post_message(self.Answered(self.purpose, event.value))
