"""The fault palette: which fault, at which stage, how strong, how long; then it is put in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from run.live import FaultChoice
from tui.page import matches

HELPS = {
    "intensity": "low, medium or high: sets what is not given",
    "after": "begin so many seconds from now, as in 10s",
    "for": "end by itself after so long; empty: until it is lifted",
    "seed": "of what is left to chance",
}


def _one_line(text: str) -> Text:
    return Text(text, no_wrap=True, overflow="ellipsis")


class FaultScreen(ModalScreen[str | None]):
    """Gives the fault as it is written for ``--fault``, or None where the user would rather not.

    ``stage`` is the one to begin with.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", id="fault.back", show=False),
        Binding("ctrl+j", "inject", "Put it in", id="fault.inject", show=False),
    ]

    def __init__(self, choices: Sequence[FaultChoice], stage: str | None) -> None:
        super().__init__()
        self._choices = [choice for choice in choices if choice.stages or not choice.params]
        self._choices = self._choices or list(choices)
        self._wanted = stage
        self._choice: FaultChoice | None = None
        self._stage: str | None = None
        self._step = "fault"

    def compose(self) -> ComposeResult:
        with Vertical(id="fault"):
            yield Input(placeholder="type to find a fault", compact=True, id="fault-find")
            yield OptionList(id="fault-list", markup=False)
            yield Vertical(id="fault-form")
            yield Static("", markup=False, id="fault-told")

    def on_mount(self) -> None:
        self._ask_fault()

    # Three steps, each with a way back

    def _ask_fault(self) -> None:
        self._step = "fault"
        self._title("1 of 3: which fault?", "enter chooses, escape leaves it")
        self._show("fault-find", "fault-list")
        self._list_faults("")
        self.query_one("#fault-find", Input).focus()

    def _list_faults(self, wanted: str) -> None:
        options = self.query_one("#fault-list", OptionList)
        options.clear_options()
        width = max((len(choice.name) for choice in self._choices), default=0)
        for choice in self._choices:
            if matches(f"{choice.name} {choice.help} {choice.symptom}", wanted):
                options.add_option(
                    Option(_one_line(f"{choice.name:<{width}}  {choice.help}"), id=choice.name)
                )
        options.highlighted = 0 if options.option_count else None
        self._tell_symptom()

    def _tell_symptom(self) -> None:
        options = self.query_one("#fault-list", OptionList)
        at = options.highlighted
        told = ""
        if self._step == "fault" and at is not None and at < options.option_count:
            id = options.get_option_at_index(at).id
            told = next((f"to be seen: {each.symptom}" for each in self._choices if each.name == id), "")
        self.query_one("#fault-told", Static).update(told)

    async def _ask_stage(self) -> None:
        assert self._choice is not None
        if len(self._choice.stages) < 2:
            self._stage = self._choice.stages[0] if self._choice.stages else None
            await self._ask_params()
            return
        self._step = "stage"
        self._title(f"2 of 3: {self._choice.name} at which stage?", "enter chooses, escape goes back")
        self._show("fault-list")
        options = self.query_one("#fault-list", OptionList)
        options.clear_options()
        options.add_options(Option(stage, id=stage) for stage in self._choice.stages)
        own = self._wanted
        options.highlighted = self._choice.stages.index(own) if own in self._choice.stages else 0
        self.query_one("#fault-told", Static).update(f"to be seen: {self._choice.symptom}")
        options.focus()

    async def _ask_params(self) -> None:
        assert self._choice is not None
        self._step = "params"
        self._title(f"3 of 3: {self._written}", "tab moves, enter puts it in, escape goes back")
        form = self.query_one("#fault-form", Vertical)
        await form.remove_children()
        rows = []
        for name, default in self._choice.params:
            field = Input(placeholder=default or "none", compact=True, classes="fault-param", name=name)
            told = HELPS.get(name, "")
            rows.append(
                Horizontal(
                    Static(name, markup=False, classes="fault-name"),
                    field,
                    Static(told, markup=False, classes="fault-help"),
                    classes="fault-row",
                )
            )
        self._show("fault-form")
        await form.mount(*rows)
        self._tell_order()
        self._focus_first()

    def _focus_first(self) -> None:
        fields = self.query(".fault-param")
        if fields:
            fields.first().focus()
        else:
            self.focus()

    @property
    def _written(self) -> str:
        assert self._choice is not None
        return f"{self._choice.name}@{self._stage}" if self._stage else self._choice.name

    @property
    def order(self) -> str:
        """The fault as it is written for ``--fault``."""
        given = [(each.name, each.value.strip()) for each in self.query(".fault-param").results(Input)]
        return self._written + "".join(f",{name}={value}" for name, value in given if value)

    def _tell_order(self) -> None:
        self.query_one("#fault-told", Static).update(f"--fault {self.order}")

    def _title(self, title: str, hint: str) -> None:
        box = self.query_one("#fault", Vertical)
        box.border_title, box.border_subtitle = title, hint

    def _show(self, *ids: str) -> None:
        for id in ("fault-find", "fault-list", "fault-form"):
            self.query_one(f"#{id}").display = id in ids

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        if self._step == "fault":
            self._list_faults(event.value)
        elif self._step == "params":
            self._tell_order()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if self._step == "fault":
            self.query_one("#fault-list", OptionList).action_select()
        elif self._step == "params":
            self.action_inject()

    def on_key(self, event: events.Key) -> None:
        # The list follows while one types.
        if self._step == "fault" and event.key in ("up", "down", "pageup", "pagedown"):
            options = self.query_one("#fault-list", OptionList)
            if self.focused is not options:
                event.stop()
                steps = {
                    "up": "cursor_up",
                    "down": "cursor_down",
                    "pageup": "page_up",
                    "pagedown": "page_down",
                }
                self.call_later(options.run_action, steps[event.key])

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        event.stop()
        self._tell_symptom()

    async def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if self._step == "fault":
            self._choice = next((each for each in self._choices if each.name == event.option_id), None)
            if self._choice is not None:
                await self._ask_stage()
        elif self._step == "stage":
            self._stage = event.option_id
            await self._ask_params()

    def action_inject(self) -> None:
        if self._step == "params":
            self.dismiss(self.order)

    async def action_back(self) -> None:
        if self._step == "params" and self._choice is not None and len(self._choice.stages) > 1:
            await self._ask_stage()
        elif self._step == "fault":
            self.dismiss(None)
        else:
            self._ask_fault()
