from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.layout import plan


@given(st.integers(1, 400), st.integers(1, 200), st.integers(0, 60), st.integers(0, 7))
def test_the_panels_fill_the_screen_and_no_more(width: int, height: int, stages: int, verdict: int) -> None:
    made = plan(width, height, stages, verdict)
    if made.mode == "full":
        panels = [made.board, made.figures, made.events]
        gaps = sum(made.gap for lines in panels if lines)
        assert 2 + 1 + made.verdict + sum(panels) + gaps + 1 == height
        assert made.board >= 3
        assert made.figures >= 6
        assert (made.verdict > 0) == (verdict > 0)


@pytest.mark.parametrize("stages", [4, 5, 6, 7, 8])
def test_eighty_by_twenty_four_shows_all_of_eight_stages(stages: int) -> None:
    made = plan(80, 24, stages, 0)
    assert made.mode == "full"
    assert made.board == stages + 2
    assert made.figures >= 7


@pytest.mark.parametrize(
    ("size", "mode"),
    [
        ((120, 40), "full"),
        ((80, 24), "full"),
        ((79, 24), "summary"),
        ((60, 16), "summary"),
        ((59, 16), "card"),
        ((60, 15), "card"),
        ((1, 1), "card"),
    ],
)
def test_small_terminals_get_less(size: tuple[int, int], mode: str) -> None:
    assert plan(*size, stages=4, verdict=0).mode == mode
