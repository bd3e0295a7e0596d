"""PostgreSQL, on a real server: types, what is refused, whose tables, and rows exactly once."""

from __future__ import annotations

import random
import subprocess
import sys
from collections import Counter
from contextlib import closing
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.generator import SHAPES
from pipeline import Pipeline, generated
from pipeline.clock import ManualClock
from pipeline.deterministic import DeterministicDriver
from pipeline.engine import Engine, Options
from pipeline.errors import ConfigurationError, SinkError
from pipeline.events import EventBus
from pipeline.ids import Ids
from pipeline.sinks import PostgresSink, postgres
from tests.pipeline.sinks.delivery import Delivery, run
from tests.pipeline.sinks.postgres_server import dsn

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
ROWS = st.fixed_dictionaries(
    {
        "i": st.none() | st.integers(-(2**63), 2**63 - 1),
        "f": st.none() | st.floats(allow_nan=False),
        "s": st.none() | TEXT,
        "b": st.none() | st.booleans(),
        "x": st.none() | st.binary(max_size=4),
        "d": st.none() | st.dates(),
        "t": st.none() | st.datetimes(),
        "z": st.none() | st.datetimes(timezones=st.just(UTC)),
        "c": st.none() | st.times(),
        "n": st.none()
        | st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20),
        "u": st.none() | st.uuids(),
        "j": st.none() | st.dictionaries(TEXT, st.integers(-5, 5) | TEXT | st.none(), max_size=3),
        "l": st.none() | st.lists(TEXT, max_size=3),
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
    "z": datetime(2024, 1, 1, tzinfo=UTC),
    "c": time(1),
    "n": Decimal("1.10"),
    "u": UUID(int=5),
    "j": {"k": 1},
    "l": ["x"],
}
TABLES = iter(f"table{number}" for number in range(10**6))


class Order(msgspec.Struct):
    id: int
    amount: int | float
    tags: list[str]
    took: timedelta
    note: str | None = None
    extra: Any = None


@pytest.fixture
def table() -> str:
    """A table of its own for each test."""
    dsn()
    return next(TABLES)


def read(table: str, columns: str = "*") -> list[dict[str, Any]]:
    import psycopg
    from psycopg import rows

    with psycopg.connect(dsn(), row_factory=rows.dict_row) as connection:
        return connection.execute(f'SELECT {columns} FROM "{table}"'.encode()).fetchall()


def execute(statement: str) -> None:
    import psycopg

    with psycopg.connect(dsn(), autocommit=True) as connection:
        connection.execute(statement.encode())


def types(table: str) -> dict[str, str]:
    query = (
        "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute "
        f"WHERE attrelid = '{table}'::regclass AND attnum > 0 ORDER BY attnum"
    )
    import psycopg

    with psycopg.connect(dsn()) as connection:
        return dict(connection.execute(query.encode()).fetchall())


def put(table: str, *batches: list[Any], **options: Any) -> Delivery:
    return run(postgres(dsn(), table, **options), batches)


@given(rows=st.lists(ROWS, max_size=6), cut=st.integers(0, 6))
@settings(max_examples=40)
def test_typed_rows_come_back_equal(rows: list[dict[str, Any]], cut: int) -> None:
    table = next(TABLES)
    delivery = put(table, [FULL, *rows[:cut]], rows[cut:])
    assert delivery.rejected == {}
    assert read(table) == [FULL, *rows]


def test_a_struct_declares_the_columns(table: str) -> None:
    order = Order(1, 2, ["a"], timedelta(seconds=5))
    put(table, [order], [msgspec.structs.replace(order, note="x", extra=5)])
    assert types(table) == {
        "id": "bigint",
        "amount": "double precision",
        "tags": "jsonb",
        "took": "interval",
        "note": "text",
        "extra": "bigint",
    }
    first = {"id": 1, "amount": 2.0, "tags": ["a"], "took": timedelta(seconds=5), "note": None, "extra": None}
    assert read(table) == [first, {**first, "note": "x", "extra": 5}]


def test_later_fields_add_columns_and_a_field_without_a_value_waits_for_one(table: str) -> None:
    put(table, [{"a": 1, "b": None}], [{"c": "x"}, {"b": 2.5}])
    assert types(table) == {"a": "bigint", "c": "text", "b": "double precision"}
    assert read(table) == [
        {"a": 1, "c": None, "b": None},
        {"a": None, "c": "x", "b": None},
        {"a": None, "c": None, "b": 2.5},
    ]


def test_rows_without_any_value_are_rows(table: str) -> None:
    put(table, [{"a": None}, {"a": None}], [{"b": None}])
    assert read(table) == [{"a": None}] * 3


def test_text_takes_numbers_and_jsonb_takes_everything(table: str) -> None:
    put(
        table,
        [{"t": "x", "j": {}}],
        [{"t": 1, "j": "text"}, {"t": 0.5, "j": 5}, {"t": Decimal("1.10"), "j": None}],
    )
    assert read(table) == [
        {"t": "x", "j": {}},
        {"t": "1", "j": "text"},
        {"t": "0.5", "j": 5},
        {"t": "1.10", "j": None},
    ]


@pytest.mark.parametrize(
    ("good", "bad", "reason"),
    [
        (1, "7", "'7' does not fit the type bigint"),
        (1, True, "True does not fit"),
        (1, 0.5, "0.5 does not fit"),
        (1, 2**63, "over the 64 bits"),
        (0.5, 2**53 + 1, "would be rounded"),
        (True, 1, "1 does not fit the type boolean"),
        ("x", "a\0b", "NUL character"),
        ("x", "\ud800", "not valid Unicode"),
        ("x", b"x", "does not fit the type text"),
        ({"k": 1}, {"k": "a\0b"}, "NUL character"),
        (date(2024, 1, 1), datetime(2024, 1, 1, tzinfo=UTC), "does not fit the type date"),
        (datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 1), "has no time zone"),  # noqa: DTZ001
        (datetime(2024, 1, 1), datetime(2024, 1, 1, tzinfo=UTC), "has a time zone"),  # noqa: DTZ001
        (time(5), time(5, tzinfo=UTC), "has a time zone"),
        (UUID(int=1), "x", "'x' does not fit the type uuid"),
        (1, object(), "a value of type object cannot be written"),
    ],
)
def test_what_does_not_fit_is_rejected_alone(good: object, bad: object, reason: str, table: str) -> None:
    delivery = put(table, [{"a": good}], [{"a": bad}, {"a": good}])
    assert list(delivery.rejected) == [1]
    assert reason in delivery.rejected[1]
    assert read(table) == [{"a": good}, {"a": good}]


def test_a_backslash_before_u0000_is_no_nul(table: str) -> None:
    assert not put(table, [{"a": {"k": "\\u0000"}}]).rejected
    assert read(table) == [{"a": {"k": "\\u0000"}}]


@pytest.mark.parametrize("name", ["", "a\0b", "x" * 64, "ü" * 32])
def test_a_name_that_the_server_would_change_is_refused(name: str, table: str) -> None:
    delivery = put(table, [{"a": 1}, {name: 1}])
    assert list(delivery.rejected) == [1]
    with pytest.raises(ConfigurationError, match="table="):
        postgres(dsn(), name)


@pytest.mark.parametrize("seed", range(5))
def test_rows_that_a_constraint_forbids_are_found_one_by_one(table: str, seed: int) -> None:
    execute(f'CREATE TABLE "{table}" (id bigint PRIMARY KEY, n int CHECK (n < 90), short varchar(3))')
    chance = random.Random(seed)
    values: list[dict[str, Any]] = [
        {"id": chance.randrange(60), "n": chance.randrange(100), "short": "x" * chance.randrange(5)}
        for _ in range(100)
    ]
    delivery = put(table, values[:50], values[50:], if_exists="append")
    seen: set[int] = set()
    good = []
    for offset, value in enumerate(values):
        fits = value["id"] not in seen and value["n"] < 90 and len(value["short"]) <= 3
        assert (offset in delivery.rejected) != fits, value
        if fits:
            seen.add(value["id"])
            good.append(value)
    assert read(table) == good
    assert all(reason.startswith("PostgreSQL: ") for reason in delivery.rejected.values())


def test_a_table_of_somebody_else_is_not_touched_unless_told(table: str) -> None:
    execute(f'CREATE TABLE "{table}" (a bigint)')
    execute(f'INSERT INTO "{table}" VALUES (1)')
    with pytest.raises(ConfigurationError, match="not written by this product; choose if_exists="):
        postgres(dsn(), table).check()
    put(table, [{"a": 2}], if_exists="append")
    assert read(table) == [{"a": 1}, {"a": 2}]
    put(table, [{"b": 3}], if_exists="replace")
    assert read(table) == [{"b": 3}]
    put(table, [{"c": 4}])
    assert read(table) == [{"c": 4}]


def test_a_view_cannot_be_written(table: str) -> None:
    execute(f'CREATE VIEW "{table}" AS SELECT 1 AS a')
    with pytest.raises(ConfigurationError, match="already has a view"):
        postgres(dsn(), table).check()
    with pytest.raises(ConfigurationError, match="already has a view"):
        postgres(dsn(), table, if_exists="append").check()


def test_another_schema_is_written_to(table: str) -> None:
    execute(f"CREATE SCHEMA {table}_schema")
    put(table, [{"a": 1}], schema=f"{table}_schema")
    assert read(f'{table}_schema"."{table}') == [{"a": 1}]


def test_a_server_that_is_not_there_is_named_without_the_password() -> None:
    dsn()
    sink = postgres("postgresql://me:secret@127.0.0.1:1/shop")
    with pytest.raises(ConfigurationError, match=r"postgres 127\.0\.0\.1:1/shop: cannot connect") as caught:
        sink.check()
    assert "secret" not in str(caught.value) + sink.name


def test_without_psycopg_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'pipeline-monitor\[postgres\]'"):
        postgres("host=127.0.0.1").check()


def test_the_sinks_can_be_imported_without_psycopg() -> None:
    code = "import sys; sys.modules['psycopg'] = None; import pipeline.sinks as s; s.postgres('host=x')"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_a_connection_that_is_lost_ends_the_run(table: str) -> None:
    sink = postgres(dsn(), table)
    sink.open()
    assert sink.encode is not None
    sink.write(Ids.span(0, 1), [sink.encode([{"a": 1}])])
    execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pipeline-monitor'"
    )
    with pytest.raises(SinkError, match="the same command goes on"):
        sink.write(Ids.span(1, 2), [sink.encode([{"a": 2}])])
    sink.close()
    assert read(table) == [{"a": 1}]


def engine_of(table: str, folder: Path, records: int = 3_000) -> tuple[Engine, ManualClock]:
    sink = postgres(dsn(), table)
    pipeline = Pipeline(f"into {table}", dead_letters=folder / "dead.jsonl")
    pipeline.read(generated("sensors", records=records)).write(sink)
    clock = ManualClock()
    store = sink.store(pipeline.name)
    return Engine(pipeline, Options(batch_size=100), clock, EventBus(), store=store), clock


def _maybe_cut_off(engine: Engine, chance: random.Random, _order: random.Random) -> None:
    if chance.random() < 0.01:
        sink = engine.sink
        assert isinstance(sink, PostgresSink)
        sink.server.close()  # as when the process is killed: the server undoes what was not committed


@pytest.mark.parametrize("seed", range(6))
def test_runs_that_are_cut_off_leave_each_row_once(table: str, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    for attempt in range(5):
        engine, clock = engine_of(table, tmp_path)
        DeterministicDriver(engine, clock, seed + attempt).run(partial(_maybe_cut_off, engine, chance))
    engine, clock = engine_of(table, tmp_path)
    DeterministicDriver(engine, clock, seed).run()
    counts = engine.ledger.counts()
    assert (counts.read, counts.delivered, counts.lost, counts.duplicated) == (3_000, 3_000, 0, 0)
    assert Counter(row["sequence"] for row in read(table, "sequence")) == Counter(_sequences())


def _sequences() -> list[object]:
    make = SHAPES["sensors"]
    return [make(0, index)["sequence"] for index in range(3_000)]


def test_one_run_of_a_pipeline_at_a_time(table: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline.sinks import postgres_server

    monkeypatch.setattr(postgres_server, "LOCK_S", 1)
    first, clock = engine_of(table, tmp_path)
    with closing(first.sink):
        second, other = engine_of(table, tmp_path)
        with pytest.raises(ConfigurationError, match="another run of this pipeline is writing there"):
            second.sink.check()
        DeterministicDriver(second, other, 1).run()
        assert second.control.failure is not None
        assert "another run of this pipeline" in second.control.failure.message
        DeterministicDriver(first, clock, 1).run()
    assert len(read(table)) == 3_000
    third, _ = engine_of(table, tmp_path)
    third.sink.check()
    third.sink.close()


def test_a_table_that_is_gone_is_named_when_a_run_goes_on(table: str, tmp_path: Path) -> None:
    engine, clock = engine_of(table, tmp_path)
    DeterministicDriver(engine, clock, 1).run()
    execute(f'DROP TABLE "{table}"')
    engine, clock = engine_of(table, tmp_path)
    DeterministicDriver(engine, clock, 1).run()
    assert engine.control.failure is not None
    assert "the table is gone, but an earlier run committed rows to it" in engine.control.failure.message


def test_starting_over_forgets_the_progress(table: str, tmp_path: Path) -> None:
    engine, clock = engine_of(table, tmp_path)
    DeterministicDriver(engine, clock, 1).run()
    store = postgres(dsn(), table).store(engine.pipeline.name)
    before = store.load()
    assert before is not None
    assert before.settled == 3_000
    store.clear()
    assert store.load() is None


def test_progress_of_another_version_is_refused_and_thrown_away_if_asked(table: str, tmp_path: Path) -> None:
    engine, clock = engine_of(table, tmp_path)
    DeterministicDriver(engine, clock, 1).run()
    schema = f"{table}_old"
    execute(f"CREATE SCHEMA {schema}")
    execute(f"CREATE TABLE {schema}._pipeline_monitor_run (pipeline text, schema integer)")
    execute(f"INSERT INTO {schema}._pipeline_monitor_run VALUES ('p', 0)")
    sink = postgres(dsn(), table, schema=schema)
    store = sink.store("p")
    with closing(sink):
        with pytest.raises(ConfigurationError, match="another version of the monitor"):
            store.load()
        store.clear()
        assert store.load() is None
