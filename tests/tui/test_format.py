from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.format import compact, elapsed, pace, share


@given(st.integers(0, 10**15 - 1), st.integers(5, 12))
def test_counts_fit_their_column_and_never_claim_more_than_was_counted(value: int, width: int) -> None:
    text = compact(value, width)
    assert len(text) <= width
    number = text.replace(",", "")
    units = {"k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
    if number[-1] in units:
        shown = round(float(number[:-1]) * units[number[-1]])
        assert value * 0.9 <= shown <= value
    else:
        assert int(number) == value


@pytest.mark.parametrize(
    ("value", "width", "text"),
    [
        (0, 4, "0"),
        (99_999, 6, "99,999"),
        (328_521, 6, "328.5k"),
        (12_345_678, 6, "12.3M"),
        (999_999, 4, "999k"),
    ],
)
def test_counts_in_short(value: int, width: int, text: str) -> None:
    assert compact(value, width) == text


@given(st.floats(0, 1e12))
def test_rates_fit_six_cells(value: float) -> None:
    assert len(pace(value)) <= 6


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), (0, "0:00"), (42.9, "0:42"), (725, "12:05"), (3723, "1:02:03"), (273600, "3d 04h")],
)
def test_time_reads_as_a_clock(value: float | None, text: str) -> None:
    assert elapsed(value) == text


@given(st.floats(0, 1))
def test_only_a_whole_share_reads_100_percent(value: float) -> None:
    assert (share(value) == "100%") == (value > 1 - 1e-10)


def test_an_unknown_share_is_no_zero() -> None:
    assert share(None) == "-"
