"""Progress that another version of the product has kept is refused, and can be thrown away."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from pipeline import ConfigurationError, Pipeline, generated, sqlite
from pipeline.clock import ManualClock
from pipeline.deterministic import DeterministicDriver
from pipeline.engine import Engine, Options
from pipeline.events import EventBus


def test_starting_over_replaces_the_tables_of_another_version(tmp_path: Path) -> None:
    path = tmp_path / "out.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "CREATE TABLE _pipeline_monitor_run (pipeline TEXT, schema INTEGER, sink TEXT, "
            "dead_letters INTEGER, saved_at TEXT)"
        )
        connection.execute("INSERT INTO _pipeline_monitor_run VALUES ('p', 1, '', 0, '')")
    pipeline = Pipeline("p").read(generated("orders", records=5)).write(sqlite(path))
    assert pipeline.sink is not None
    store = pipeline.sink.store("p")
    assert store is not None
    with pytest.raises(ConfigurationError, match=r"schema 1.*--fresh"):
        store.load()
    store.clear()
    clock = ManualClock()
    engine = Engine(pipeline, Options(), clock, EventBus(), store=store)
    DeterministicDriver(engine, clock, 1).run()
    assert engine.control.failure is None
    again = store.load()
    assert again is not None
    assert again.settled == 5
