"""What a stateful stage is made of: the records it sees and the class it extends."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.batch import Partition
from pipeline.ids import Id
from pipeline.watched import watched


@dataclass(frozen=True, slots=True)
class Family:
    """A record that goes on as so many children."""

    partition: Partition
    parent: Id
    children: int


@dataclass(frozen=True, slots=True)
class Merger:
    """A record that stands for others, each named by its partition and id."""

    partition: Partition
    leader: Id
    followers: tuple[tuple[Partition, Id], ...]


class Record:
    """A value with its identity, as a stateful stage sees it.

    A stage may keep a record as long as it likes; it gives it up by returning it (or what it
    made of it) from ``process`` or ``flush``.
    """

    __slots__ = ("_families", "_id", "_merged", "_partition", "_read_at", "value")

    def __init__(
        self,
        partition: Partition,
        id: Id,
        value: Any,
        read_at: float,
        merged: tuple[tuple[Partition, Id], ...] = (),
        families: tuple[Family, ...] = (),
    ) -> None:
        self._partition = partition
        self._id = id
        self._read_at = read_at
        self._merged = merged
        self._families = families
        self.value = value

    @property
    def id(self) -> str:
        """The full name: ``SOURCE/PARTITION:OFFSET``."""
        return self._partition.record(self._id)

    @property
    def partition(self) -> str:
        """``SOURCE/PARTITION``."""
        return str(self._partition)

    def replace(self, value: Any) -> Record:
        """The same record with another value."""
        return Record(self._partition, self._id, value, self._read_at, self._merged, self._families)

    def filtered(self) -> Dropped:
        """Return this to say that the record is not wanted."""
        return Dropped(self, None)

    def rejected(self, reason: str) -> Dropped:
        """Return this to send the record to the dead letters."""
        return Dropped(self, reason)

    def split(self, values: Sequence[Any]) -> list[Record | Dropped]:
        """Children in the place of this record, named after it; of none, it counts as filtered."""
        if not values:
            return [self.filtered()]
        return [Child(self, index, len(values), value) for index, value in enumerate(values)]

    @staticmethod
    def merge(records: Sequence[Record], value: Any) -> Record:
        """One record that stands for several, such as an aggregate; they share its fate.

        It carries the id of the last of them.
        """
        if not records:
            raise ValueError("Record.merge() needs at least one record")
        *others, leader = records
        merged = tuple((other._partition, other._id) for other in others)
        inherited = tuple(pair for record in records for pair in record._merged)
        families = tuple(
            dict.fromkeys(fact for each in records for fact in each._lineage() if isinstance(fact, Family))
        )
        read_at = min(record._read_at for record in records)
        return Record(leader._partition, leader._id, value, read_at, merged + inherited, families)

    def _lineage(self) -> Iterator[Family | Merger]:
        """How it came to be out of the records that were read, the oldest first."""
        yield from self._families
        if self._merged:
            yield Merger(self._partition, self._id, self._merged)

    def __repr__(self) -> str:
        return f"<Record {self.id} {self.value!r}>"


class Child(Record):
    """One of several records that were made out of one."""

    __slots__ = ("parent", "siblings")

    def __init__(self, parent: Record, index: int, siblings: int, value: Any) -> None:
        super().__init__(parent._partition, parent._id.child(index), value, parent._read_at)
        self.parent = parent
        self.siblings = siblings

    def replace(self, value: Any) -> Record:
        index = int(self._id.path.rpartition(".")[2])
        return Child(self.parent, index, self.siblings, value)

    def _lineage(self) -> Iterator[Family | Merger]:
        yield from self.parent._lineage()
        yield Family(self._partition, self.parent._id, self.siblings)


@dataclass(frozen=True, slots=True)
class Dropped:
    """A record that leaves the pipeline here: filtered (no reason) or rejected."""

    record: Record
    reason: str | None


class Stage:
    """A stage with a memory. Extend it and override what is needed.

    All four are called from one thread: ``open`` once, ``process`` for each batch, ``flush`` once
    when there is nothing more to come, ``close`` once at the very end, also after a failure.
    A record that is neither returned by ``process`` nor, later, by ``flush`` is lost, and is
    named in the report.
    """

    def open(self) -> None:
        """Start afresh: a new run begins."""
        return

    def process(self, records: list[Record]) -> Iterable[Record | Dropped]:
        """Take a batch; return what goes on now, in order."""
        raise NotImplementedError(f"{type(self).__name__} must define process(self, records)")

    def flush(self) -> Iterable[Record | Dropped]:
        """Give up whatever is still held."""
        return ()

    def close(self) -> None:
        """Let go of what was opened."""
        return

    def snapshot(self) -> bytes:
        """What the stage remembers of the records that it has given up, saved in the commit that they are in.

        Define it together with :meth:`restore` to have a later run go on with it. It must not speak of
        records that are held back still: a run that goes on reads these again.
        """
        raise NotImplementedError

    def restore(self, saved: bytes) -> None:
        """Go on with what :meth:`snapshot` gave when the last commit was made; called after :meth:`open`."""
        raise NotImplementedError

    def watch_cache(self, held: Any, name: str) -> None:
        """Let the monitor watch a container of this stage, see :meth:`pipeline.Pipeline.watch_cache`."""
        one = watched(held, name, None)
        if self._watch is not None:
            self._watch(held, one.name)

    _watch: Callable[[Any, str], None] | None = None
    """Set on the stage by the run that it is a part of."""
