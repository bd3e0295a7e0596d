"""The ledger: where every record that was read is now, by id.

    read = delivered + filtered + rejected + in flight

For each partition one compressed bitmap holds the offsets that were read and are not settled
yet, so that memory follows what is in flight, not what was read. An offset that leaves the
bitmap is settled; one that is settled again, or was never read, is a duplicate; one that
is still there when a complete run has ended is lost. What a stage holds back and what lies
between two stages is kept by id as well, so that a lost record can be placed.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pyroaring import BitMap64

from pipeline.batch import Partition
from pipeline.ids import NO_IDS, Id, Ids

Fate = Literal["delivered", "filtered", "rejected"]

NAMES_KEPT = 1_000
"""How many lost and duplicated ids are named; the counts go on beyond it."""


@dataclass(frozen=True, slots=True)
class Counts:
    """The ledger's line for one partition or for the whole run, in records read."""

    read: int = 0
    delivered: int = 0
    filtered: int = 0
    rejected: int = 0
    in_flight: int = 0
    lost: int = 0
    duplicated: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.read + other.read,
            self.delivered + other.delivered,
            self.filtered + other.filtered,
            self.rejected + other.rejected,
            self.in_flight + other.in_flight,
            self.lost + other.lost,
            self.duplicated + other.duplicated,
        )

    @property
    def balanced(self) -> bool:
        """Whether every record read has exactly one place."""
        return self.read == self.delivered + self.filtered + self.rejected + self.in_flight + self.lost


@dataclass(frozen=True, slots=True)
class Settled:
    """What one commit settled, in records read."""

    delivered: int
    filtered: int
    rejected: int
    unwritten: int = 0


@dataclass(slots=True)
class _Family:
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


class _Bag:
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

    def has_offset(self, offset: int) -> bool:
        return offset in self.offsets or any(child.offset == offset for child in self.children)


@dataclass(slots=True)
class _Book:
    """One partition's line, its open offsets, and the families and groups among them."""

    partition: Partition
    read: int = 0
    duplicated: int = 0
    open: BitMap64 = field(default_factory=BitMap64)
    fates: Counter[Fate] = field(default_factory=Counter)
    families: dict[Id, _Family] = field(default_factory=dict)
    followers: dict[Id, list[tuple[Partition, Id]]] = field(default_factory=dict)
    unwritten: _Bag = field(default_factory=_Bag)


class Ledger:
    """Accounts for every record by id. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._books: dict[Partition, _Book] = {}
        self._between: dict[tuple[str, Partition, int], Ids] = {}
        self._held: dict[tuple[str, Partition], _Bag] = {}
        self._duplicates: list[str] = []
        self._closed = False

    # What the engine tells

    def read(self, partition: Partition, ids: Ids) -> None:
        """The source gave these records."""
        with self._lock:
            book = self._book(partition)
            for run in ids.runs:
                book.open.add_range(run.start, run.stop)
            book.read += ids.size

    def pass_on(self, stage: str, partition: Partition, number: int, ids: Ids) -> None:
        """These records of batch ``number`` are on their way to ``stage``."""
        key = (stage, partition, number)
        with self._lock:
            before = self._between.get(key)
            self._between[key] = ids if before is None else Ids.concat([before, ids])

    def take(self, stage: str, partition: Partition, number: int, ids: Ids) -> None:
        """``stage`` has taken these records of batch ``number``."""
        key = (stage, partition, number)
        with self._lock:
            expected = self._between.pop(key, NO_IDS)
            if expected == ids:
                return
            missing = Counter(expected)
            missing.subtract(ids)
            rest = Ids.named(sorted((+missing).elements()))
            if rest:
                self._between[key] = rest

    def fan_out(self, partition: Partition, parents: Sequence[tuple[Id, int]]) -> None:
        """Each parent goes on as so many children, ``0`` to ``n - 1``; telling it again changes nothing."""
        with self._lock:
            book = self._book(partition)
            for parent, children in parents:
                if parent.offset in book.open and parent not in book.families:
                    book.families[parent] = _Family(set(range(children)))

    def merge(self, partition: Partition, leader: Id, followers: Iterable[tuple[Partition, Id]]) -> None:
        """One record stands for others from now on; they share its fate."""
        with self._lock:
            self._book(partition).followers.setdefault(leader, []).extend(followers)

    def hold(self, stage: str, partition: Partition, ids: Ids) -> None:
        """``stage`` keeps these records back."""
        with self._lock:
            self._held.setdefault((stage, partition), _Bag()).add(ids)

    def release(self, stage: str, partition: Partition, ids: Ids) -> None:
        """``stage`` has given these records up, if it held them."""
        with self._lock:
            bag = self._held.get((stage, partition))
            if bag is not None:
                bag.discard(ids)

    def commit(
        self,
        partition: Partition,
        given: Ids,
        written: Iterable[Id],
        filtered: Iterable[Ids],
        rejected: Sequence[Id],
    ) -> Settled:
        """The sink was ``given`` records and has ``written`` some; the others left on the way.

        ``written is given`` says, at no cost, that each was written once.
        """
        with self._lock:
            book = self._book(partition)
            before = book.fates.copy()
            unwritten = len(book.unwritten)
            if written is given:
                self._settle(book, given, "delivered")
            else:
                self._settle_receipt(book, given, Counter(written))
            for ids in filtered:
                self._settle(book, ids, "filtered")
            for id in rejected:
                self._settle_one(book, id, "rejected")
            now = book.fates
            return Settled(
                now["delivered"] - before["delivered"],
                now["filtered"] - before["filtered"],
                now["rejected"] - before["rejected"],
                len(book.unwritten) - unwritten,
            )

    def close(self, *, complete: bool) -> None:
        """The run is over. After a complete one, what is still open is lost, not in flight."""
        with self._lock:
            self._closed = complete

    # What it can tell

    def counts(self) -> Counts:
        """The whole run's line."""
        with self._lock:
            return sum((self._line(book) for book in self._books.values()), Counts())

    def partitions(self) -> list[tuple[Partition, Counts]]:
        """Each partition's line, in the order in which they were first read."""
        with self._lock:
            return [(book.partition, self._line(book)) for book in self._books.values()]

    def watermark(self, partition: Partition) -> int | None:
        """The lowest offset that is read and not settled; None where all are."""
        with self._lock:
            open = self._book(partition).open
            return open.min() if open else None

    def lost_ids(self, limit: int = NAMES_KEPT) -> list[str]:
        """The names of the lost records, at most ``limit``: of a lost child, the child's."""
        names: list[str] = []
        with self._lock:
            for book in self._books.values():
                for offset in self._lost(book):
                    for id in self._open_leaves(book, Id(offset)):
                        if len(names) >= limit:
                            return names
                        names.append(book.partition.record(id))
        return names

    def duplicated_ids(self) -> list[str]:
        """The names of the first duplicated records, once for each time too many."""
        with self._lock:
            return list(self._duplicates)

    def lost_at(self, stage: str) -> int:
        """How many lost records were last seen held by ``stage`` or on their way to it."""
        with self._lock:
            if not self._closed:
                return 0
            held = sum(
                sum(1 for offset in self._lost(self._book(partition)) if bag.has_offset(offset))
                for (name, partition), bag in self._held.items()
                if name == stage and len(bag)
            )
            between = sum(ids.size for (name, _, _), ids in self._between.items() if name == stage)
            return held + between

    def unwritten(self) -> int:
        """How many records the sink was given and has not said it wrote."""
        with self._lock:
            return sum(len(book.unwritten) for book in self._books.values())

    # How it is kept; the lock is held

    def _book(self, partition: Partition) -> _Book:
        book = self._books.get(partition)
        if book is None:
            book = self._books[partition] = _Book(partition)
        return book

    def _line(self, book: _Book) -> Counts:
        lost = sum(1 for _ in book.unwritten.offsets) if not self._closed else len(book.open)
        return Counts(
            read=book.read,
            delivered=book.fates["delivered"],
            filtered=book.fates["filtered"],
            rejected=book.fates["rejected"],
            in_flight=len(book.open) - lost,
            lost=lost,
            duplicated=book.duplicated,
        )

    def _lost(self, book: _Book) -> BitMap64:
        return book.open if self._closed else book.unwritten.offsets

    def _settle(self, book: _Book, ids: Ids, fate: Fate) -> None:
        if ids.paths is not None or book.families or book.followers:
            for id in ids:
                self._settle_one(book, id, fate)
            return
        for run in ids.runs:
            open = book.open.range_cardinality(run.start, run.stop)
            if open != len(run):
                for offset in run:
                    if offset not in book.open:
                        self._duplicate(book, Id(offset))
            book.open.remove_range(run.start, run.stop)
            book.fates[fate] += open

    def _settle_receipt(self, book: _Book, given: Ids, written: Counter[Id]) -> None:
        """The sink wrote something other than what it was given."""
        for id in given:
            if written[id] == 0:
                book.unwritten.add(Ids.named([id]))
        for id, times in written.items():
            self._settle_one(book, id, "delivered")
            for _ in range(times - 1):
                self._duplicate(book, id)

    def _settle_one(self, book: _Book, id: Id, fate: Fate) -> None:
        for partition, follower in book.followers.pop(id, ()):
            self._settle_one(self._book(partition), follower, fate)
        if not id.path:
            if id.offset not in book.open or id in book.families:
                self._duplicate(book, id)
                return
            book.open.discard(id.offset)
            book.fates[fate] += 1
            return
        parent_path, _, index = id.path.rpartition(".")
        parent = Id(id.offset, parent_path)
        family = book.families.get(parent)
        if family is None or int(index) not in family.open:
            self._duplicate(book, id)
            return
        family.open.discard(int(index))
        family.settle(fate)
        if not family.open:
            del book.families[parent]
            self._settle_one(book, parent, family.fate())

    def _duplicate(self, book: _Book, id: Id) -> None:
        book.duplicated += 1
        if len(self._duplicates) < NAMES_KEPT:
            self._duplicates.append(book.partition.record(id))

    def _open_leaves(self, book: _Book, id: Id) -> Iterator[Id]:
        """The record itself, or those of its descendants that are not settled."""
        family = book.families.get(id)
        if family is None:
            yield id
            return
        for index in sorted(family.open):
            path = f"{id.path}.{index}" if id.path else str(index)
            yield from self._open_leaves(book, Id(id.offset, path))
