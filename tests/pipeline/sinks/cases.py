"""Every sink there is, how to make one, and how to read back what it wrote."""

from __future__ import annotations

import csv as csv_format
import gzip
import hashlib
import io
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import zstandard

from pipeline.sinks import FunctionSink, Sink, count, csv, function, jsonl, parquet, postgres, sqlite
from tests.pipeline.sinks.postgres_server import dsn

Row = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """A kind of sink; ``bad`` is a value that it cannot take."""

    label: str
    factory: Callable[..., Sink]
    ending: str
    make: Callable[[Path], Sink]
    read: Callable[[Path], list[Row]]
    bad: Any

    def __str__(self) -> str:
        return self.label


def read_jsonl(path: Path) -> list[Any]:
    text = _content(path).decode()
    assert text == "" or text.endswith("\n")
    return [json.loads(line) for line in text.split("\n")[:-1]]


def read_csv(path: Path) -> list[Row]:
    return list(csv_format.DictReader(io.StringIO(_content(path).decode(), newline="")))


def read_parquet(path: Path) -> list[Row]:
    from pyarrow import parquet as parquet_format

    if path.is_dir():
        return [row for part in sorted(path.glob("*.parquet")) for row in read_parquet(part)]
    with path.open("rb") as file:
        rows: list[Row] = parquet_format.read_table(file).to_pylist()
    return rows


def read_sqlite(path: Path, table: str = "records") -> list[Row]:
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchall():
            return []
        quoted = table.replace('"', '""')
        return [dict(row) for row in connection.execute(f'SELECT * FROM "{quoted}"')]


def parts(path: Path) -> Sink:
    """A folder of Parquet files of a few rows each."""
    return parquet(f"{path}/", part_rows=10)


def schema_of(path: Path) -> str:
    """A schema for what another sink would write to this path: its rows, and the progress."""
    return "s" + hashlib.sha256(str(path).encode()).hexdigest()[:16]


def in_postgres(path: Path) -> Sink:
    """A table on the server of the tests."""
    server = dsn()
    import psycopg
    from psycopg import sql

    with psycopg.connect(server) as connection:
        schema = sql.Identifier(schema_of(path))
        connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(schema))
    return postgres(server, schema=schema_of(path))


def read_postgres(path: Path) -> list[Row]:
    import psycopg
    from psycopg import rows, sql

    with psycopg.connect(dsn(), row_factory=rows.dict_row) as connection:
        table = sql.Identifier(schema_of(path), "records")
        found = connection.execute("SELECT to_regclass(%s) AS oid", (table.as_string(),)).fetchone()
        if found is None or found["oid"] is None:
            return []
        return connection.execute(sql.SQL("SELECT * FROM {}").format(table)).fetchall()


def _content(path: Path) -> bytes:
    data = path.read_bytes()
    if path.suffix == ".gz":
        return gzip.decompress(data)
    if path.suffix == ".zst":
        with zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True) as reader:
            return reader.read()
    return data


class _Appending(FunctionSink):
    """A user's function that writes JSON Lines, so that it can be read back as the others are."""

    def __init__(self, path: Path) -> None:
        self._path = path
        super().__init__(self._append, name="append")

    def open(self) -> None:
        super().open()
        self._path.write_text("", encoding="utf-8")

    def _append(self, value: object) -> None:
        text = json.dumps(value, ensure_ascii=False).encode()
        with self._path.open("ab") as file:
            file.write(text + b"\n")


FILES = (
    Case("jsonl", jsonl, "jsonl", jsonl, read_jsonl, {"id": 0, "text": object()}),
    Case("jsonl.gz", jsonl, "jsonl.gz", jsonl, read_jsonl, {"id": 0, "text": "\ud800"}),
    Case("jsonl.zst", jsonl, "jsonl.zst", jsonl, read_jsonl, {"id": 0, "text": object()}),
    Case("csv", csv, "csv", csv, read_csv, {"id": 0, "text": "\ud800"}),
    Case("csv.gz", csv, "csv.gz", csv, read_csv, "no fields"),
    Case("parquet", parquet, "parquet", parquet, read_parquet, {"id": "seven", "text": "x"}),
    Case("parquet/", parquet, "parts", parts, read_parquet, {"id": "seven", "text": "x"}),
    Case("sqlite", sqlite, "db", sqlite, read_sqlite, {"id": 2**70, "text": "x"}),
)
FUNCTION = Case("function", function, "out", _Appending, read_jsonl, {"id": 0, "text": object()})
POSTGRES = Case("postgres", postgres, "table", in_postgres, read_postgres, {"id": 2**70, "text": "x"})
WRITING = (*FILES, FUNCTION, POSTGRES)
COUNTING = count
