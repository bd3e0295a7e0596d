"""Progress in the PostgreSQL database that the rows go to, saved in their transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from pipeline.batch import Partition
from pipeline.checkpoint import SCHEMA, Checkpoint, check_schema, from_notes, from_row, to_notes, to_row
from pipeline.errors import ConfigurationError, SinkError
from pipeline.ids import Ids
from pipeline.sinks.postgres_server import Server, composed

if TYPE_CHECKING:
    from psycopg.sql import Composed

RUNS, PARTITIONS = "_pipeline_monitor_run", "_pipeline_monitor_partition"

_TABLES = (
    "CREATE TABLE IF NOT EXISTS {runs} (pipeline text PRIMARY KEY, schema integer NOT NULL, sink text, "
    "dead_letters bigint NOT NULL, generation bigint NOT NULL, saved_at text NOT NULL, notes bytea NOT NULL)",
    "CREATE TABLE IF NOT EXISTS {partitions} (pipeline text NOT NULL, source text NOT NULL, "
    "partition text NOT NULL, identity text NOT NULL, high bigint NOT NULL, open bytea NOT NULL, "
    "delivered bigint NOT NULL, filtered bigint NOT NULL, rejected bigint NOT NULL, "
    "PRIMARY KEY (pipeline, source, partition))",
)
_SAVE_RUN = (
    "INSERT INTO {runs} VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (pipeline) DO UPDATE SET "
    "schema = excluded.schema, sink = excluded.sink, dead_letters = excluded.dead_letters, "
    "generation = excluded.generation, saved_at = excluded.saved_at, notes = excluded.notes"
)
_SAVE_PARTITION = (
    "INSERT INTO {partitions} VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) "
    "ON CONFLICT (pipeline, source, partition) DO UPDATE SET identity = excluded.identity, "
    "high = excluded.high, open = excluded.open, delivered = excluded.delivered, "
    "filtered = excluded.filtered, rejected = excluded.rejected"
)


class Owner(Protocol):
    """The sink whose rows are committed."""

    server: Server
    grouped: bool


class InPostgres:
    """A checkpoint in the tables ``_pipeline_monitor_*``, beside the table of the rows.

    From :meth:`load` on a lock of the server keeps out every other run of the pipeline: also the
    server's end of a run that was killed, which may be about to commit.
    """

    def __init__(self, owner: Owner, pipeline: str) -> None:
        self._server = owner.server
        self._pipeline = pipeline
        self.name = f"the progress kept in {owner.server.where}"
        owner.grouped = True

    def load(self) -> Checkpoint | None:
        """The last checkpoint; the tables are not made by this."""
        server = self._server
        server.connect()
        try:
            server.claim(self._pipeline)
            if not server.has_table(RUNS):
                return None
            run = server.rows(self._sql("SELECT schema FROM {runs} WHERE pipeline = %s"), self._pipeline)
            if not run:
                return None
            check_schema(run[0][0], self.name)
            sink, dead_letters, generation, saved_at, notes = server.rows(
                self._sql(
                    "SELECT sink, dead_letters, generation, saved_at, notes FROM {runs} WHERE pipeline = %s"
                ),
                self._pipeline,
            )[0]
            partitions = server.rows(
                self._sql(
                    "SELECT source, partition, identity, high, open, delivered, filtered, rejected "
                    "FROM {partitions} WHERE pipeline = %s"
                ),
                self._pipeline,
            )
            progress = dict(map(from_row, partitions))
            return Checkpoint(progress, sink, dead_letters, generation, saved_at, *from_notes(notes))
        except (SinkError, ValueError) as error:
            raise ConfigurationError(f"{self.name}: it cannot be read: {error}") from error

    def clear(self) -> None:
        """Forget the checkpoint, tables of another version altogether; the rows' own table is replaced when
        the sink is opened."""
        server = self._server
        connected = server.connected
        server.connect()
        try:
            server.claim(self._pipeline)
            server.check_alone()
            if not server.has_table(RUNS):
                return
            versions = server.rows(self._sql("SELECT DISTINCT schema FROM {runs}"))
            if any(version != SCHEMA for (version,) in versions):
                server.run(self._sql("DROP TABLE IF EXISTS {runs}, {partitions}"))
                return
            for table in ("{partitions}", "{runs}"):
                server.run(self._sql(f"DELETE FROM {table} WHERE pipeline = %s"), self._pipeline)
        except SinkError as error:
            raise ConfigurationError(f"{self.name}: it cannot be thrown away: {error}") from error
        finally:
            if not connected:
                server.close()

    def open(self) -> None:
        """Make the tables; the sink is open by now."""
        for table in _TABLES:
            self._server.run(self._sql(table))

    def save(self, checkpoint: Checkpoint) -> None:
        """Commit the rows written since the last time, and the progress with them."""
        server = self._server
        server.begin()
        server.run(
            self._sql(_SAVE_RUN),
            self._pipeline,
            SCHEMA,
            checkpoint.sink,
            checkpoint.dead_letters,
            checkpoint.generation,
            checkpoint.saved_at,
            to_notes(checkpoint),
        )
        server.run_many(
            self._sql(_SAVE_PARTITION),
            [(self._pipeline, *to_row(*item)) for item in checkpoint.partitions.items()],
        )
        server.commit()

    def intend(self, partition: Partition, ids: Ids) -> None:
        """The server undoes what is not committed, so there is nothing to note."""

    def close(self) -> None:
        """The sink closes the connection."""
        return

    def _sql(self, text: str) -> Composed:
        return composed(text, runs=self._server.named(RUNS), partitions=self._server.named(PARTITIONS))
