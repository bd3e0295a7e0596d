"""Progress that outlives the process: which records are settled, and where the sink stands.

A checkpoint says, for each partition, up to where it was read (``high``) and which offsets
below that are still open; a later run reads just those and what lies behind. It is stored
together with what it speaks of: in the sink's own transaction where the sink has one, else
in a SQLite file, after the sink's data have reached the disk.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Protocol, TypeAlias

import msgspec
from pyroaring import BitMap64

from pipeline.batch import Partition
from pipeline.errors import ConfigurationError, SinkError
from pipeline.ids import Ids

SCHEMA = 3
_TABLES = """
CREATE TABLE IF NOT EXISTS _pipeline_monitor_run (
    pipeline TEXT PRIMARY KEY, schema INTEGER NOT NULL, sink TEXT, dead_letters INTEGER NOT NULL,
    generation INTEGER NOT NULL, saved_at TEXT NOT NULL, notes BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS _pipeline_monitor_partition (
    pipeline TEXT NOT NULL, source TEXT NOT NULL, partition TEXT NOT NULL, identity TEXT NOT NULL,
    high INTEGER NOT NULL, open BLOB NOT NULL, delivered INTEGER NOT NULL, filtered INTEGER NOT NULL,
    rejected INTEGER NOT NULL, PRIMARY KEY (pipeline, source, partition)
) STRICT, WITHOUT ROWID;
"""
_INTENTS = """
CREATE TABLE IF NOT EXISTS _pipeline_monitor_intent (
    source TEXT NOT NULL, partition TEXT NOT NULL, offsets BLOB NOT NULL
) STRICT
"""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a partition has come: all offsets below ``high`` are settled but those in ``open``.

    ``identity`` tells the input from another one of the same name. The counts are in records.
    """

    identity: str
    high: int
    open: BitMap64
    delivered: int
    filtered: int
    rejected: int

    @property
    def start(self) -> int:
        """The first offset that is to be read."""
        return int(self.open.min()) if self.open else self.high

    @property
    def settled(self) -> int:
        """Records that need not be read again."""
        return self.delivered + self.filtered + self.rejected


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where a pipeline stands.

    ``sink`` is the sink's own note. ``dead_letters`` is the length of their file in bytes, and
    ``generation`` how often that file was replaced by a shorter one, since some had been replayed.
    """

    partitions: dict[Partition, Progress] = field(default_factory=dict)
    sink: str | None = None
    dead_letters: int = 0
    generation: int = 0
    saved_at: str = ""
    states: dict[str, bytes] = field(default_factory=dict)
    """What stages remember, by stage."""
    repeated: dict[Partition, BitMap64] = field(default_factory=dict)
    """Records that a run gave to a sink and did not come to commit: a sink that writes at least once may have
    them twice."""

    @property
    def settled(self) -> int:
        """Records settled by earlier runs."""
        return sum(progress.settled for progress in self.partitions.values())


class CheckpointStore(Protocol):
    """Keeps one pipeline's checkpoint. Used by one thread at a time."""

    name: str
    """What the store is called in messages."""

    def load(self) -> Checkpoint | None:
        """The last checkpoint, None where there is none. Raises ConfigurationError."""
        ...

    def clear(self) -> None:
        """Forget it."""
        ...

    def open(self) -> None:
        """Make ready to save; called in the thread that saves."""
        ...

    def save(self, checkpoint: Checkpoint) -> None:
        """Store what has changed, all or nothing, and for good. Raises SinkError."""
        ...

    def intend(self, partition: Partition, ids: Ids) -> None:
        """Note that a sink that writes at least once is about to be given these. Raises SinkError."""
        ...

    def close(self) -> None:
        """Let go; may be called again."""
        ...


class _Notes(msgspec.Struct):
    """The rest of a checkpoint."""

    states: dict[str, bytes]
    repeated: list[tuple[str, str, bytes]]


def to_notes(checkpoint: Checkpoint) -> bytes:
    """What of a checkpoint is in no column of its own."""
    repeated = [(each.source, each.name, ids.serialize()) for each, ids in checkpoint.repeated.items()]
    return msgspec.msgpack.encode(_Notes(checkpoint.states, repeated))


def from_notes(notes: bytes) -> tuple[dict[str, bytes], dict[Partition, BitMap64]]:
    """The states and the repeated records of a checkpoint. Raises ValueError."""
    known = msgspec.msgpack.decode(notes, type=_Notes)
    return known.states, {
        Partition(source, name): BitMap64.deserialize(ids) for source, name, ids in known.repeated
    }


Row: TypeAlias = tuple[str, str, str, int, bytes, int, int, int]
"""Source, partition, identity, high, open, delivered, filtered and rejected, as a table has them."""


def to_row(partition: Partition, progress: Progress) -> Row:
    """How far a partition has come, as a row."""
    return (
        partition.source,
        partition.name,
        progress.identity,
        progress.high,
        progress.open.serialize(),
        progress.delivered,
        progress.filtered,
        progress.rejected,
    )


def from_row(row: Row) -> tuple[Partition, Progress]:
    """What :func:`to_row` was given. Raises ValueError."""
    source, name, identity, high, open, delivered, filtered, rejected = row
    return Partition(source, name), Progress(
        identity, high, BitMap64.deserialize(open), delivered, filtered, rejected
    )


def check_schema(found: int, where: str) -> None:
    """Raise :class:`ConfigurationError` where a checkpoint is not of this version."""
    if found != SCHEMA:
        raise ConfigurationError(
            f"{where}: it was written by another version of the monitor (schema {found}, this one has "
            f"{SCHEMA}); use that version, or start over with --fresh"
        )


class CheckpointTables:
    """The tables in which a checkpoint lies, in whatever SQLite database they are."""

    def __init__(self, pipeline: str) -> None:
        self._pipeline = pipeline

    def create(self, connection: sqlite3.Connection) -> None:
        """Make the tables where they are not there."""
        for statement in filter(str.strip, _TABLES.split(";")):
            connection.execute(statement)

    def read(self, connection: sqlite3.Connection, where: str) -> Checkpoint | None:
        """The checkpoint, None where there is none."""
        known = connection.execute(
            "SELECT 1 FROM sqlite_master WHERE name = '_pipeline_monitor_run'"
        ).fetchone()
        if known is None:
            return None
        row = connection.execute(
            "SELECT schema FROM _pipeline_monitor_run WHERE pipeline = ?", (self._pipeline,)
        ).fetchone()
        if row is None:
            return None
        check_schema(row[0], where)
        sink, dead_letters, generation, saved_at, notes = connection.execute(
            "SELECT sink, dead_letters, generation, saved_at, notes FROM _pipeline_monitor_run "
            "WHERE pipeline = ?",
            (self._pipeline,),
        ).fetchone()
        partitions = connection.execute(
            "SELECT source, partition, identity, high, open, delivered, filtered, rejected "
            "FROM _pipeline_monitor_partition WHERE pipeline = ?",
            (self._pipeline,),
        )
        progress = dict(map(from_row, partitions))
        return Checkpoint(progress, sink, dead_letters, generation, saved_at, *from_notes(notes))

    def write(self, connection: sqlite3.Connection, checkpoint: Checkpoint) -> None:
        """Put in what has changed, within the transaction that is open."""
        connection.execute(
            "INSERT INTO _pipeline_monitor_run VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
            "sink = excluded.sink, dead_letters = excluded.dead_letters, generation = excluded.generation, "
            "saved_at = excluded.saved_at, notes = excluded.notes",
            (
                self._pipeline,
                SCHEMA,
                checkpoint.sink,
                checkpoint.dead_letters,
                checkpoint.generation,
                checkpoint.saved_at,
                to_notes(checkpoint),
            ),
        )
        connection.executemany(
            "INSERT INTO _pipeline_monitor_partition VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT DO UPDATE SET identity = excluded.identity, high = excluded.high, "
            "open = excluded.open, delivered = excluded.delivered, filtered = excluded.filtered, "
            "rejected = excluded.rejected",
            [(self._pipeline, *to_row(*item)) for item in checkpoint.partitions.items()],
        )

    def delete(self, connection: sqlite3.Connection) -> None:
        """Take the pipeline's checkpoint out, where there is one; tables of another version altogether."""
        if self._of_another_version(connection):
            for table in ("_pipeline_monitor_run", "_pipeline_monitor_partition"):
                connection.execute(f"DROP TABLE IF EXISTS {table}")
        for table in ("_pipeline_monitor_run", "_pipeline_monitor_partition"):
            if connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone():
                connection.execute(f"DELETE FROM {table} WHERE pipeline = ?", (self._pipeline,))

    def _of_another_version(self, connection: sqlite3.Connection) -> bool:
        """Whether some pipeline's progress here can neither be read nor be added to by this version."""
        if not connection.execute(
            "SELECT 1 FROM sqlite_master WHERE name = '_pipeline_monitor_run'"
        ).fetchone():
            return False
        versions = connection.execute("SELECT DISTINCT schema FROM _pipeline_monitor_run").fetchall()
        return any(version != SCHEMA for (version,) in versions)


class FileStore:
    """A checkpoint in a SQLite file of its own."""

    def __init__(self, path: Path, pipeline: str) -> None:
        self.path = path
        self.name = f"state {path}"
        self._tables = CheckpointTables(pipeline)
        self._connection: sqlite3.Connection | None = None
        self._intends = False

    def load(self) -> Checkpoint | None:
        """The last checkpoint; the file is not made by this."""
        if not self.path.exists():
            return None
        try:
            connection = sqlite3.connect(self.path)
            try:
                return self._with_intents(connection, self._tables.read(connection, self.name))
            finally:
                connection.close()
        except (sqlite3.Error, ValueError) as error:
            raise ConfigurationError(
                f"{self.name}: it cannot be read: {error}; it is not a state file, or it is damaged. "
                "Give another --state, or start over with --fresh"
            ) from error

    def clear(self) -> None:
        """Remove the file; it holds nothing else."""
        for ending in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + ending).unlink(missing_ok=True)

    def open(self) -> None:
        """Open, or make, the file."""
        try:
            connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
            self._connection = connection
            connection.execute("PRAGMA journal_mode=WAL").fetchone()
            # What is acknowledged survives a power cut.
            connection.execute("PRAGMA synchronous=FULL")
            self._tables.create(connection)
        except sqlite3.Error as error:
            raise self._failed(error) from error

    def save(self, checkpoint: Checkpoint) -> None:
        """One transaction, on the disk when this returns."""
        connection = self._connection
        if connection is None:
            raise SinkError(f"{self.name} is not open")
        try:
            connection.execute("BEGIN IMMEDIATE")
            self._tables.write(connection, checkpoint)
            if self._intends:
                connection.execute("DELETE FROM _pipeline_monitor_intent")
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            if connection.in_transaction:
                connection.rollback()
            raise self._failed(error) from error

    def intend(self, partition: Partition, ids: Ids) -> None:
        """It survives the end of the process, not a power cut: a sync for each batch would be dear."""
        connection = self._connection
        if connection is None:
            raise SinkError(f"{self.name} is not open")
        offsets = BitMap64(ids.offsets()).serialize()
        try:
            if not self._intends:
                connection.execute(_INTENTS)
                self._intends = True
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute(
                "INSERT INTO _pipeline_monitor_intent VALUES (?, ?, ?)",
                (partition.source, partition.name, offsets),
            )
            connection.execute("PRAGMA synchronous=FULL")
        except sqlite3.Error as error:
            raise self._failed(error) from error

    def _with_intents(
        self, connection: sqlite3.Connection, checkpoint: Checkpoint | None
    ) -> Checkpoint | None:
        """What was given to the sink since the last commit, before the process ended, may be there twice."""
        known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = '_pipeline_monitor_intent'")
        if known.fetchone() is None:
            return checkpoint
        rows = connection.execute(
            "SELECT source, partition, offsets FROM _pipeline_monitor_intent"
        ).fetchall()
        if not rows:
            return checkpoint
        checkpoint = checkpoint or Checkpoint()
        repeated = {partition: ids.copy() for partition, ids in checkpoint.repeated.items()}
        for source, name, offsets in rows:
            repeated.setdefault(Partition(source, name), BitMap64()).update(BitMap64.deserialize(offsets))
        return replace(checkpoint, repeated=repeated)

    def close(self) -> None:
        """Close the file."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _failed(self, error: sqlite3.Error) -> SinkError:
        return SinkError(
            f"{self.name}: progress cannot be written: {error}; make room, or give another --state"
        )


def now_text(moment: datetime) -> str:
    """A moment as it is written into a checkpoint."""
    return moment.isoformat(timespec="seconds")
