"""Checks what a user asked of the screen before anything runs; needs no Textual."""

from __future__ import annotations

import difflib
from typing import Final

from pipeline.errors import ConfigurationError
from run.display import Display
from tui.keymap import checked

THEMES: Final = ("dark", "light", "safe")
"""The names of :data:`tui.look.SKINS`."""


def check(display: Display) -> None:
    """Raises :class:`~pipeline.errors.ConfigurationError` for a theme or keys that cannot be."""
    if display.theme is not None and display.theme not in THEMES:
        near = difflib.get_close_matches(display.theme, THEMES, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ConfigurationError(f"--theme {display.theme}: there is {', '.join(THEMES)}{hint}")
    checked(display.keys, display.keys_from)
