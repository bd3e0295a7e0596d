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
from contextlib import contextmanager
from itertools import islice

from pipeline.batch import Partition
from pipeline.checkpoint import Progress
from pipeline.ids import NO_IDS, Id, Ids
from pipeline.ledger_accounts import NAMES_KEPT, Accounts
from pipeline.ledger_books import Bag, Counts, Family, Fate, Settled


class Ledger:
    """Accounts for every record by id. Safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._accounts = Accounts()
        self._between: dict[tuple[str, Partition, int], Ids] = {}
        self._held: dict[tuple[str, Partition], Bag] = {}

    # What earlier runs have settled

    def resume(self, partition: Partition, progress: Progress) -> None:
        """An earlier run has settled these: they count as read, and will not be read again."""
        with self._lock:
            book = self._accounts.book(partition)
            book.high = progress.high
            book.unread = progress.open.copy()
            book.read = progress.settled
            book.fates.update(
                delivered=progress.delivered, filtered=progress.filtered, rejected=progress.rejected
            )
            book.resumed = self._accounts.line(book)

    def progress(self, partition: Partition, identity: str) -> Progress:
        """How far a partition has come, for a checkpoint."""
        with self._lock:
            book = self._accounts.book(partition)
            fates = book.fates
            return Progress(
                identity,
                book.high,
                book.open | book.unread,
                fates["delivered"],
                fates["filtered"],
                fates["rejected"],
            )

    def resumed(self, partition: Partition) -> Counts:
        """What of the partition's line was settled by earlier runs."""
        with self._lock:
            return self._accounts.book(partition).resumed

    @contextmanager
    def tentatively(self) -> Iterator[None]:
        """What is settled in here counts only if no exception comes out of it."""
        with self._lock:
            self._accounts.journal = {}
            self._accounts.settling = True
        try:
            yield
        except BaseException:
            with self._lock:
                for partition, (open, fates, duplicated) in self._accounts.journal.items():
                    book = self._accounts.books[partition]
                    book.open, book.fates, book.duplicated = open, fates, duplicated
            raise
        finally:
            with self._lock:
                self._accounts.settling = False

    def touched(self) -> list[Partition]:
        """The partitions of which something was settled since :meth:`tentatively` began."""
        with self._lock:
            return list(self._accounts.journal)

    # What the engine tells

    def read(self, partition: Partition, ids: Ids, at: float) -> None:
        """The source gave these records, at the time ``at`` (monotonic seconds)."""
        with self._lock:
            book = self._accounts.book(partition)
            for run in ids.runs:
                book.open.add_range(run.start, run.stop)
                if book.unread:
                    book.unread.remove_range(run.start, run.stop)
            book.read += ids.size
            if ids.runs:
                book.high = max(book.high, ids.runs[-1].stop)
            self._accounts.arrived(book, ids, at)

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

    def fan_out(self, partition: Partition, parents: Sequence[tuple[Id, int]]) -> Sequence[tuple[Id, int]]:
        """Each parent goes on as so many children, ``0`` to ``n - 1``.

        Telling it again changes nothing; returns those that were new.
        """
        with self._lock:
            book = self._accounts.book(partition)
            new = []
            for parent, children in parents:
                if parent not in book.families and book.is_open(parent):
                    book.families[parent] = Family(set(range(children)))
                    new.append((parent, children))
            return new

    def merge(self, partition: Partition, leader: Id, followers: Iterable[tuple[Partition, Id]]) -> int:
        """One record stands for others from now on; they share its fate.

        Telling it again changes nothing; returns how many followers were new.
        """
        with self._lock:
            book = self._accounts.book(partition)
            if not book.is_open(leader):
                return 0
            known = book.followers.setdefault(leader, {})
            before = len(known)
            known.update(dict.fromkeys(followers))
            if any(other != partition for other, _ in known):
                self._accounts.merged_across = True
            return len(known) - before

    def followers(self, partition: Partition, leader: Id) -> tuple[str, ...]:
        """The names of the records that share this one's fate where it is rejected: those that were merged
        into it or into a record that it came from, and into those in turn."""
        with self._lock:
            return tuple(dict.fromkeys(self._accounts.following(partition, leader)))

    def hold(self, stage: str, partition: Partition, ids: Ids) -> None:
        """``stage`` keeps these records back."""
        with self._lock:
            self._held.setdefault((stage, partition), Bag()).add(ids)

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
            book = self._accounts.book(partition)
            before = book.fates.copy()
            others = [
                other
                for other in self._accounts.books.values()
                if self._accounts.merged_across and other is not book
            ]
            others_before = [other.fates.copy() for other in others]
            unwritten = len(book.unwritten)
            if written is given:
                self._accounts.settle(book, given, "delivered")
            else:
                self._accounts.settle_receipt(book, given, Counter(written))
            for ids in filtered:
                self._accounts.settle(book, ids, "filtered")
            for id in rejected:
                self._accounts.settle_one(book, id, "rejected")
            elsewhere = tuple(
                (other.partition, _difference(other.fates, fates))
                for other, fates in zip(others, others_before, strict=True)
                if other.fates != fates
            )
            return _difference(book.fates, before, len(book.unwritten) - unwritten, elsewhere)

    def close(self, *, complete: bool) -> None:
        """The run is over. After a complete one, what is still open is lost, not in flight."""
        with self._lock:
            self._accounts.closed = complete

    # What it can tell

    def counts(self) -> Counts:
        """The whole run's line."""
        with self._lock:
            return sum((self._accounts.line(book) for book in self._accounts.books.values()), Counts())

    def partitions(self) -> list[tuple[Partition, Counts]]:
        """Each partition's line, in the order in which they were first read."""
        with self._lock:
            return [(book.partition, self._accounts.line(book)) for book in self._accounts.books.values()]

    def watermark(self, partition: Partition) -> int | None:
        """The lowest offset that is read and not settled; None where all are."""
        with self._lock:
            open = self._accounts.book(partition).open
            return open.min() if open else None

    def lost_ids(self, limit: int = NAMES_KEPT) -> list[str]:
        """The names of the lost records, at most ``limit``: of a lost child, the child's."""
        names: list[str] = []
        with self._lock:
            for book in self._accounts.books.values():
                for offset in self._accounts.lost(book):
                    for id in self._accounts.open_leaves(book, Id(offset)):
                        if len(names) >= limit:
                            return names
                        names.append(book.partition.record(id))
        return names

    def open_ids(self, limit: int = NAMES_KEPT) -> list[str]:
        """The names of the first records that are read and not settled, at most ``limit``."""
        with self._lock:
            opened = (
                book.partition.record(id)
                for book in self._accounts.books.values()
                for offset in book.open
                for id in self._accounts.open_leaves(book, Id(offset))
            )
            return list(islice(opened, limit))

    def whereabouts(self) -> tuple[Counter[str], Counter[str]]:
        """By stage, how many records are on their way to it, and how many it holds."""
        waiting: Counter[str] = Counter()
        held: Counter[str] = Counter()
        with self._lock:
            for (stage, _, _), ids in self._between.items():
                waiting[stage] += ids.size
            for (stage, _), bag in self._held.items():
                held[stage] += len(bag)
        return waiting, held

    def duplicated_ids(self) -> list[str]:
        """The names of the first duplicated records, once for each time too many."""
        with self._lock:
            return list(self._accounts.duplicates)

    def lost_at(self, stage: str) -> int:
        """How many lost records were last seen held by ``stage`` or on their way to it."""
        with self._lock:
            if not self._accounts.closed:
                return 0
            held = sum(
                self._accounts.lost(self._accounts.book(partition)).intersection_cardinality(bag.origins())
                for (name, partition), bag in self._held.items()
                if name == stage and len(bag)
            )
            between = sum(ids.size for (name, _, _), ids in self._between.items() if name == stage)
            return held + between

    def unwritten(self) -> int:
        """How many records the sink was given and has not said it wrote."""
        with self._lock:
            return sum(len(book.unwritten) for book in self._accounts.books.values())


def _difference(
    now: Counter[Fate],
    before: Counter[Fate],
    unwritten: int = 0,
    elsewhere: tuple[tuple[Partition, Settled], ...] = (),
) -> Settled:
    return Settled(
        now["delivered"] - before["delivered"],
        now["filtered"] - before["filtered"],
        now["rejected"] - before["rejected"],
        unwritten,
        elsewhere,
    )
