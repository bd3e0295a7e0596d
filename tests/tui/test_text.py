from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tui.look import Look
from tui.text import Line, shorten, wrap

ANY_TEXT = st.text(st.characters(), max_size=60)
PRINTABLE = st.text(st.characters(exclude_categories=("C", "Z")), max_size=60)


@given(ANY_TEXT, st.integers(1, 40), st.sampled_from(["left", "right", "centre"]), st.booleans())
def test_a_cell_is_exactly_as_wide_as_asked_and_holds_nothing_unprintable(
    text: str, width: int, align: str, ascii: bool
) -> None:
    line = Line(Look.of(ascii=ascii, colour=True, read_only=False))
    line.cell(text, width, align=align)  # type: ignore[arg-type]
    strip = line.strip(width)
    assert line.width == width
    assert strip.cell_length == width == cell_len(strip.text)
    assert strip.text.isprintable()
    assert not ascii or strip.text.isascii()


@given(PRINTABLE, st.integers(0, 40))
def test_shortened_text_fits(text: str, width: int) -> None:
    assert cell_len(shorten(text, width, "…")) <= width


@given(PRINTABLE, st.lists(PRINTABLE, max_size=8), st.integers(2, 40))
def test_wrapping_keeps_every_character_and_the_width(first: str, words: list[str], width: int) -> None:
    text = " ".join([first, *words])
    lines = wrap(text, width)
    assert all(cell_len(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_escape_sequences_and_markup_are_shown_and_not_obeyed() -> None:
    line = Line(Look()).put("[red]a\x1b[31m\n\u202eb")
    assert line.strip(40).text.rstrip() == "[red]a\\x1b[31m\\n\\u202eb"


def test_a_wide_character_is_not_cut_in_half() -> None:
    assert shorten("数据管道", 6, "…") == "数据…"
