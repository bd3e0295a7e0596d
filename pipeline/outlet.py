"""The way out of a group of workers: puts batches into the next queue, in order."""

from __future__ import annotations

import threading
from collections import deque

from pipeline.batch import Batch
from pipeline.ledger import Ledger
from pipeline.queue import BatchQueue, Ticket

WINDOW_PER_WORKER = 4
"""How many batches a worker may be ahead of the slowest one before it waits."""


class Outlet:
    """Collects what workers made of each ticket and passes it on as the queue has room.

    With ``ordered`` the batches leave in the order of their tickets, so that the order within
    a partition is kept however many workers there are.
    """

    def __init__(
        self,
        stage: str,
        inlet: BatchQueue,
        queue: BatchQueue,
        ledger: Ledger,
        workers: int,
        *,
        ordered: bool = True,
    ) -> None:
        """Tickets come from ``inlet``; ``stage`` is the one that takes from ``queue``."""
        self._stage = stage
        self._inlet = inlet
        self._queue = queue
        self._ledger = ledger
        self._ordered = ordered
        self._window = WINDOW_PER_WORKER * workers if workers > 1 else 1
        self._changed = threading.Condition(threading.Lock())
        self._made: dict[Ticket, deque[Batch]] = {}
        self._passed: Ticket = 0
        self._extra = 0

    def offer(self, ticket: Ticket, batches: list[Batch]) -> None:
        """What became of a ticket."""
        with self._changed:
            self._made[ticket] = deque(batches)
            self._changed.notify_all()

    def append(self, batches: list[Batch]) -> None:
        """Batches behind all tickets: what was held until the end. The inlet must be finished."""
        with self._changed:
            self._made[self._inlet.tickets + self._extra] = deque(batches)
            self._extra += 1
            self._changed.notify_all()

    def pump(self) -> bool:
        """Pass on what can go; tells whether a worker may take another ticket."""
        with self._changed:
            full = self._pump()
            ahead = self._inlet.tickets - self._passed if self._ordered else len(self._made)
            return not full and ahead < self._window

    @property
    def empty(self) -> bool:
        """Whether every ticket that was taken has been passed on."""
        with self._changed:
            return not self._made and self._passed == self._inlet.tickets + self._extra

    def may_move(self) -> bool:
        """Whether a batch waits here that the queue has room for."""
        with self._changed:
            batches = self._made.get(self._head())
            return batches is not None and (not batches or self._queue.has_room(batches[0]))

    def wait(self, timeout: float) -> None:
        """Wait until something may move, at most ``timeout`` seconds."""
        with self._changed:
            batches = self._made.get(self._head())
            if not batches:
                self._changed.wait(timeout)
                return
            stuck = batches[0]
        self._queue.wait_for_room(stuck, timeout)

    def wake(self) -> None:
        """End every wait."""
        with self._changed:
            self._changed.notify_all()
        self._queue.wake()

    def close(self) -> None:
        """Nothing more will come."""
        self._queue.close()

    def _head(self) -> Ticket:
        return self._passed if self._ordered else next(iter(self._made), self._passed)

    def _pump(self) -> bool:
        """True where the queue is full."""
        while True:
            ticket = self._head()
            batches = self._made.get(ticket)
            if batches is None:
                return False
            while batches:
                batch = batches[0]
                if not self._queue.has_room(batch):
                    return True
                # Told before it is done, so that no taker can be ahead of the ledger.
                self._ledger.pass_on(self._stage, batch.partition, batch.number, batch.ids)
                self._queue.put(batch)
                batches.popleft()
            del self._made[ticket]
            self._passed += 1
            self._changed.notify_all()
