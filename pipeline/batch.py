"""What travels through a pipeline: batches of records of one partition."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from pipeline.ids import Id, Ids

Decode: TypeAlias = Callable[[list[Any]], Iterator[Any]]
"""Raw records in, an iterator of values out: one value for each raw record, in order. It may
raise for a record, and can then be continued with the next one."""

Raw: TypeAlias = bytes | list[Any]
"""Raw records: bytes hold one record a line (no newline at the end), a list one an item."""

Cut: TypeAlias = Callable[[list[Any], int], tuple[list[Any], list[Any]] | None]
"""Payloads, and a number of values: the payloads of the first so many, and those of the others. None where
that cannot be told."""


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
    was raised. ``whole`` tells that ``original`` is the record, not just its head or what a stage
    made of it. ``stands_for`` names the records that were merged into this one and share its fate.
    """

    id: Id
    stage: str
    reason: str
    original: Any
    value: Any = None
    traceback: str | None = None
    attempts: int = 1
    whole: bool = True
    stands_for: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Glance:
    """A record that a stage was given, as text, where somebody looks; what becomes of it is not known yet."""

    stage: str
    partition: Partition
    id: Id
    before: str
    followed: bool


@dataclass(slots=True)
class Chunk:
    """What one read of a partition gave: ``len(ids)`` raw records, and how to decode them.

    ``position`` is how far into its bytes the partition has now been read (of the file as it
    is stored, so that it can be held against its size), None where that has no meaning.
    ``rejected`` are records of this chunk that could not even be cut out of the input (their ids are
    not among ``ids``). ``identity`` is what tells the partition from another one by now, where reading
    has shown more of it than :meth:`~pipeline.sources.base.Source.identify` knew.
    """

    ids: Ids
    raw: Raw
    size: int
    decode: Decode
    position: int | None = None
    rejected: list[Rejection] = field(default_factory=list)
    identity: str | None = None

    @property
    def empty(self) -> bool:
        """Whether there is nothing in it: a source that grows says so that it has nothing yet."""
        return not self.ids and not self.rejected and self.identity is None


class Originals:
    """The raw records of a batch as they were read, for the dead letters."""

    __slots__ = ("_ids", "_positions", "_raw")

    def __init__(self, ids: Ids, raw: Raw) -> None:
        self._ids = ids
        self._raw = raw
        self._positions: dict[int, int] | None = None

    def of(self, id: Id) -> Any:
        """What was read for a record (for a child: for the record it descends from), else None."""
        if isinstance(self._raw, bytes):
            self._raw = self._raw.split(b"\n")
        if len(self._ids.runs) == 1:
            position: int | None = id.offset - self._ids.runs[0].start
        else:
            if self._positions is None:
                self._positions = {offset: at for at, offset in enumerate(self._ids.offsets())}
            position = self._positions.get(id.offset)
        return self._raw[position] if position is not None and 0 <= position < len(self._raw) else None


@dataclass(slots=True)
class Batch:
    """Records of one partition on their way.

    ``values`` are as many as ``ids``; while ``decode`` is set they are still raw. ``filtered``
    and ``rejected`` left the batch on its way and are settled when the sink commits it.
    ``read_at`` is in monotonic seconds, ``size`` in bytes of input. ``payloads`` is what the
    sink's ``encode`` made of the values, slice by slice, None before that; ``refused`` are
    the positions that it could not take, with the rejection of each. ``glances`` are looks at records of
    it on their way into the sink. ``state`` is what a stage remembers once all up to this batch is settled.
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
    payloads: list[Any] | None = None
    refused: dict[int, Rejection] = field(default_factory=dict)
    glances: list[Glance] = field(default_factory=list)
    state: bytes | None = None

    def __len__(self) -> int:
        return self.ids.size

    def release(self) -> None:
        """Let go of the records; what remains are their ids and what left the batch on its way."""
        self.values = []
        self.payloads = None
        self.originals = None

    def split(self, records: int, cut: Cut | None = None) -> tuple[Batch, Batch] | None:
        """The first ``records`` records, and the rest, which keeps what has left the batch so far.

        Both carry the same number. A batch of which only payloads are left is split by ``cut``; None where
        that cannot be done. Where it has its values still, they are to be encoded again.
        """
        if not 0 < records < len(self):
            raise ValueError(f"cannot cut {records} records off a batch of {len(self)}")
        head_raw, rest_raw = cut_raw(self.values, records) if self.values else ([], [])
        head_payloads = rest_payloads = None
        if self.payloads is not None and not self.values:
            refused_before = sum(position < records for position in self.refused)
            parts = cut(self.payloads, records - refused_before) if cut is not None else None
            if parts is None:
                return None
            head_payloads, rest_payloads = parts
        head_size = self.size * records // len(self)
        head = replace(
            self,
            ids=self.ids.cut(0, records),
            values=head_raw,
            size=head_size,
            filtered=[],
            rejected=[],
            state=None,
            payloads=head_payloads,
            refused={at: letter for at, letter in self.refused.items() if at < records},
        )
        rest = replace(
            self,
            ids=self.ids.cut(records, len(self)),
            values=rest_raw,
            size=self.size - head_size,
            payloads=rest_payloads,
            refused={at - records: letter for at, letter in self.refused.items() if at >= records},
        )
        return head, rest


def cut_raw(raw: Raw, records: int) -> tuple[Raw, Raw]:
    """The first ``records`` raw records (fewer than there are), and the others."""
    if isinstance(raw, bytes):
        lines = raw.split(b"\n", records)
        return b"\n".join(lines[:records]), lines[records]
    return raw[:records], raw[records:]
