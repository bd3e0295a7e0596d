"""Records that are one and the same object are found; values that cannot be changed may be shared."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import msgspec
import pytest

from pipeline.operators.same import shared


class Row(msgspec.Struct):
    number: int


class Fixed(msgspec.Struct, frozen=True):
    number: int


@dataclass(frozen=True)
class Frozen:
    number: int


class Colour(Enum):
    RED = 1


ROW, ITEM = Row(1), {"a": 1}


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ([], 0),
        ([ITEM], 0),
        ([ITEM, ITEM, ITEM], 2),
        ([{"a": 1}, {"a": 1}], 0),
        ([ROW, Row(1), ROW, "x", "x"], 1),
        (["x"] * 9, 0),
        ([None, 1, 2.0, (1,), b"x"] * 2, 0),
        ([Fixed(1)] * 3, 0),
        ([Frozen(1)] * 3, 0),
        ([Colour.RED] * 3, 0),
        ([int] * 3, 0),
    ],
)
def test_what_is_shared(values: list[object], found: int) -> None:
    assert shared(values) == found
