"""What the ledger is kept in: a line of counts, a bag of ids, a family of children, a partition's book."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

from pyroaring import BitMap64

from pipeline.arrivals import Arrivals
from pipeline.batch import Partition
from pipeline.ids import Id, Ids

Fate = Literal["delivered", "filtered", "rejected"]


@dataclass(frozen=True, slots=True)
class Counts:
    """The ledger's line for one partition or for the whole run, in records read.

    ``since`` is when the oldest of those in flight was read, in monotonic seconds; None where none is.
    """

    read: int = 0
    delivered: int = 0
    filtered: int = 0
    rejected: int = 0
    in_flight: int = 0
    lost: int = 0
    duplicated: int = 0
    since: float | None = field(default=None, compare=False)

    def __add__(self, other: Counts) -> Counts:
        times = [each.since for each in (self, other) if each.since is not None]
        return Counts(
            self.read + other.read,
            self.delivered + other.delivered,
            self.filtered + other.filtered,
            self.rejected + other.rejected,
            self.in_flight + other.in_flight,
            self.lost + other.lost,
            self.duplicated + other.duplicated,
            min(times, default=None),
        )

    @property
    def balanced(self) -> bool:
        """Whether every record read has exactly one place."""
        return self.read == self.delivered + self.filtered + self.rejected + self.in_flight + self.lost


@dataclass(frozen=True, slots=True)
class Settled:
    """What one commit settled, in records read of one partition.

    ``unwritten`` is the change in the number of records that the sink was given and has not said it wrote.
    ``elsewhere`` are records of other partitions, which one of the batch stood for.
    """

    delivered: int
    filtered: int
    rejected: int
    unwritten: int = 0
    elsewhere: tuple[tuple[Partition, Settled], ...] = ()


@dataclass(slots=True)
class Family:
    """The children of one record that are not settled yet, and what became of the others."""

    open: set[int]
    delivered: bool = False
    rejected: bool = False

    def settle(self, fate: Fate) -> None:
        self.delivered |= fate == "delivered"
        self.rejected |= fate == "rejected"

    def fate(self) -> Fate:
        """One fate for the parent: a rejected child needs attention, so it weighs most."""
        if self.rejected:
            return "rejected"
        return "delivered" if self.delivered else "filtered"


class Bag:
    """A set of ids of one partition: plain offsets compressed, children by name."""

    __slots__ = ("children", "offsets")

    def __init__(self) -> None:
        self.offsets = BitMap64()
        self.children: set[Id] = set()

    def __len__(self) -> int:
        return len(self.offsets) + len(self.children)

    def add(self, ids: Ids) -> None:
        if ids.paths is None:
            for run in ids.runs:
                self.offsets.add_range(run.start, run.stop)
        else:
            for id in ids:
                self.offsets.add(id.offset) if not id.path else self.children.add(id)

    def discard(self, ids: Ids) -> None:
        if ids.paths is None:
            for run in ids.runs:
                self.offsets.remove_range(run.start, run.stop)
        else:
            for id in ids:
                self.offsets.discard(id.offset) if not id.path else self.children.discard(id)

    def origins(self) -> BitMap64:
        """The offsets of the records in it, and of those whose children are."""
        return self.offsets | BitMap64(child.offset for child in self.children)


@dataclass(slots=True)
class Book:
    """One partition's line, its open offsets, and the families and groups among them."""

    partition: Partition
    read: int = 0
    high: int = 0
    resumed: Counts = field(default_factory=Counts)
    duplicated: int = 0
    open: BitMap64 = field(default_factory=BitMap64)
    unread: BitMap64 = field(default_factory=BitMap64)
    """What an earlier run had read and left open, and this one has not read again yet."""
    fates: Counter[Fate] = field(default_factory=Counter)
    families: dict[Id, Family] = field(default_factory=dict)
    followers: dict[Id, dict[tuple[Partition, Id], None]] = field(default_factory=dict)
    unwritten: Bag = field(default_factory=Bag)
    arrivals: Arrivals = field(default_factory=Arrivals)

    def is_open(self, id: Id) -> bool:
        """Whether a record was read, or made out of one, and is not settled."""
        if not id.path:
            return id.offset in self.open
        parent_path, _, index = id.path.rpartition(".")
        family = self.families.get(Id(id.offset, parent_path))
        return family is not None and int(index) in family.open
