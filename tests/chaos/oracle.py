"""Judges an output against what must be in it, in a process of its own; knows nothing of the product.

Each line of input is a question, ``{"output": PATH, "letters": PATH, "partitions": P, "records": R}``;
each line of output is the verdict on it. It shares no code with what it judges.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import sqlite3
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

from tests.chaos import payload
from tests.chaos.payload import POSTGRES, schema_of

Row = tuple[int, int, str]
KINDS = ("lost", "unexpected", "duplicated", "corrupted")


def judge(output: Path, letters: Path, partitions: int, records: int) -> dict[str, list[str]]:
    """What is wrong, by kind: names of rows (``ID/PART``) and of dead letters; nothing where all is well."""
    ids = payload.ids(partitions, records)
    wrong: dict[str, list[str]] = {kind: [] for kind in KINDS}
    texts = {(id, part): text for id in ids for id, part, text in payload.rows(id)}
    seen: Counter[tuple[int, int]] = Counter()
    for where, row in _rows(output):
        if row is None:
            wrong["corrupted"].append(where)
            continue
        id, part, text = row
        if (id, part) not in texts:
            wrong["unexpected"].append(f"{id}/{part}")
        elif texts[id, part] != text:
            wrong["corrupted"].append(f"{id}/{part}")
        seen[id, part] += 1
    _compare({f"{id}/{part}" for id, part in texts}, _named(seen), wrong)
    rejected = {payload.name(id) for id in ids if payload.fate(id) == "rejected"}
    found = Counter(_letters(letters, wrong))
    wrong["unexpected"] += found.keys() - rejected
    _compare(rejected, found, wrong)
    return {kind: names for kind, names in wrong.items() if names}


def _named(seen: Counter[tuple[int, int]]) -> Counter[str]:
    return Counter({f"{id}/{part}": times for (id, part), times in seen.items()})


def _compare(expected: Iterable[str], found: Counter[str], wrong: dict[str, list[str]]) -> None:
    wrong["lost"] += sorted(set(expected) - found.keys())
    wrong["duplicated"] += [name for name, times in found.items() if times > 1]


def _letters(path: Path, wrong: dict[str, list[str]]) -> Iterator[str]:
    if not path.exists():
        return
    for number, line in enumerate(path.read_bytes().split(b"\n")[:-1], 1):
        try:
            letter = json.loads(line)
            name, original = letter["id"], json.loads(letter["original"])
        except (ValueError, KeyError, TypeError):
            wrong["corrupted"].append(f"{path.name}, line {number}")
            continue
        if original.get("text") != payload.text(int(original.get("id", -1))):
            wrong["corrupted"].append(name)
        yield name
    if not path.read_bytes().endswith(b"\n") and path.stat().st_size:
        wrong["corrupted"].append(f"{path.name}, last line")


def _rows(path: Path) -> Iterator[tuple[str, Row | None]]:
    """Each row with its place; None in the place of one that cannot be read."""
    if path.suffix == ".postgres":
        return _of_server(path)
    if not path.exists():
        return iter(())
    if path.is_dir():
        return _of_parts(path)
    return _of_database(path) if path.suffix == ".db" else _of_text(path)


def _of_parts(folder: Path) -> Iterator[tuple[str, Row | None]]:
    # The one thing that the standard library cannot read; the product's own reading is not used.
    from pyarrow import parquet

    for part in sorted(folder.iterdir()):
        for cells in parquet.read_table(part).to_pylist():
            yield part.name, _row(cells)


def _of_server(path: Path) -> Iterator[tuple[str, Row | None]]:
    # As with Parquet: the standard library cannot speak to it, and the product's own reading is not used.
    import psycopg

    table = f"{schema_of(path)}.records"
    with psycopg.connect(os.environ[POSTGRES]) as connection:
        known = connection.execute("SELECT to_regclass(%s)", (table,)).fetchone()
        if known is not None and known[0] is not None:
            for id, part, text in connection.execute(f"SELECT id, part, text FROM {table}".encode()):
                yield "", (id, part, text)


def _of_database(path: Path) -> Iterator[tuple[str, Row | None]]:
    try:
        yield from _of_table(path)
    except sqlite3.DatabaseError as error:
        yield str(error), None


def _of_table(path: Path) -> Iterator[tuple[str, Row | None]]:
    with closing(sqlite3.connect(path)) as connection:
        (state,) = connection.execute("PRAGMA integrity_check").fetchone()
        if state != "ok":
            yield str(state), None
        if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'records'").fetchone():
            for id, part, text in connection.execute("SELECT id, part, text FROM records"):
                yield "", (id, part, text)


def _of_text(path: Path) -> Iterator[tuple[str, Row | None]]:
    data = path.read_bytes()
    if path.suffix == ".gz":
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError) as error:
            yield str(error), None
            return
    content = data.decode("utf-8", "replace")
    if content and not content.endswith("\n"):
        yield "the last line is torn", None
    if ".csv" in path.suffixes:
        for number, cells in enumerate(csv.DictReader(io.StringIO(content, newline=""))):
            yield f"row {number}", _row(cells)
        return
    for number, line in enumerate(content.split("\n")[:-1], 1):
        try:
            yield f"line {number}", _row(json.loads(line))
        except ValueError:
            yield f"line {number}", None


def _row(cells: object) -> Row | None:
    try:
        assert isinstance(cells, dict)
        return int(cells["id"]), int(cells["part"]), str(cells["text"])
    except (AssertionError, KeyError, TypeError, ValueError):
        return None


def main() -> None:
    """Answer until there are no more questions."""
    for line in sys.stdin:
        asked = json.loads(line)
        verdict = judge(Path(asked["output"]), Path(asked["letters"]), asked["partitions"], asked["records"])
        sys.stdout.write(json.dumps(verdict) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
