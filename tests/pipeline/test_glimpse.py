"""A value is shown briefly, at little cost, and without running any code of its own."""

from __future__ import annotations

import sys
import threading
from collections import OrderedDict, namedtuple
from dataclasses import dataclass
from datetime import date
from enum import Enum
from pathlib import PurePosixPath
from typing import Any

import msgspec
import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.glimpse import LENGTH, glimpse

Point = namedtuple("Point", "x y")


class Order(msgspec.Struct):
    id: int
    items: list[str]


@dataclass
class Bill:
    id: int
    cents: int


class Color(Enum):
    RED = 1


class Plain:
    def __init__(self) -> None:
        self.a = 1
        self.b = [2]


ran: list[str] = []


def _trap(*_: object) -> Any:
    ran.append("the value's own code was run")
    raise RuntimeError(*ran)


METHODS = (
    "__repr__",
    "__str__",
    "__len__",
    "__iter__",
    "__getitem__",
    "__eq__",
    "__bool__",
    "__getattribute__",
)
Hostile = type("Hostile", (dict,), dict.fromkeys([*METHODS, "items", "keys", "values"], _trap))
Trap = type("Trap", (), {"__getattr__": _trap, "__repr__": _trap, "__class__": property(_trap), "height": 1})


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1, "1"),
        (True, "True"),
        (None, "None"),
        (1.5, "1.5"),
        ("a\n\x1b[31m", "'a\\n\\x1b[31m'"),
        (b"a\xff", "b'a\\xff'"),
        (bytearray(b"a"), "b'a'"),
        ([1, [2, [3, [4]]]], "[1, [2, [3, …]]]"),
        ((1,), "(1,)"),
        ((), "()"),
        ({1}, "{1}"),
        (frozenset({1}), "{1}"),
        ({"a": {"b": 1}}, "{'a': {'b': 1}}"),
        (OrderedDict(a=1), "{'a': 1}"),
        (Point(1, 2), "Point(x=1, y=2)"),
        (Order(1, ["a"]), "Order(id=1, items=['a'])"),
        (Bill(1, 2), "Bill(id=1, cents=2)"),
        (Plain(), "Plain(a=1, b=[2])"),
        (Color.RED, "Color.RED"),
        (date(2013, 1, 2), "datetime.date(2013, 1, 2)"),
        (PurePosixPath("/a"), "PurePosixPath('/a')"),
        (object(), "<builtins.object>"),
        (glimpse, "<builtins.function>"),
        (int, "<builtins.type>"),
        (pyarrow.table({"a": [1, 2]}), "<Table of 2 rows>"),
    ],
)
def test_it_is_shown_about_as_python_writes_it(value: object, text: str) -> None:
    assert glimpse(value) == text


def test_no_code_of_a_value_is_run() -> None:
    assert (glimpse(Hostile(a=1)), glimpse(Trap()), ran) == ("{'a': 1}", f"<{__name__}.Trap>", [])


def test_what_is_left_out_is_marked() -> None:
    assert glimpse(list(range(100))) == "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, … 88 more]"
    assert glimpse({"k": "x" * 1_000}) == f"{{'k': '{'x' * 80}'…}}"
    assert glimpse(1 << 100_000) == "<int of 100,001 bits>"
    assert glimpse("x" * 1_000, 20) == f"'{'x' * 18}…"


def test_the_work_does_not_grow_with_the_value() -> None:
    def steps(value: object) -> int:
        count = 0

        def tracer(*_: object) -> Any:
            nonlocal count
            count += 1
            return tracer

        sys.settrace(tracer)
        try:
            glimpse(value)
        finally:
            sys.settrace(None)
        return count

    def nested(width: int) -> list[Any]:
        return [{str(k): "x" * width for k in range(width)} for _ in range(width)]

    assert steps(nested(1_000)) == steps(nested(100))
    loop: list[Any] = []
    loop.append(loop)
    assert glimpse(loop) == "[[[…]]]"


def test_a_value_that_changes_meanwhile_does_no_harm() -> None:
    held: dict[int, int] = {}
    over = threading.Event()

    def change() -> None:
        while not over.is_set():
            held.clear()
            held.update(dict.fromkeys(range(20)))  # type: ignore[arg-type]

    thread = threading.Thread(target=change)
    thread.start()
    try:
        for _ in range(2_000):
            assert glimpse(held).startswith("{")
    finally:
        over.set()
        thread.join()


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
)


@given(_values)
def test_any_value_gives_one_short_line(value: object) -> None:
    text = glimpse(value)
    assert len(text) <= LENGTH
    assert text.isprintable()
