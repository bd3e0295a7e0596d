"""Parquet: types, nesting, and what does not fit the first batch."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any, Optional

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import ConfigurationError
from pipeline.ids import Ids
from pipeline.sinks import parquet, parquet_part
from tests.pipeline.sinks.cases import read_parquet
from tests.pipeline.sinks.delivery import run

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
ROWS = st.fixed_dictionaries(
    {
        "i": st.none() | st.integers(-(2**63), 2**63 - 1),
        "f": st.none() | st.floats(allow_nan=False),
        "s": st.none() | TEXT,
        "b": st.none() | st.booleans(),
        "x": st.none() | st.binary(max_size=4),
        "d": st.none() | st.dates(),
        "t": st.none() | st.datetimes(),
        "l": st.none() | st.lists(st.integers(-5, 5), max_size=3),
        "n": st.none() | st.fixed_dictionaries({"k": TEXT, "l": st.lists(TEXT, max_size=2)}),
    }
)
FULL = {
    "i": 1,
    "f": 0.5,
    "s": "",
    "b": True,
    "x": b"",
    "d": date(2024, 1, 1),
    "t": datetime(2024, 1, 1),  # noqa: DTZ001 - one without a zone is meant
    "l": [1],
    "n": {"k": "", "l": [""]},
}


class Leaf(msgspec.Struct):
    sku: str
    price: float = 0.0


class Tree(msgspec.Struct):
    name: str
    parent: Optional[Tree] = None  # noqa: UP045 - a name that is not there yet cannot be joined by |


class Order(msgspec.Struct):
    id: int
    amount: int | float
    leaves: list[Leaf]
    first: Leaf | None
    labels: dict[str, int]
    tree: Tree
    at: datetime
    took: timedelta
    price: Decimal
    pair: tuple[int, ...]
    later: str | None = None
    days: list[date] = []


ORDER = Order(
    1,
    2,
    [Leaf("a", 1.5)],
    None,
    {"x": 1},
    Tree("root", Tree("up")),
    datetime(2024, 1, 1, 12, tzinfo=timezone(timedelta(hours=2))),
    timedelta(seconds=5),
    Decimal("1.10"),
    (1, 2),
)


@given(rows=st.lists(ROWS, max_size=6), cut=st.integers(0, 6))
@settings(max_examples=60)
def test_typed_rows_come_back_equal(rows: list[dict[str, Any]], cut: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "out.parquet"
        assert not run(parquet(path), [[FULL, *rows[:cut]], rows[cut:]]).rejected
        assert read_parquet(path) == [FULL, *rows]


def test_a_struct_declares_the_columns(tmp_path: Path) -> None:
    path = tmp_path / "out.parquet"
    delivery = run(
        parquet(path), [[ORDER], [msgspec.structs.replace(ORDER, later="x", days=[date(2024, 1, 1)])]]
    )
    assert not delivery.rejected
    row = {
        "id": 1,
        "amount": 2.0,
        "leaves": [{"sku": "a", "price": 1.5}],
        "first": None,
        "labels": '{"x":1}',
        "tree": '{"name":"root","parent":{"name":"up","parent":null}}',
        "at": datetime(2024, 1, 1, 10, tzinfo=UTC),
        "took": timedelta(seconds=5),
        "price": Decimal("1.10"),
        "pair": [1, 2],
        "later": None,
        "days": [],
    }
    assert read_parquet(path) == [row, {**row, "later": "x", "days": [date(2024, 1, 1)]}]


@pytest.mark.parametrize(
    ("good", "bad", "reason"),
    [
        (1, "x", "'x' does not fit the column's type int64"),
        (1, True, "True does not fit"),
        (1, 2**63, "field 'a'"),
        (1, 0.5, "0.5 does not fit"),
        (0.5, 2**53 + 1, "field 'a'"),
        ("x", b"x", "does not fit the column's type string"),
        ("x", "\ud800", "field 'a'"),
        (date(2024, 1, 1), datetime(2024, 1, 1, 5, tzinfo=UTC), "date32"),
        (datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 1), "timestamp"),  # noqa: DTZ001
        (datetime(2024, 1, 1, tzinfo=UTC), 5, "timestamp"),
        (time(5), time(5, tzinfo=UTC), "time64"),
        (Decimal("1.1"), Decimal("1e40"), "field 'a'"),
        ({"k": 1}, {"k": 1, "l": 2}, "the key 'l' is not in the column's type"),
        ({"k": {"m": 1}}, {"k": {"n": 1}}, "'k': the key 'n' is not"),
        ([{"k": 1}], [{"k": 1}, {"l": 1}], "the key 'l' is not"),
        ([1], ["x"], "'x' does not fit"),
        ([1], "x", "list<"),
        (1, object(), "a value of type object cannot be written"),
    ],
)
def test_what_does_not_fit_is_rejected_alone(good: object, bad: object, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "out.parquet"
    delivery = run(parquet(path), [[{"a": good}], [{"a": bad}, {"a": good}]])
    assert list(delivery.rejected) == [1]
    assert reason in delivery.rejected[1]
    assert read_parquet(path) == [{"a": good}, {"a": good}]


def test_a_new_key_is_rejected_and_a_missing_one_is_null(tmp_path: Path) -> None:
    path = tmp_path / "out.parquet"
    delivery = run(parquet(path), [[{"a": 1}, {"b": "x"}], [{"c": 1}, {"b": "y"}]])
    assert "field 'c' is not among the columns (a, b)" in delivery.rejected[2]
    assert read_parquet(path) == [{"a": 1, "b": None}, {"a": None, "b": "x"}, {"a": None, "b": "y"}]


def test_a_column_that_the_first_batch_does_not_show_is_json_text(tmp_path: Path) -> None:
    path = tmp_path / "out.parquet"
    batches: list[list[Any]] = [
        [{"a": None, "b": [], "c": {}}],
        [{"a": 5, "b": [1], "c": {"k": 1}}, {"a": "x"}, {"a": "\ud800"}],
    ]
    delivery = run(parquet(path), batches)
    assert list(delivery.rejected) == [3]
    assert read_parquet(path) == [
        {"a": None, "b": "[]", "c": "{}"},
        {"a": "5", "b": "[1]", "c": '{"k":1}'},
        {"a": "x", "b": None, "c": None},
    ]


def test_most_values_of_the_first_batch_decide(tmp_path: Path) -> None:
    path = tmp_path / "out.parquet"
    delivery = run(parquet(path), [[{"a": "n/a"}, {"a": 1}, {"a": 1.5}]])
    assert list(delivery.rejected) == [0]
    assert read_parquet(path) == [{"a": 1.0}, {"a": 1.5}]


def test_small_batches_share_a_row_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pyarrow import parquet as parquet_format

    monkeypatch.setattr(parquet_part, "ROW_GROUP_ROWS", 10)
    path = tmp_path / "out.parquet"
    run(parquet(path), [[{"a": number}] for number in range(25)])
    groups = parquet_format.ParquetFile(path).metadata
    assert [groups.row_group(index).num_rows for index in range(groups.num_row_groups)] == [10, 10, 5]
    assert [row["a"] for row in read_parquet(path)] == list(range(25))


def test_until_it_is_whole_the_file_is_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "out.parquet"
    run(parquet(path), [[{"a": 1}]])
    sink = parquet(path)
    sink.open()
    assert sink.encode is not None
    sink.write(Ids.span(0, 1), [sink.encode([{"a": 2}])])
    # A run that is killed here leaves the other name behind, which the next one writes over.
    assert read_parquet(path) == [{"a": 1}]
    run(parquet(path), [[{"a": 3}]])
    assert read_parquet(path) == [{"a": 3}]
    assert [each.name for each in tmp_path.iterdir()] == ["out.parquet"]


def test_without_pyarrow_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'pipeline-monitor\[parquet\]'"):
        parquet(tmp_path / "out.parquet").check()


def test_the_sinks_can_be_imported_without_pyarrow_and_pydantic() -> None:
    code = (
        "import sys; sys.modules['pyarrow'] = sys.modules['pydantic'] = None\n"
        "import pipeline.sinks as sinks; sinks.parquet('x.parquet')"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
