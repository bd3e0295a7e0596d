from __future__ import annotations

from dataclasses import fields

import pytest
from rich.cells import cell_len
from rich.style import Style
from textual.color import Color

from tui.checking import THEMES
from tui.look import ASCII, SKINS, UNICODE, Glyphs, Palette

DECORATION = {"rule"}
"""Styles of lines and of the empty part of bars, which carry no text."""


def contrast(one: Color, other: Color) -> float:
    """The contrast ratio of WCAG 2.2, from 1 to 21."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(color: Color) -> float:
    def linear(part: int) -> float:
        share = part / 255
        return share / 12.92 if share <= 0.04045 else float(((share + 0.055) / 1.055) ** 2.4)

    return 0.2126 * linear(color.r) + 0.7152 * linear(color.g) + 0.0722 * linear(color.b)


@pytest.mark.parametrize("theme", SKINS)
@pytest.mark.parametrize("name", [f.name for f in fields(Palette) if f.name not in DECORATION])
def test_texts_have_a_contrast_of_at_least_4_5(theme: str, name: str) -> None:
    skin = SKINS[theme]
    style: Style = getattr(skin.palette, name)
    if style.color is None or style.color.triplet is None:
        return
    text = Color.from_rich_color(style.color)
    own = style.bgcolor
    grounds = (
        [Color.from_rich_color(own)]
        if own is not None
        else [Color.parse(skin.ground), Color.parse(skin.raised)]
    )
    for ground in grounds:
        assert contrast(text, ground) >= 4.5


@pytest.mark.parametrize("theme", SKINS)
def test_the_cursor_keeps_muted_and_coloured_texts_legible(theme: str) -> None:
    palette = SKINS[theme].palette
    assert palette.selected.bgcolor is not None
    ground = Color.from_rich_color(palette.selected.bgcolor)
    for name in ("text", "muted", "accent", "good", "warn", "bad", "blocked"):
        style: Style = getattr(palette, name)
        assert style.color is not None
        assert contrast(Color.from_rich_color(style.color), ground) >= 4.5, name


def test_the_themes_are_those_that_can_be_asked_for() -> None:
    assert tuple(SKINS) == THEMES


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
def test_every_glyph_is_one_cell(glyphs: Glyphs) -> None:
    for field in fields(glyphs):
        value = getattr(glyphs, field.name)
        if field.name == "spark":
            assert len(value) == 9
            assert cell_len(value) == 9
        else:
            assert cell_len(value) == 1
        assert glyphs is UNICODE or value.isascii()
