"""SQLite: names, types, and tables that are not ours."""

from __future__ import annotations

import enum
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import msgspec
import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import ConfigurationError, SinkError
from pipeline.ids import Ids
from pipeline.sinks import sqlite
from tests.pipeline.sinks.cases import read_sqlite
from tests.pipeline.sinks.delivery import run

ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
NAMES = st.text(max_size=6) | st.sampled_from(
    ["select", "a", "A", '"', "'", "]", "rowid", "a;b", "--", "/*", "sqlite_x"]
)
CELLS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**66), 2**66)
    | st.floats(allow_nan=False)
    | ANY_TEXT
    | st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,2})?", fullmatch=True)
    | st.binary(max_size=4)
)


class Level(enum.Enum):
    LOW = 1
    HIGH = 2


class Visit(msgspec.Struct):
    id: int
    score: float
    ratio: int | float
    name: str | None
    tags: list[str]
    at: datetime
    day: date
    price: Decimal
    data: bytes
    ok: bool
    level: Level
    kind: Literal["a", "b"]
    mixed: int | str
    unset: str | msgspec.UnsetType = msgspec.UNSET


VISIT = Visit(
    id=2**63 - 1,
    score=1.5,
    ratio=2,
    name=None,
    tags=["x", "ü"],
    at=datetime(2024, 1, 2, 3, tzinfo=UTC),
    day=date(2024, 1, 2),
    price=Decimal("1.10"),
    data=b"\xff\0",
    ok=True,
    level=Level.HIGH,
    kind="a",
    mixed="007",
)


def types(path: Path, table: str = "records") -> dict[str, str]:
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT name, type FROM pragma_table_info(?)", (table,)).fetchall()
    return dict(rows)


def script(path: Path, sql: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(sql)


def test_a_struct_declares_the_columns(tmp_path: Path) -> None:
    path = tmp_path / "out.db"
    assert not run(sqlite(path), [[VISIT]]).rejected
    assert types(path) == {
        "id": "INTEGER",
        "score": "REAL",
        "ratio": "REAL",
        "name": "TEXT",
        "tags": "TEXT",
        "at": "TEXT",
        "day": "TEXT",
        "price": "TEXT",
        "data": "BLOB",
        "ok": "INTEGER",
        "level": "INTEGER",
        "kind": "TEXT",
        "mixed": "",
        "unset": "TEXT",
    }
    assert read_sqlite(path) == [
        {
            "id": 2**63 - 1,
            "score": 1.5,
            "ratio": 2.0,
            "name": None,
            "tags": '["x","ü"]',
            "at": "2024-01-02T03:00:00Z",
            "day": "2024-01-02",
            "price": "1.10",
            "data": b"\xff\0",
            "ok": 1,
            "level": 2,
            "kind": "a",
            "mixed": "007",
            "unset": None,
        }
    ]


@dataclass
class Point:
    x: float | None
    y: "list[int] | None" = None  # noqa: UP037 - an annotation that has to be evaluated


class Model(pydantic.BaseModel):
    x: float | None
    y: list[int] | None = None


@pytest.mark.parametrize("value", [Point(None), Model(x=None)])
def test_dataclasses_and_models_declare_the_columns(value: object, tmp_path: Path) -> None:
    path = tmp_path / "out.db"
    run(sqlite(path), [[value]])
    assert types(path) == {"x": "REAL", "y": "TEXT"}


def test_dicts_show_the_columns_and_new_keys_add_some(tmp_path: Path) -> None:
    path = tmp_path / "out.db"
    batches: list[list[Any]] = [
        [{"a": 1, "b": None}, {"a": 2, "c": 1}, {"c": 1.5}],
        [{"a": 3, "d": {"k": [1]}}],
        [{"b": "007"}],
    ]
    assert not run(sqlite(path), batches).rejected
    assert types(path) == {"a": "INTEGER", "b": "", "c": "REAL", "d": "TEXT"}
    assert read_sqlite(path) == [
        {"a": 1, "b": None, "c": None, "d": None},
        {"a": 2, "b": None, "c": 1.0, "d": None},
        {"a": None, "b": None, "c": 1.5, "d": None},
        {"a": 3, "b": None, "c": None, "d": '{"k":[1]}'},
        {"a": None, "b": "007", "c": None, "d": None},
    ]


@given(rows=st.lists(st.dictionaries(NAMES, CELLS, max_size=4), max_size=8), cut=st.integers(0, 8))
@settings(max_examples=150)
def test_what_is_written_comes_back_unchanged_and_the_rest_is_rejected(
    rows: list[dict[str, Any]], cut: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "out.db"
        delivery = run(sqlite(path), [rows[:cut], rows[cut:]])
        assert sorted([*delivery.offsets, *delivery.rejected]) == list(range(len(rows)))
        read = read_sqlite(path)
        assert len(read) == len(delivery.offsets)
        kinds = types(path)
        for offset, row in zip(delivery.offsets, read, strict=True):
            for name, cell in row.items():
                expected = rows[offset].get(name)
                if kinds[name] == "TEXT" and isinstance(expected, int | float):
                    expected = repr(int(expected) if isinstance(expected, bool) else expected)
                assert cell == expected
            assert rows[offset].keys() <= row.keys()


@given(table=NAMES, column=NAMES)
@settings(max_examples=100)
def test_any_name_works_or_is_named_as_impossible(table: str, column: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "out.db"
        try:
            sink = sqlite(path, table=table)
        except ConfigurationError as error:
            assert "sqlite(table=" in str(error)  # noqa: PT017
            return
        for _ in range(2):
            delivery = run(sink, [[{column: 1}], [{column: 2, "z" + column: 3}]])
            if not delivery.rejected:
                assert read_sqlite(path, table) == [
                    {column: 1, "z" + column: None},
                    {column: 2, "z" + column: 3},
                ]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ({"a": 2**63}, "field 'a': 9223372036854775808 is over SQLite's 64 bits"),
        ({"a": "007"}, "field 'a': the column is INTEGER, where SQLite would change '007'"),
        ({"r": 2**53 + 1}, "the column is REAL"),
        ({"t": "\udfff"}, "field 't' is not valid Unicode"),
        ({"A": 1}, "field 'A': SQLite cannot tell it from the column 'a'"),
        ({"n\0l": 1}, "has a NUL character"),
        ({3: 1}, "the key 3 is not text but int"),
        ({f"c{number}": 1 for number in range(2001)}, "2000 that SQLite can have"),
        ("text", "no named fields"),
    ],
)
def test_what_sqlite_refuses(bad: object, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "out.db"
    good = {"a": 1, "r": 0.5, "t": "x"}
    delivery = run(sqlite(path), [[good], [good, bad, good]])
    assert list(delivery.rejected) == [2]
    assert reason in delivery.rejected[2]
    assert read_sqlite(path) == [good] * 3


def test_a_text_column_takes_numbers_as_text(tmp_path: Path) -> None:
    path = tmp_path / "out.db"
    run(sqlite(path), [[{"t": "x"}, {"t": "y"}, {"t": 0.1 + 0.2}, {"t": 5}]])
    assert [row["t"] for row in read_sqlite(path)] == ["x", "y", "0.30000000000000004", "5"]


def test_constraints_of_the_users_table_reject_single_records(tmp_path: Path) -> None:
    path = tmp_path / "out.db"
    script(
        path,
        "CREATE TABLE t (ID INTEGER PRIMARY KEY, v TEXT NOT NULL, at); INSERT INTO t VALUES (0, 'old', 0);",
    )
    rows = [{"ID": 1, "v": "a"}, {"ID": 1, "v": "b"}, {"ID": 2, "v": None}, {"ID": 3, "v": "c", "at": "2024"}]
    delivery = run(sqlite(path, table="t", if_exists="append"), [rows])
    assert delivery.offsets == [0, 3]
    assert "UNIQUE" in delivery.rejected[1]
    assert "NOT NULL" in delivery.rejected[2]
    assert [row["v"] for row in read_sqlite(path, "t")] == ["old", "a", "c"]


def test_appending_adds_to_what_an_earlier_run_wrote(tmp_path: Path) -> None:
    path = tmp_path / "out.db"
    run(sqlite(path), [[{"a": 1}]])
    run(sqlite(path, if_exists="append"), [[{"a": 2, "b": 3}]])
    assert read_sqlite(path) == [{"a": 1, "b": None}, {"a": 2, "b": 3}]


@pytest.mark.parametrize("kind", ["TABLE records (a)", "TABLE RECORDS (a)", "VIEW records AS SELECT 1 AS a"])
def test_a_table_of_somebody_else_is_not_touched_unasked(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "out.db"
    script(path, f"CREATE {kind}")
    for attempt in (sqlite(path).check, sqlite(path).open):
        with pytest.raises(ConfigurationError, match=r'if_exists="append" or if_exists="replace"') as caught:
            attempt()
        assert str(path) in str(caught.value)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT sql FROM sqlite_master").fetchall() == [(f"CREATE {kind}",)]
    run(sqlite(path, if_exists="replace"), [[{"b": 1}]])
    assert read_sqlite(path) == [{"b": 1}]
    run(sqlite(path), [[{"c": 1}]])
    assert read_sqlite(path) == [{"c": 1}]


def test_a_users_table_in_the_place_of_ours_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "out.db"
    run(sqlite(path), [[{"a": 1}]])
    script(path, "DROP TABLE records; CREATE TABLE records (mine)")
    with pytest.raises(ConfigurationError, match="was not written by this product"):
        sqlite(path).check()


def test_our_table_stays_ours_when_it_was_widened_or_vacuumed(tmp_path: Path) -> None:
    path = tmp_path / "out.db"
    run(sqlite(path), [[{"a": 1}], [{"b": 1}]])
    script(path, "ALTER TABLE records ADD COLUMN more; ALTER TABLE records RENAME COLUMN a TO z; VACUUM")
    sqlite(path).check()


def test_other_tables_of_the_file_stay(tmp_path: Path) -> None:
    path = tmp_path / "out.db"
    script(path, "CREATE TABLE other (a); INSERT INTO other VALUES (5)")
    run(sqlite(path), [[{"a": 1}]])
    run(sqlite(path, table="second"), [[{"a": 2}]])
    assert read_sqlite(path, "other") == [{"a": 5}]
    assert read_sqlite(path, "records") == [{"a": 1}]


def test_a_view_cannot_be_appended_to(tmp_path: Path) -> None:
    path = tmp_path / "out.db"
    script(path, "CREATE VIEW records AS SELECT 1")
    with pytest.raises(ConfigurationError, match="a view cannot be written"):
        sqlite(path, if_exists="append").check()


def test_a_file_that_is_no_database_is_named_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "out.db"
    path.write_text("not a database, but long enough to look at\n" * 30)
    with pytest.raises(ConfigurationError, match="not a database"):
        sqlite(path).check()
    assert path.read_text().startswith("not a database")


def test_an_unknown_choice_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match='must be "append" or "replace"'):
        sqlite(tmp_path / "out.db", if_exists="truncate")  # type: ignore[arg-type]


def test_a_locked_file_fails_with_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "out.db"
    run(sqlite(path), [[{"a": 1}]])
    monkeypatch.setattr("pipeline.sinks.sqlite_table._LOCK_WAIT_S", 0.05)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        sink = sqlite(path, if_exists="append")
        with pytest.raises(SinkError, match="another program is using it"):
            run(sink, [[{"a": 2}]])
    assert read_sqlite(path) == [{"a": 1}]


def test_a_batch_is_seen_by_others_as_soon_as_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "out.db"
    sink = sqlite(path)
    sink.open()
    assert sink.encode is not None
    sink.write(Ids.span(0, 2), [sink.encode([{"a": 1}, {"a": 2}])])
    assert len(read_sqlite(path)) == 2
    sink.close()
    assert sorted(tmp_path.iterdir()) == [path]
