"""The connection to a PostgreSQL server: one transaction at a time, errors as the product's own."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from pipeline.errors import ConfigurationError, SinkError

if TYPE_CHECKING:
    import psycopg
    from psycopg.sql import Composed, Identifier

CONNECT_S = 10
LOCK_S = 10
"""How long a run waits for the server to give up the connection of the run before it."""


class Server:
    """One database, and the schema in it that a sink writes to.

    What fails raises :class:`SinkError`; :meth:`connect` raises :class:`ConfigurationError`.
    """

    def __init__(self, dsn: str, schema: str | None) -> None:
        self._dsn = dsn
        self.schema = schema
        self.where = f"postgres {_place(dsn)}"
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None
        self._lock: str | None = None
        self.contended = False
        """Whether somebody else holds what was claimed."""

    def connect(self) -> None:
        """Connect where that was not done yet."""
        driver = psycopg_module(self.where)
        try:
            if self._connection is None:
                self.contended = False
                self._lock = None
                self._connection = driver.connect(
                    self._dsn,
                    autocommit=True,
                    connect_timeout=CONNECT_S,
                    application_name="pipeline-monitor",
                    client_encoding="utf8",
                )
            if self.schema is None:
                self.schema = self._default_schema(self._connection)
        except driver.Error as error:
            self.close()
            raise ConfigurationError(f"{self.where}: cannot connect: {_told(error)}") from error

    def claim(self, name: str) -> None:
        """Wait until no other connection holds this name, then hold it; where that takes too long, the server
        is :attr:`contended`."""
        lock = f"pipeline-monitor/{self.schema}/{name}"
        if lock == self._lock:
            return
        driver = psycopg_module(self.where)
        with self.telling():
            self.connection.execute(composed(f"SET lock_timeout = '{LOCK_S}s'"))
            try:
                self.connection.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", (lock,))
                self._lock, self.contended = lock, False
            except driver.errors.LockNotAvailable:
                self.contended = True
            self.connection.execute("SET lock_timeout = DEFAULT")

    def check_alone(self) -> None:
        """Raise :class:`ConfigurationError` where somebody else holds what was claimed."""
        if self.contended:
            raise ConfigurationError(
                f"{self.where}: another run of this pipeline is writing there, or the server has not noticed "
                "yet that it is gone; end it, or try again"
            )

    @property
    def connected(self) -> bool:
        """Whether there is a connection."""
        return self._connection is not None

    @property
    def connection(self) -> psycopg.Connection[tuple[Any, ...]]:
        """The open connection. Raises SinkError where there is none."""
        if self._connection is None:
            raise SinkError(f"{self.where} is not open")
        return self._connection

    def named(self, table: str) -> Identifier:
        """A table of the schema, as SQL."""
        from psycopg.sql import Identifier

        return Identifier(self.schema, table) if self.schema is not None else Identifier(table)

    def has_table(self, table: str) -> bool:
        """Whether the schema has a table of this name."""
        return bool(
            self.rows(
                composed(
                    "SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
                    "WHERE n.nspname = %s AND c.relname = %s"
                ),
                self.schema,
                table,
            )
        )

    def rows(self, query: Composed, *values: object) -> list[tuple[Any, ...]]:
        """Run a query."""
        with self.telling():
            return self.connection.execute(query, values).fetchall()

    def run(self, statement: Composed, *values: object) -> None:
        """Run a statement."""
        with self.telling():
            self.connection.execute(statement, values)

    def run_many(self, statement: Composed, rows: Sequence[tuple[object, ...]]) -> None:
        """Run a statement for each of the rows."""
        with self.telling(), self.connection.cursor() as cursor:
            cursor.executemany(statement, rows)

    def begin(self) -> None:
        """Begin a transaction, where none is open."""
        driver = psycopg_module(self.where)
        if self.connection.info.transaction_status == driver.pq.TransactionStatus.IDLE:
            self.run(composed("BEGIN"))

    def commit(self) -> None:
        """End the transaction; when this returns, it is on the server's disk."""
        driver = psycopg_module(self.where)
        if self.connection.info.transaction_status == driver.pq.TransactionStatus.INERROR:
            raise SinkError(f"{self.where}: a statement of the transaction failed, so it cannot be committed")
        self.run(composed("COMMIT"))

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """What is done in here is undone if an exception comes out of it, and nothing else."""
        self.run(composed("SAVEPOINT here"))
        try:
            yield
        except BaseException:
            with suppress(SinkError):  # where the connection is lost, nothing is left to undo
                self.run(composed("ROLLBACK TO here"))
                self.run(composed("RELEASE here"))
            raise
        self.run(composed("RELEASE here"))

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Turns what the driver raises into a SinkError."""
        driver = psycopg_module(self.where)
        try:
            yield
        except driver.Error as error:
            raise self.failed(error) from error

    def failed(self, error: Exception) -> SinkError:
        """The error that ends a run."""
        lost = self._connection is not None and self._connection.broken
        hint = "; once the server is back, the same command goes on" if lost else ""
        return SinkError(f"{self.where}: {_told(error)}{hint}")

    def close(self) -> None:
        """Let go; what is not committed is undone. May be called again."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _default_schema(self, connection: psycopg.Connection[tuple[Any, ...]]) -> str:
        row = connection.execute("SELECT current_schema()").fetchone()
        if row is None or row[0] is None:
            self.close()
            raise ConfigurationError(f"{self.where}: the user has no schema to write to; give schema=")
        return str(row[0])


def composed(text: str, **names: Identifier) -> Composed:
    """A statement out of text that this product wrote itself, and names."""
    from psycopg.sql import SQL

    return SQL(text).format(**names)


def psycopg_module(where: str) -> Any:
    """The driver; raises :class:`ConfigurationError`, saying what to do, where it is not installed."""
    try:
        return importlib.import_module("psycopg")
    except ImportError as error:
        raise ConfigurationError(
            f"{where} needs psycopg; run: pip install 'pipeline-monitor[postgres]' ({error})"
        ) from error


def _place(dsn: str) -> str:
    """Where a connection string points to, without its password."""
    try:
        parts = importlib.import_module("psycopg.conninfo").conninfo_to_dict(dsn)
    except Exception:  # noqa: BLE001 - it is not installed, or cannot read the string; connecting tells
        return "database"
    host, port, name = (str(parts.get(key) or "") for key in ("host", "port", "dbname"))
    return f"{host or 'local'}{port and f':{port}'}/{name}"


def _told(error: Exception) -> str:
    lines = [line.strip() for line in str(error).strip().splitlines() if line.strip()]
    return "; ".join(lines[:2]) or type(error).__name__
