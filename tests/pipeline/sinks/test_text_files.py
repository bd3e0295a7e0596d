"""JSON Lines and CSV."""

from __future__ import annotations

import csv as csv_format
import dataclasses
import enum
import gzip
import io
import json
import tempfile
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import ConfigurationError, SinkError
from pipeline.ids import Ids
from pipeline.sinks import csv, jsonl
from tests.pipeline.sinks.cases import read_csv, read_jsonl
from tests.pipeline.sinks.delivery import run

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


class Colour(enum.StrEnum):
    RED = "red"


class Item(msgspec.Struct):
    sku: str
    count: int = 1


class Order(msgspec.Struct, rename="camel", tag="order"):
    order_id: int
    placed_at: datetime
    items: list[Item]
    paid: bool
    note: str | None = None


@dataclasses.dataclass
class Point:
    x: float
    day: date


class Model(pydantic.BaseModel):
    amount: Decimal
    site: pydantic.HttpUrl


MODEL = Model(amount=Decimal("1.10"), site=pydantic.HttpUrl("https://example.com/"))


class Text(str):
    __slots__ = ()


ORDER = Order(7, datetime(2024, 2, 29, 12, tzinfo=UTC), [Item("a"), Item("b", 2)], True)


@given(batches=st.lists(st.lists(JSON, max_size=5), max_size=4))
@settings(max_examples=60)
def test_any_json_value_comes_back(batches: list[list[Any]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "out.jsonl"
        delivery = run(jsonl(path), batches)
        values = [value for batch in batches for value in batch]
        assert read_jsonl(path) == values
        assert delivery.offsets == list(range(len(values)))


def test_jsonl_takes_every_kind_of_value(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    values = [
        ORDER,
        Point(0.5, date(2024, 1, 1)),
        MODEL,
        {"model": MODEL},
        "text",
        5,
        None,
        Colour.RED,
        Text("t"),
    ]
    delivery = run(jsonl(path), [values])
    assert not delivery.rejected
    assert read_jsonl(path) == [
        {
            "type": "order",
            "orderId": 7,
            "placedAt": "2024-02-29T12:00:00Z",
            "items": [{"sku": "a", "count": 1}, {"sku": "b", "count": 2}],
            "paid": True,
            "note": None,
        },
        {"x": 0.5, "day": "2024-01-01"},
        {"amount": "1.10", "site": "https://example.com/"},
        {"model": {"amount": "1.10", "site": "https://example.com/"}},
        "text",
        5,
        None,
        "red",
        "t",
    ]


def test_jsonl_refuses_what_json_cannot_hold(tmp_path: Path) -> None:
    circle: list[object] = []
    circle.append(circle)
    delivery = run(jsonl(tmp_path / "out.jsonl"), [[1, circle, object(), 10**5000, "\udfff", 2]])
    assert delivery.offsets == [0, 5]
    assert "type object cannot be written" in delivery.rejected[2]


def test_a_compressed_file_can_be_read_before_it_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl.gz"
    sink = jsonl(path)
    sink.open()
    assert gzip.decompress(path.read_bytes()) == b""
    for number in range(3):
        assert sink.encode is not None
        sink.write(Ids.span(number, number + 1), [sink.encode([number])])
        assert len(gzip.decompress(path.read_bytes()).split()) == number + 1
    sink.close()


def test_the_same_records_compress_to_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.jsonl.gz", "b.jsonl.gz"):
        run(jsonl(tmp_path / name), [[1, 2], [3]])
    assert (tmp_path / "a.jsonl.gz").read_bytes() == (tmp_path / "b.jsonl.gz").read_bytes()


def test_writing_without_opening_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SinkError, match="is not open"):
        jsonl(tmp_path / "out.jsonl").write(Ids.span(0, 1), [b"1\n"])


@given(
    rows=st.lists(st.fixed_dictionaries({"a": TEXT, 'b,"': TEXT, "": st.integers()}), min_size=1, max_size=8),
    cut=st.integers(1, 8),
)
@settings(max_examples=60)
def test_any_text_comes_back_from_csv(rows: list[dict[str, Any]], cut: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "out.csv"
        run(csv(path), [rows[:cut], rows[cut:]])
        assert read_csv(path) == [{**row, "": str(row[""])} for row in rows]


@given(rows=st.lists(st.tuples(TEXT), min_size=1, max_size=5))
@settings(max_examples=40)
def test_one_column_loses_no_row_to_empty_text(rows: list[tuple[str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "out.csv"
        run(csv(path), [[{"only": text} for (text,) in rows]])
        assert read_csv(path) == [{"only": text} for (text,) in rows]


def test_csv_cells(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    delivery = run(csv(path), [[ORDER], [{"orderId": 8, "note": "n", "paid": False}]])
    assert not delivery.rejected
    assert path.read_bytes().decode() == (
        "type,orderId,placedAt,items,paid,note\n"
        'order,7,2024-02-29T12:00:00Z,"[{""sku"":""a"",""count"":1},{""sku"":""b"",""count"":2}]",true,\n'
        ",8,,,false,n\n"
    )


def test_the_header_has_every_field_of_the_first_batch(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    delivery = run(csv(path), [[{"a": 1}, {"b": 2}], [{"b": 3, "a": 4}, {"a": 5, "c": 6}, {"a": 7}]])
    assert path.read_text() == "a,b\n1,\n,2\n4,3\n7,\n"
    assert list(delivery.rejected) == [3]
    assert "field 'c' is not in the header (a, b)" in delivery.rejected[3]


def test_given_columns_are_the_header_whatever_comes(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    run(csv(path, columns=["b", "a"]), [])
    assert path.read_text() == "b,a\n"
    delivery = run(csv(path, columns=["b", "a"]), [[{"a": 1}, {"c": 1}]])
    assert path.read_text() == "b,a\n,1\n"
    assert list(delivery.rejected) == [1]


@pytest.mark.parametrize("columns", [[], ["a", "a"], "abc"])
def test_columns_must_be_a_list_of_names(columns: list[str], tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="list of different names"):
        csv(tmp_path / "out.csv", columns=columns)
    with pytest.raises(ConfigurationError, match="not text but int"):
        csv(tmp_path / "out.csv", columns=[1]).check()  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("a line", "type str has no named fields"),
        (5, "type int has no named fields"),
        (None, "type NoneType has no named fields"),
        ({}, "without fields"),
        ({1: "x"}, "the key 1 is not text but int"),
        ({"\ud800": "x"}, "not valid Unicode"),
        ({"a": "\ud800"}, "field 'a': 'utf-8' codec"),
        ({"a": 10**5000}, "field 'a': Exceeds the limit"),
        ({"a": object()}, "field 'a': a value of type object cannot be written"),
        ({"a": [object()]}, "field 'a': a value of type object cannot be written"),
    ],
)
def test_what_csv_refuses(bad: object, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    delivery = run(csv(path), [[{"a": 1}, bad, {"a": 2}]])
    assert list(delivery.rejected) == [1]
    assert reason in delivery.rejected[1]
    assert path.read_text() == "a\n1\n2\n"


def test_a_model_is_a_row(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    run(csv(path), [[MODEL]])
    assert path.read_text() == "amount,site\n1.10,https://example.com/\n"


def test_csv_and_json_agree_on_text_from_the_csv_module() -> None:
    # The reader of the standard library is the oracle of these tests: it must see line ends as they are.
    assert list(csv_format.reader(io.StringIO('"a\rb"\n', newline=""))) == [["a\rb"]]
    assert json.loads('"\\u2028"') == "\u2028"
