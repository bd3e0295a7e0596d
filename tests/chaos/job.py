"""The pipeline under attack: everything in it that makes going on after a crash hard.

Several partitions, two workers that finish in any order, a stage that holds records back for long,
records that are filtered, rejected and split, and a commit every few milliseconds.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipeline import Pipeline, Record, Reject, Sink, Stage, csv, files, jsonl, parquet, postgres, sqlite
from pipeline.checkpoint import CheckpointStore, FileStore
from tests.chaos import payload
from tests.chaos.payload import POSTGRES, schema_of


def _in_postgres(path: Path) -> Sink:
    import psycopg

    schema = schema_of(path)
    with psycopg.connect(os.environ[POSTGRES], autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}".encode())
    return postgres(os.environ[POSTGRES], "records", schema=schema)


OUTPUTS: dict[str, tuple[str, Callable[[Path], Sink]]] = {
    "jsonl": ("out.jsonl", jsonl),
    "jsonl.gz": ("out.jsonl.gz", jsonl),
    "csv": ("out.csv", csv),
    "sqlite": ("out.db", sqlite),
    "postgres": ("out.postgres", _in_postgres),
    "parquet/": ("out.parts", lambda path: parquet(f"{path}/", part_rows=40)),
}
"""The exactly-once sinks, by name: their file or folder, and how to make one."""

OVER_A_DISK = ("jsonl", "jsonl.gz", "csv", "sqlite")
"""Those that can be put over a disk made here; Arrow writes its files by itself."""


class Holding(Stage):
    """Gives every 17th record up only after a hundred others."""

    def open(self) -> None:
        self._held: list[tuple[int, Record]] = []
        self._seen = 0

    def process(self, records: list[Record]) -> list[Record]:
        given = []
        for record in records:
            self._seen += 1
            if record.value["id"] % 17 == 0:
                self._held.append((self._seen, record))
            else:
                given.append(record)
        ripe = [record for since, record in self._held if self._seen - since > 100]
        self._held = self._held[len(ripe) :]
        return ripe + given

    def flush(self) -> list[Record]:
        return [record for _, record in self._held]


def verdict(value: dict[str, Any]) -> dict[str, Any] | None:
    match payload.fate(value["id"]):
        case "rejected":
            raise Reject("it is unwanted")
        case "filtered":
            return None
        case _:
            return value


def same(value: dict[str, Any]) -> dict[str, Any]:
    return value


def parts(value: dict[str, Any]) -> Any:
    id, text = value["id"], value["text"]
    if payload.fate(id) == "split":
        return [{"id": id, "part": part, "text": f"{text}/{part}"} for part in (0, 1)]
    return {"id": id, "part": 0, "text": text}


def output(folder: Path, kind: str) -> Path:
    """The file that the sink writes."""
    return folder / OUTPUTS[kind][0]


def letters(folder: Path) -> Path:
    """The file of dead letters."""
    return folder / "letters.jsonl"


def build(
    folder: Path, kind: str, *, batch_size: int = 16, commit_every_s: float = 0.0
) -> tuple[Pipeline, CheckpointStore]:
    """The pipeline that reads ``folder/in``, and where it keeps its progress."""
    pipeline = Pipeline("chaos", batch_size=batch_size, queue_records=64, dead_letters=letters(folder))
    pipeline.read(files(f"{folder}/in/*.jsonl", name="input"))
    pipeline.stage(verdict)
    pipeline.stage(same, workers=2, ordered=False)
    pipeline.stage(Holding, name="hold")
    pipeline.stage(parts)
    sink = OUTPUTS[kind][1](output(folder, kind))
    sink.commit_every_s = commit_every_s
    pipeline.write(sink)
    store = sink.store("chaos")
    return pipeline, store if store is not None else FileStore(folder / "state.db", "chaos")
