"""Values as rows of a SQLite table."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing, suppress
from pathlib import Path
from types import NoneType
from typing import Any, Literal

import msgspec

from pipeline.batch import Partition
from pipeline.checkpoint import Checkpoint, CheckpointStore, CheckpointTables
from pipeline.errors import ConfigurationError, SinkError
from pipeline.ids import Id, Ids
from pipeline.sinks.base import RefusedRecords, Sink
from pipeline.sinks.declared import declared_types
from pipeline.sinks.fields import (
    Fields,
    RowEncoder,
    gather,
    in_columns,
    json_text,
    name_problem,
    names_in,
    refusals,
    shown,
    to_encodable,
)
from pipeline.sinks.output_file import PathLike, check_writable
from pipeline.sinks.sqlite_columns import (
    Affinity,
    declared_affinity,
    fit,
    quoted,
    same_name,
    seen_affinity,
    sql_affinity,
)

IfExists = Literal["append", "replace"]

_MARK = "/* written by pipeline-monitor */"
"""Stands in the definition of every table made here. SQLite keeps the text, and it goes with the table."""

_PLAIN: frozenset[type] = frozenset({str, int, float, bytes, NoneType})
_ABOUT_A_RECORD = (sqlite3.IntegrityError, sqlite3.DataError, OverflowError, UnicodeEncodeError)
_LOCK_WAIT_S = 10.0


class SqliteSink(Sink):
    """A row for each value, a transaction for each batch (WAL, synchronous=NORMAL: safe against a
    killed process, not against a power cut).

    Columns come from the declared fields of Structs, dataclasses and pydantic models, for dicts from
    the first values; later fields add columns. Booleans are 0 and 1, times ISO 8601 text, nested values
    JSON text, NaN is NULL. A value that SQLite would change or cannot hold is refused.
    """

    guarantee = "exactly once"
    resumes = True

    def __init__(self, path: PathLike, table: str, if_exists: IfExists | None) -> None:
        if if_exists not in (None, "append", "replace"):
            raise ConfigurationError(
                f'sqlite(if_exists={if_exists!r}): must be "append" or "replace"; without it, '
                "a table that an earlier run wrote is replaced and no other is touched"
            )
        problem = name_problem(table) or _name_problem(table)
        if problem or not table or same_name(table).startswith("sqlite_"):
            raise ConfigurationError(
                f"sqlite(table={table!r}): "
                + (problem or "must not be empty or begin with sqlite_, which SQLite keeps for itself")
            )
        self.path = Path(path)
        self.table = table
        self.name = f"sqlite {self.path}"
        self.folder = str(self.path.parent)
        self.encode = RowEncoder(_PLAIN, _cell)
        self._if_exists = if_exists
        self._connection: sqlite3.Connection | None = None
        self.grouped = False
        """Whether batches are committed together with the progress, not each by itself."""
        self._columns: dict[str, Affinity] | None = None

    def check(self) -> None:
        check_writable(self.path, "sqlite")
        check_writable(self.path.with_name(self.path.name + "-wal"), "sqlite")
        if not self.path.exists():
            return
        try:
            # Not read-only: that would leave the files of the write-ahead log behind.
            connection = sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=rw", uri=True)
            try:
                self._existing(connection)
            finally:
                connection.close()
        except sqlite3.Error as error:
            raise ConfigurationError(
                f"sqlite: cannot write {self.path}: {error}; give the path of a SQLite file or a new one"
            ) from error

    def store(self, pipeline: str) -> CheckpointStore:
        return InSqlite(self, pipeline)

    def open(self) -> None:
        self._connect(resume=False)

    def resume(self, note: str) -> None:
        self._connect(resume=True)
        if self._columns is None and note != "empty":
            raise SinkError(
                f"{self.name}: table {self.table!r} is gone, but an earlier run committed rows to it; "
                "put it back, or start over with --fresh"
            )

    def flush(self) -> str:
        """The rows reach the disk when the checkpoint does, in one transaction."""
        return "table" if self._columns is not None else "empty"

    def _connect(self, *, resume: bool) -> None:
        self._columns = None
        try:
            # The engine may open in one thread and close in another, never both at once.
            connection = sqlite3.connect(
                self.path, timeout=_LOCK_WAIT_S, isolation_level=None, check_same_thread=False
            )
            self._connection = connection
            connection.execute("PRAGMA journal_mode=WAL").fetchone()
            connection.execute(f"PRAGMA synchronous={'FULL' if self.grouped else 'NORMAL'}")
            kind = self._existing(connection)
            if kind is not None and (resume or self._if_exists == "append"):
                self._columns = {
                    name: sql_affinity(declared)
                    for _, name, declared, *_ in connection.execute(
                        f"PRAGMA table_info({quoted(self.table)})"
                    )
                }
            elif kind is not None:
                connection.execute(f"DROP {kind} {quoted(self.table)}")
        except sqlite3.Error as error:
            raise self._failed(error) from error

    def write(self, ids: Ids, payloads: list[Any]) -> Iterable[Id]:
        rows, types = gather(payloads)
        if not rows:
            return ids
        connection = self._connection
        if connection is None:
            raise SinkError(f"{self.name} is not open")
        try:
            if not connection.in_transaction:
                connection.execute("BEGIN IMMEDIATE")
            connection.execute("SAVEPOINT batch")
            columns = self._insert(connection, rows, types)
            connection.execute("RELEASE batch")
            if not self.grouped:
                connection.execute("COMMIT")
        except BaseException as error:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK TO batch")
                connection.execute("RELEASE batch")
            if isinstance(error, sqlite3.Error):
                raise self._failed(error) from error
            raise
        self._columns = columns
        return ids

    @property
    def connection(self) -> sqlite3.Connection:
        """The open database. Raises SinkError where it is not open."""
        if self._connection is None:
            raise SinkError(f"{self.name} is not open")
        return self._connection

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):  # every batch is committed; only the log was to be tidied up
                connection.close()

    def _existing(self, connection: sqlite3.Connection) -> str | None:
        """TABLE or VIEW where the name is taken by one that may be written or replaced, else None."""
        row = connection.execute(
            "SELECT type, sql FROM sqlite_master WHERE name = ? COLLATE NOCASE AND type IN ('table', 'view')",
            (self.table,),
        ).fetchone()
        if row is None:
            return None
        kind, sql = str(row[0]), str(row[1])
        where = f"sqlite: {self.path} already has a {kind} {self.table!r}"
        if kind == "view" and self._if_exists == "append":
            raise ConfigurationError(f"{where}, and a view cannot be written; give another table=")
        if self._if_exists is None and _MARK not in sql:
            raise ConfigurationError(
                f"{where} that was not written by this product; "
                'choose if_exists="append" or if_exists="replace", or give another table='
            )
        return kind.upper()

    def _insert(
        self, connection: sqlite3.Connection, rows: list[Fields], types: list[type]
    ) -> dict[str, Affinity]:
        """Put the rows into the table, made or widened where needed; return its columns."""
        columns = self._widen(connection, rows, types)
        refused: dict[int, str] = {}
        cells = [
            fit(name, affinity, column, refused)
            for (name, affinity), column in zip(
                columns.items(), zip(*in_columns(rows, list(columns)), strict=True), strict=True
            )
        ]
        if refused:
            raise RefusedRecords(refused)
        names = ", ".join(map(quoted, columns))
        statement = f"INSERT INTO {quoted(self.table)} ({names}) VALUES ({', '.join('?' * len(columns))})"
        connection.execute("SAVEPOINT before_rows")
        try:
            connection.executemany(statement, zip(*cells, strict=True))
        except _ABOUT_A_RECORD:
            connection.execute("ROLLBACK TO before_rows")
            refused = _insert_each(connection, statement, columns, zip(*cells, strict=True))
            if not refused:
                raise
            raise RefusedRecords(refused) from None
        return columns

    def _widen(
        self, connection: sqlite3.Connection, rows: list[Fields], types: list[type]
    ) -> dict[str, Affinity]:
        known = self._columns or {}
        new = [name for name in names_in(rows) if name not in known]
        if not new:
            return known
        limit = connection.getlimit(sqlite3.SQLITE_LIMIT_COLUMN)
        taken = {same_name(name): name for name in known}
        problems: dict[Any, str] = {}
        for name in new:
            problem = name_problem(name) or _name_problem(name)
            if problem is None and (other := taken.setdefault(same_name(name), name)) != name:
                problem = f"field {name!r}: SQLite cannot tell it from the column {other!r}"
            if problem is None and len(taken) > limit:
                problem = f"field {name!r} would be one column more than the {limit} that SQLite can have"
            if problem is not None:
                problems[name] = problem
        if problems:
            raise RefusedRecords(refusals(rows, problems))
        declared = {name: each for kind in reversed(types) for name, each in declared_types(kind).items()}
        added: dict[str, Affinity] = {
            name: declared_affinity(declared[name])
            if name in declared
            else seen_affinity(row.get(name) for row in rows)
            for name in new
        }
        definitions = [f"{quoted(name)} {affinity}".rstrip() for name, affinity in added.items()]
        if self._columns is None:
            connection.execute(f"CREATE TABLE {quoted(self.table)} ({_MARK} {', '.join(definitions)})")
        else:
            for definition in definitions:
                connection.execute(f"ALTER TABLE {quoted(self.table)} ADD COLUMN {definition}")
        return {**known, **added}

    def _failed(self, error: sqlite3.Error) -> SinkError:
        hint = ""
        if "locked" in str(error):
            hint = "; another program is using it: close that, or write to another file"
        elif "full" in str(error):
            hint = "; make room there or write elsewhere"
        return SinkError(f"sqlite: cannot write table {self.table!r} of {self.path}: {error}{hint}")


class InSqlite:
    """A checkpoint in the database that the rows go to, saved in their transaction."""

    def __init__(self, sink: SqliteSink, pipeline: str) -> None:
        self.name = f"the progress kept in {sink.path}"
        self._sink = sink
        self._tables = CheckpointTables(pipeline)
        sink.grouped = True

    def load(self) -> Checkpoint | None:
        """The last checkpoint; the database is not made by this."""
        if not self._sink.path.exists():
            return None
        try:
            with closing(sqlite3.connect(self._sink.path)) as connection:
                return self._tables.read(connection, self.name)
        except (sqlite3.Error, ValueError) as error:
            raise ConfigurationError(f"{self.name}: it cannot be read: {error}") from error

    def clear(self) -> None:
        """Forget the checkpoint; the table itself is replaced when the sink is opened."""
        if self._sink.path.exists():
            with closing(sqlite3.connect(self._sink.path)) as connection, connection:
                self._tables.delete(connection)

    def open(self) -> None:
        """Make the tables; the sink is open by now."""
        try:
            self._tables.create(self._sink.connection)
        except sqlite3.Error as error:
            raise SinkError(f"{self.name}: {error}") from error

    def save(self, checkpoint: Checkpoint) -> None:
        """Commit the rows written since the last time, and the progress with them."""
        connection = self._sink.connection
        try:
            if not connection.in_transaction:
                connection.execute("BEGIN IMMEDIATE")
            self._tables.write(connection, checkpoint)
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            if connection.in_transaction:
                connection.rollback()
            raise SinkError(f"{self.name}: rows and progress cannot be committed: {error}") from error

    def intend(self, partition: Partition, ids: Ids) -> None:
        """What is not committed is undone, so there is nothing to note."""

    def close(self) -> None:
        """The sink closes the database."""
        return


def sqlite(path: PathLike, table: str = "records", if_exists: IfExists | None = None) -> SqliteSink:
    """Write rows to ``table`` of the SQLite file ``path``.

    A table that an earlier run wrote is replaced. Where another one has the name, the run does not start
    unless ``if_exists`` says to ``"replace"`` it or to ``"append"`` to it.
    """
    return SqliteSink(path, table, if_exists)


def _insert_each(
    connection: sqlite3.Connection,
    statement: str,
    columns: Iterable[str],
    rows: Iterable[tuple[Any, ...]],
) -> dict[int, str]:
    """The rows that cannot be inserted, when all others before them are: position and reason."""
    refused: dict[int, str] = {}
    for position, row in enumerate(rows):
        try:
            connection.execute(statement, row)
        except _ABOUT_A_RECORD as error:
            refused[position] = _reason(dict(zip(columns, row, strict=True)), error)
    return refused


def _reason(row: Fields, error: Exception) -> str:
    for name, cell in row.items():
        if isinstance(cell, int) and not -(2**63) <= cell < 2**63:
            return f"field {name!r}: {shown(cell)} is over SQLite's 64 bits; make it text in a stage"
        if isinstance(cell, str):
            try:
                cell.encode()
            except UnicodeEncodeError as problem:
                return f"field {name!r} is not valid Unicode: {problem}"
    return f"SQLite: {error}"


def _cell(value: Any) -> str | int | float | bytes | None:
    if type(value) is bool:
        return int(value)
    if isinstance(value, bytearray | memoryview):
        return bytes(value)
    if value is msgspec.UNSET:
        return None
    plain = msgspec.to_builtins(value, enc_hook=to_encodable)
    return plain if type(plain) in _PLAIN else json_text(plain)


def _name_problem(name: str) -> str | None:
    return f"the name {name!r} has a NUL character in it" if "\0" in name else None
