"""Which key does what: the table of actions with the user's own keys laid over it, and what clashes in it."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from pipeline.errors import ConfigurationError
from tui.actions import ACTIONS, Action

_RENAMED: Final = {
    "solidus": "slash",
    "reverse_solidus": "backslash",
    "commercial_at": "at",
    "hyphen_minus": "minus",
    "plus_sign": "plus",
    "low_line": "underscore",
}
"""Characters that go by another name than Unicode's."""
_NAMED: Final = frozenset(
    [
        "up",
        "down",
        "left",
        "right",
        "home",
        "end",
        "pageup",
        "pagedown",
        "insert",
        "delete",
        "enter",
        "escape",
        "tab",
        "space",
        "backspace",
    ]
) | frozenset(f"f{number}" for number in range(1, 25))
_HELD: Final = ("ctrl", "alt", "shift")
_SHOWN: Final = {"escape": "esc", "pageup": "pgup", "pagedown": "pgdn"}

_CHARACTERS: Final = {
    char: _RENAMED.get(name, name)
    for char in map(chr, range(33, 127))
    if not char.isalnum() and (name := unicodedata.name(char).lower().replace(" ", "_").replace("-", "_"))
}


def table(keys: Sequence[tuple[str, str]] = (), origin: str = "") -> tuple[Action, ...]:
    """The actions with the keys that a user gave to some of them.

    Raises :class:`~pipeline.errors.ConfigurationError` for an action or a key that is not there.
    """
    where = f"{origin}: " if origin else ""
    ids = [action.id for action in ACTIONS]
    given = dict(keys)
    for id in given:
        if id not in ids:
            near = difflib.get_close_matches(id, ids, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else "; `keys` lists them"
            raise ConfigurationError(f"{where}keys.{id}: no such action{hint}")
    return tuple(
        _with_keys(action, given[action.id], f"{where}keys.{action.id}") if action.id in given else action
        for action in ACTIONS
    )


def conflicts(actions: Sequence[Action]) -> list[str]:
    """Keys that two actions share, each in words."""
    owners: dict[str, list[str]] = {}
    for action in actions:
        for key in action.keys.split(","):
            owners.setdefault(key, []).append(action.id)
    return [f"{shown(key)}: {' and '.join(ids)}" for key, ids in owners.items() if len(ids) > 1]


def checked(keys: Sequence[tuple[str, str]], origin: str) -> tuple[Action, ...]:
    """:func:`table`, where no two actions share a key. Raises
    :class:`~pipeline.errors.ConfigurationError`."""
    actions = table(keys, origin)
    found = conflicts(actions)
    if found:
        where = f"{origin}: " if origin else ""
        raise ConfigurationError(f"{where}keys: the same key for two actions: {'; '.join(found)}")
    return actions


def shown(key: str) -> str:
    """A key as people write it: ``^p`` for ``ctrl+p``, ``[`` for ``left_square_bracket``."""
    char = next((char for char, name in _CHARACTERS.items() if name == key), None)
    if char is not None:
        return char
    if key.startswith("ctrl+") and len(key) == 6:
        return f"^{key[5:]}"
    return _SHOWN.get(key, key)


def _with_keys(action: Action, text: str, where: str) -> Action:
    names = list(_names(text, where))
    return replace(action, keys=",".join(names), shown=" ".join(shown(name) for name in names))


def _names(text: str, where: str) -> Iterator[str]:
    # A comma parts keys, and may be one itself.
    parts = [part for part in text.split(",") if part] if text != "," else [","]
    if not parts:
        raise ConfigurationError(f"{where}: needs at least one key")
    for part in parts:
        name = _name(part.strip())
        if name is None:
            raise ConfigurationError(f"{where}: {part!r} is no key, such as x, ctrl+x, f2, slash or pageup")
        yield name


def _name(text: str) -> str | None:
    if text in _CHARACTERS:
        return _CHARACTERS[text]
    *held, last = text.split("+")
    if any(each not in _HELD for each in held):
        return None
    if last in _CHARACTERS:
        last = _CHARACTERS[last]
    is_key = last in _NAMED or last in _CHARACTERS.values() or (len(last) == 1 and last.isalnum())
    return "+".join([*held, last]) if is_key else None
