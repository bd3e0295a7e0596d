"""Values as rows of a PostgreSQL table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

from pipeline.checkpoint import CheckpointStore
from pipeline.errors import ConfigurationError, SinkError
from pipeline.ids import Id, Ids
from pipeline.sinks.base import RefusedRecords, Sink
from pipeline.sinks.declared import declared_types
from pipeline.sinks.fields import Fields, RowEncoder, gather, in_columns, name_problem, names_in, refusals
from pipeline.sinks.postgres_columns import PLAIN, SqlType, cell_of, declared_type, fit, seen_type
from pipeline.sinks.postgres_progress import InPostgres
from pipeline.sinks.postgres_server import Server, composed, psycopg_module

IfExists = Literal["append", "replace"]

_MARK = "written by pipeline-monitor"
"""The comment on every table made here; it goes with the table."""

_NAME_BYTES = 63
_KINDS = {"r": "table", "p": "table", "v": "view", "m": "materialized view", "f": "foreign table"}


class PostgresSink(Sink):
    """A row for each value, written with COPY; rows and progress are committed together.

    Columns come from the declared fields of Structs, dataclasses and pydantic models, for dicts from the
    first values; later fields add columns. Nested values are jsonb. A value that does not fit its column
    unchanged, or that a constraint of the table forbids, is refused.
    """

    guarantee = "exactly once"
    resumes = True

    def __init__(self, dsn: str, table: str, schema: str | None, if_exists: IfExists | None) -> None:
        if if_exists not in (None, "append", "replace"):
            raise ConfigurationError(
                f'postgres(if_exists={if_exists!r}): must be "append" or "replace"; without it, '
                "a table that an earlier run wrote is replaced and no other is touched"
            )
        for what, name in (("table", table), ("schema", schema if schema is not None else "public")):
            if problem := _name_problem(name):
                raise ConfigurationError(f"postgres({what}={name!r}): {problem}")
        self.table = table
        self.server = Server(dsn, schema)
        self.name = f"{self.server.where} {table}"
        self.encode = RowEncoder(PLAIN, cell_of)
        self.grouped = False
        """Whether batches are committed together with the progress, not each by itself."""
        self._if_exists = if_exists
        self._columns: dict[str, SqlType] | None = None

    def check(self) -> None:
        psycopg_module(self.server.where)
        connected = self.server.connected
        self.server.connect()
        try:
            self.server.check_alone()
            self._existing()
        except SinkError as error:
            raise ConfigurationError(str(error)) from error
        finally:
            if not connected:
                self.server.close()

    def store(self, pipeline: str) -> CheckpointStore:
        return InPostgres(self, pipeline)

    def open(self) -> None:
        self._begin(resume=False)

    def resume(self, note: str) -> None:
        self._begin(resume=True)
        if self._columns is None and note != "empty":
            raise SinkError(
                f"{self.name}: the table is gone, but an earlier run committed rows to it; put it back, or "
                "start over with --fresh"
            )

    def flush(self) -> str:
        """The rows reach the disk when the checkpoint does, in one transaction."""
        return "table" if self._columns is not None else "empty"

    def write(self, ids: Ids, payloads: list[Any]) -> Iterable[Id]:
        rows, types = gather(payloads)
        if not rows:
            return ids
        self.server.begin()
        with self.server.savepoint():
            columns = self._insert(rows, types)
        if not self.grouped:
            self.server.commit()
        self._columns = columns
        return ids

    def close(self) -> None:
        self.server.close()

    def _begin(self, *, resume: bool) -> None:
        self._columns = None
        try:
            self.server.connect()
            self.server.check_alone()
            kind = self._existing()
        except ConfigurationError as error:
            raise SinkError(str(error)) from error
        if kind is None:
            return
        if resume or self._if_exists == "append":
            self._columns = self._read_columns()
        else:
            self.server.run(composed(f"DROP {kind} {{table}}", table=self.server.named(self.table)))

    def _existing(self) -> str | None:
        """What of the name there is, if it may be written or replaced; None where there is nothing."""
        found = self.server.rows(
            composed(
                "SELECT c.relkind::text, obj_description(c.oid, 'pg_class') FROM pg_class c "
                "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s AND c.relname = %s"
            ),
            self.server.schema,
            self.table,
        )
        if not found:
            return None
        relation, comment = found[0]
        kind = _KINDS.get(relation)
        where = f"{self.server.where} already has a {kind or 'relation'} {self.table!r}"
        if kind is None or (kind != "table" and self._if_exists == "append"):
            raise ConfigurationError(f"{where}, which cannot be written; give another table=")
        if self._if_exists is None and comment != _MARK:
            raise ConfigurationError(
                f"{where} that was not written by this product; "
                'choose if_exists="append" or if_exists="replace", or give another table='
            )
        return kind.upper()

    def _read_columns(self) -> dict[str, SqlType]:
        rows = self.server.rows(
            composed(
                "SELECT a.attname, format_type(a.atttypid, NULL) FROM pg_attribute a "
                "JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
                "WHERE n.nspname = %s AND c.relname = %s AND a.attnum > 0 AND NOT a.attisdropped "
                "ORDER BY a.attnum"
            ),
            self.server.schema,
            self.table,
        )
        return {str(name): str(type_) for name, type_ in rows}

    def _insert(self, rows: list[Fields], types: list[type]) -> dict[str, SqlType]:
        """Put the rows into the table, made or widened where needed; return its columns."""
        columns = self._widen(rows, types)
        named = [name for name in names_in(rows) if name in columns] or list(columns)[:1]
        refused: dict[int, str] = {}
        cells = [
            fit(name, columns[name], column, refused)
            for name, column in zip(named, zip(*in_columns(rows, named), strict=True), strict=True)
        ]
        if refused:
            raise RefusedRecords(refused)
        lines = list(zip(*cells, strict=True))
        if (reason := self._copy(named, lines)) is not None:
            self._find_refused(named, lines, 0, reason, refused)
            raise RefusedRecords(refused)
        return columns

    def _copy(self, names: Sequence[str], lines: Sequence[tuple[Any, ...]]) -> str | None:
        """Write all of the lines, or none and say why, if it is a record that the table cannot take."""
        from psycopg import DataError, Error, IntegrityError, sql
        from psycopg.errors import RaiseException

        statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
            self.server.named(self.table), sql.SQL(", ").join(map(sql.Identifier, names))
        )
        connection = self.server.connection
        try:
            with self.server.savepoint(), connection.cursor() as cursor, cursor.copy(statement) as copy:
                for line in lines:
                    copy.write_row(line)
        except (DataError, IntegrityError, RaiseException) as error:
            return f"PostgreSQL: {error.diag.message_primary or error}"
        except Error as error:
            raise self.server.failed(error) from error
        return None

    def _find_refused(
        self,
        names: Sequence[str],
        lines: Sequence[tuple[Any, ...]],
        start: int,
        reason: str,
        refused: dict[int, str],
    ) -> None:
        """Which of the lines cannot be written, when all others before them are: half and half again."""
        if len(lines) == 1:
            refused[start] = reason
            return
        middle = len(lines) // 2
        for part, at in ((lines[:middle], start), (lines[middle:], start + middle)):
            if (problem := self._copy(names, part)) is not None:
                self._find_refused(names, part, at, problem, refused)

    def _widen(self, rows: list[Fields], types: list[type]) -> dict[str, SqlType]:
        known = self._columns or {}
        new = [name for name in names_in(rows) if name not in known]
        if not new:
            return known
        if problems := {name: problem for name in new if (problem := _name_problem(name))}:
            raise RefusedRecords(
                refusals(rows, {name: f"field {name!r}: {problem}" for name, problem in problems.items()})
            )
        declared = {name: each for kind in reversed(types) for name, each in declared_types(kind).items()}
        added: dict[str, SqlType] = {}
        for name in new:
            type_ = declared_type(declared[name]) if name in declared else None
            type_ = type_ or seen_type(row.get(name) for row in rows)
            # A field that nothing is known of yet can wait: until then it is NULL in any case.
            if type_ is not None:
                added[name] = type_
        if not known and not added:
            added = dict.fromkeys(new, "jsonb")
        self._make(added)
        return {**known, **added}

    def _make(self, columns: dict[str, SqlType]) -> None:
        from psycopg.sql import Identifier

        table = self.server.named(self.table)
        if not columns:
            return
        if self._columns is None:
            self.server.run(composed("CREATE TABLE {table} ()", table=table))
            self.server.run(composed(f"COMMENT ON TABLE {{table}} IS '{_MARK}'", table=table))
        for name, type_ in columns.items():
            self.server.run(
                composed(
                    f"ALTER TABLE {{table}} ADD COLUMN {{name}} {type_}", table=table, name=Identifier(name)
                )
            )


def postgres(
    dsn: str, table: str = "records", schema: str | None = None, if_exists: IfExists | None = None
) -> PostgresSink:
    """Write rows to ``table`` of a PostgreSQL database. Needs psycopg.

    ``dsn`` is a connection string or URI (``postgresql://user@host/database``); what it leaves out comes
    from the environment (``PGPASSWORD`` and so on). A table that an earlier run wrote is replaced.
    Where another one has the name, the run does not start unless ``if_exists`` says to ``"replace"`` it or to
    ``"append"`` to it.
    """
    return PostgresSink(dsn, table, schema, if_exists)


def _name_problem(name: object) -> str | None:
    if problem := name_problem(name):
        return problem
    text = str(name)
    if not text or "\0" in text:
        return "a name must have a character, and no NUL character"
    if len(text.encode()) > _NAME_BYTES:
        return f"PostgreSQL would cut the name off after {_NAME_BYTES} bytes"
    return None
