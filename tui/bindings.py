"""The table of actions as bindings of Textual."""

from __future__ import annotations

from collections.abc import Sequence

from textual.binding import Binding

from tui.actions import ACTIONS, Action


def binding(action: Action, *, show: bool = True) -> Binding:
    """Bindings keep their action's id, by which other keys are laid over them."""
    return Binding(
        action.keys,
        action.action,
        action.title,
        id=action.id,
        key_display=action.shown,
        priority=action.priority,
        show=show,
    )


def bindings(group: str | None = None) -> list[Binding]:
    """Those of all actions, or of one group."""
    return [binding(action, show=False) for action in ACTIONS if group in (None, action.group)]


def overlay(actions: Sequence[Action]) -> dict[str, str]:
    """What differs from the table, for :meth:`textual.app.App.set_keymap`."""
    own = {action.id: action.keys for action in ACTIONS}
    return {action.id: action.keys for action in actions if own[action.id] != action.keys}
