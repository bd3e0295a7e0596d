"""The ledger's accounts: settling records, their children, and what was merged into them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from pyroaring import BitMap64

from pipeline.batch import Partition
from pipeline.ids import Id, Ids
from pipeline.ledger_books import Book, Counts, Fate

NAMES_KEPT = 1_000
"""How many lost and duplicated ids are named; the counts go on beyond it."""


class Accounts:
    """All books of a run. Not safe to use from several threads: the ledger holds its lock."""

    def __init__(self) -> None:
        self.books: dict[Partition, Book] = {}
        self.duplicates: list[str] = []
        """The names of the first duplicated records, once for each time too many."""
        self.merged_across = False
        """Whether records were merged into those of another partition."""
        self.closed = False
        """Whether what is still open is lost."""
        self.journal: dict[Partition, tuple[BitMap64, Counter[Fate], int]] = {}
        """How the books stood that were touched since the last commit began."""
        self.settling = False
        """Whether a commit has begun that may still be taken back."""

    def book(self, partition: Partition) -> Book:
        """The book of a partition, made where there is none yet."""
        book = self.books.get(partition)
        if book is None:
            book = self.books[partition] = Book(partition)
        return book

    def line(self, book: Book) -> Counts:
        """Its line of counts."""
        lost = len(self.lost(book))
        return Counts(
            read=book.read,
            delivered=book.fates["delivered"],
            filtered=book.fates["filtered"],
            rejected=book.fates["rejected"],
            in_flight=len(book.open) - lost,
            lost=lost,
            duplicated=book.duplicated,
            since=book.arrivals.oldest(book.open - self.lost(book) if lost else book.open),
        )

    def arrived(self, book: Book, ids: Ids, at: float) -> None:
        """These were read at the time ``at``."""
        # What a commit has settled may come back while it can be taken back.
        if book.arrivals.add(ids, at) and not self.settling:
            book.arrivals.tidy(book.open)

    def lost(self, book: Book) -> BitMap64:
        """The offsets that are lost by now."""
        return book.open if self.closed else book.unwritten.offsets

    def touch(self, book: Book) -> None:
        """Keep how a book stands before something in it is settled."""
        if book.partition not in self.journal:
            self.journal[book.partition] = (book.open.copy(), book.fates.copy(), book.duplicated)

    def settle(self, book: Book, ids: Ids, fate: Fate) -> None:
        """These records have come to their end."""
        self.touch(book)
        if ids.paths is not None or book.families or book.followers:
            for id in ids:
                self.settle_one(book, id, fate)
            return
        for run in ids.runs:
            open = book.open.range_cardinality(run.start, run.stop)
            if open != len(run):
                for offset in run:
                    if offset not in book.open:
                        self.duplicate(book, Id(offset))
            book.open.remove_range(run.start, run.stop)
            book.fates[fate] += open
        if book.unwritten:
            book.unwritten.discard(ids)

    def settle_receipt(self, book: Book, given: Ids, written: Counter[Id]) -> None:
        """The sink wrote something other than what it was given."""
        self.touch(book)
        for id in given:
            if written[id] == 0 and id not in book.families and book.is_open(id):
                book.unwritten.add(Ids.named([id]))
        for id, times in written.items():
            self.settle_one(book, id, "delivered")
            for _ in range(times - 1):
                self.duplicate(book, id)

    def settle_one(self, book: Book, id: Id, fate: Fate) -> None:
        """So has this one, and what was merged into it, and its parent if it was the last child."""
        self.touch(book)
        if id in book.families or not book.is_open(id):
            self.duplicate(book, id)
            return
        for partition, follower in book.followers.pop(id, ()):
            self.settle_one(self.book(partition), follower, fate)
        if book.unwritten:
            book.unwritten.discard(Ids.named([id]))
        if not id.path:
            book.open.discard(id.offset)
            book.fates[fate] += 1
            return
        parent_path, _, index = id.path.rpartition(".")
        parent = Id(id.offset, parent_path)
        family = book.families[parent]
        family.open.discard(int(index))
        family.settle(fate)
        if not family.open:
            del book.families[parent]
            self.settle_one(book, parent, family.fate())

    def following(self, partition: Partition, leader: Id) -> Iterator[str]:
        """The names of what shares a record's fate where it is rejected."""
        book = self.book(partition)
        if not book.followers:
            return
        for origin in leader.lineage():
            for other, id in book.followers.get(origin, ()):
                yield other.record(id)
                yield from self.following(other, id)

    def duplicate(self, book: Book, id: Id) -> None:
        """A record came to its end once more, or was never read."""
        book.duplicated += 1
        if len(self.duplicates) < NAMES_KEPT:
            self.duplicates.append(book.partition.record(id))

    def open_leaves(self, book: Book, id: Id) -> Iterator[Id]:
        """The record itself, or those of its descendants that are not settled."""
        family = book.families.get(id)
        if family is None:
            yield id
            return
        for index in sorted(family.open):
            path = f"{id.path}.{index}" if id.path else str(index)
            yield from self.open_leaves(book, Id(id.offset, path))
