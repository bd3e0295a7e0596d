"""What travels through a pipeline: batches of records of one partition."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from pipeline.ids import Id, Ids

Decode: TypeAlias = Callable[[list[Any]], Iterator[Any]]
"""Raw records in, an iterator of values out: one value for each raw record, in order. It may
raise for a record, and can then be continued with the next one."""

Raw: TypeAlias = bytes | list[Any]
"""Raw records: bytes hold one record a line (no newline at the end), a list one an item."""


@dataclass(frozen=True, slots=True, order=True)
class Partition:
    """An independent, ordered part of a source: a file, a table, a topic partition."""

    source: str
    name: str

    def __str__(self) -> str:
        return f"{self.source}/{self.name}"

    def record(self, id: Id) -> str:
        """The full name of a record: ``SOURCE/PARTITION:OFFSET``."""
        return f"{self}:{id}"


@dataclass(frozen=True, slots=True)
class Rejection:
    """A record that goes to the dead letters.

    ``original`` is what the source read (bytes or a value), ``value`` what the stage was
    given where that is something else, ``traceback`` the text of the exception where one
    was raised.
    """

    id: Id
    stage: str
    reason: str
    original: Any
    value: Any = None
    traceback: str | None = None
    attempts: int = 1


@dataclass(slots=True)
class Chunk:
    """What one read of a partition gave: ``len(ids)`` raw records, and how to decode them.

    ``position`` is how far into its bytes the partition has now been read (of the file as it
    is stored, so that it can be held against its size), None where that has no meaning.
    ``rejected`` are records of this chunk that could not even be cut out of the input (their ids are
    not among ``ids``).
    """

    ids: Ids
    raw: Raw
    size: int
    decode: Decode
    position: int | None = None
    rejected: list[Rejection] = field(default_factory=list)


@dataclass(slots=True)
class Batch:
    """Records of one partition on their way.

    ``values`` are as many as ``ids``; while ``decode`` is set they are still raw. ``filtered``
    and ``rejected`` left the batch on its way and are settled when the sink commits it.
    ``read_at`` is in monotonic seconds, ``size`` in bytes of input.
    """

    partition: Partition
    number: int
    ids: Ids
    values: Raw
    size: int
    read_at: float
    decode: Decode | None = None
    originals: Originals | None = None
    filtered: list[Ids] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)

    def __len__(self) -> int:
        return self.ids.size


@dataclass(frozen=True, slots=True)
class Originals:
    """The raw records of a batch as they were read, for the dead letters."""

    ids: Ids
    raw: Raw

    def of(self, id: Id) -> Any:
        """What was read for a record (for a child: for the record it descends from)."""
        raws = self.raw.split(b"\n") if isinstance(self.raw, bytes) else self.raw
        for position, offset in enumerate(self.ids.offsets()):
            if offset == id.offset:
                return raws[position]
        return None
