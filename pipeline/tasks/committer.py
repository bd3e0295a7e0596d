"""Settles what the sink has, in groups: rows, dead letters and progress become final together.

The order is what makes a crash harmless. Rows and dead letters reach the disk first, then the
progress that speaks of them is stored, in one transaction; only then do the records count
as settled. A crash before that leaves a tail behind the length that the progress names, and the
next run cuts it off.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from pipeline.batch import Batch, Partition, Rejection
from pipeline.checkpoint import Checkpoint, CheckpointStore, Progress, now_text
from pipeline.clock import Clock
from pipeline.dead_letters import DeadLetters
from pipeline.events import BatchCommitted, EventBus
from pipeline.failpoints import passing
from pipeline.ledger import Ledger
from pipeline.ledger_books import Settled
from pipeline.rejection_limit import RejectionLimit
from pipeline.replay import Replay
from pipeline.sinks.base import Sink
from pipeline.tasks.delivery import Delivered


class Committer:
    """Opens the sink and the dead letters, commits, and closes them. Without a store each batch is final
    as soon as the sink has it."""

    def __init__(
        self,
        sink: Sink,
        dead_letters: DeadLetters,
        *,
        ledger: Ledger,
        bus: EventBus,
        clock: Clock,
        store: CheckpointStore | None,
        checkpoint: Checkpoint | None,
        identities: Mapping[Partition, str],
        limit: RejectionLimit | None = None,
        replay: Replay | None = None,
        saving: str | None = None,
    ) -> None:
        """``checkpoint`` is where an earlier run stood, None to begin anew. A ``replay`` is one commit.
        ``saving`` is the stage whose state is a part of each commit."""
        self._sink = sink
        self._dead_letters = dead_letters
        self._ledger = ledger
        self._bus = bus
        self._clock = clock
        self._store = store
        self._checkpoint = checkpoint
        self._identities = identities
        self._limit = limit
        self._replay = replay
        self._saving = saving
        self._states = checkpoint.states if checkpoint is not None else {}
        self._repeated = checkpoint.repeated if checkpoint is not None else {}
        self._intends = store is not None and replay is None and sink.guarantee == "at least once"
        self._saved: dict[Partition, str] = {}
        self._since = 0.0
        self._opened = False
        self.pending: list[Delivered] = []

    def open(self) -> None:
        """Begin anew, or go on where the checkpoint says."""
        before = self._checkpoint
        if before is None:
            self._dead_letters.open()
        else:
            self._dead_letters.resume(before.dead_letters, before.generation)
        if before is None or before.sink is None:
            self._sink.open()
        else:
            self._sink.resume(before.sink)
        if self._store is not None:
            self._store.open()
        self._opened = True

    def intend(self, batch: Batch) -> None:
        """A batch is about to be given to the sink: where that may happen twice, it is noted first."""
        if self._intends and self._store is not None and batch.ids:
            self._store.intend(batch.partition, batch.ids)

    def add(self, delivered: Delivered) -> None:
        """The sink has this batch; it is committed with the next group."""
        if not self.pending:
            self._since = self._clock.monotonic()
        # Until then only the ids count; the records themselves are let go of.
        delivered.batch.release()
        self.pending.append(delivered)

    def abandon(self) -> None:
        """The sink has failed: let the next run write again what is not committed.

        A database on a full disk may have rolled back not just the batch at hand but all since the last
        commit, so that progress must no longer speak of these.
        """
        self.pending.clear()

    def due(self, *, at_once: bool = False) -> bool:
        """Whether it is time to commit; ``at_once`` asks for it now."""
        if not self.may_commit or self._replay is not None:
            return False
        if at_once or self._store is None or self._sink.ready():
            return True
        return self._clock.monotonic() - self._since >= self._sink.commit_every_s

    def due_in(self, timeout: float) -> float:
        """Seconds until it is time to commit; ``timeout`` if nothing is pending."""
        if not self.may_commit or self._replay is not None:
            return timeout
        return max(0.0, self._since + self._sink.commit_every_s - self._clock.monotonic())

    @property
    def may_commit(self) -> bool:
        """Whether all that the sink has can be committed: only together with the state that goes with it."""
        if not self.pending:
            return False
        return self._saving is None or self.pending[-1].batch.state is not None

    def commit(self) -> None:
        """Make everything that is pending final. Raises SinkError; then nothing of it counts."""
        if not self.may_commit:
            return
        group, self.pending = self.pending, []
        if self._saving is not None and (state := group[-1].batch.state) is not None:
            self._states = {self._saving: state}
        for delivered in group:
            partition = delivered.batch.partition
            self._dead_letters.write(partition, self._with_followers(partition, delivered.letters))
        with self._ledger.tentatively():
            settled = [self._settle(delivered) for delivered in group]
            if self._store is not None:
                self._save(self._store)
        now = self._clock.monotonic()
        for delivered, each in zip(group, settled, strict=True):
            self._tell(now, delivered, delivered.batch.partition, each, delivered.rows)
            for partition, part in each.elsewhere:
                self._tell(now, delivered, partition, part, rows=0)
        passing("acknowledged")
        if self._limit is not None:
            self._check_limit(self._limit, group)

    def close(self) -> None:
        """Commit what the sink has, also when the run was stopped, and close everything."""
        try:
            if self._opened and self.pending:
                self.commit()
        finally:
            try:
                self._sink.close()
            finally:
                self._dead_letters.close()
                if self._store is not None:
                    self._store.close()

    def _tell(
        self, now: float, delivered: Delivered, partition: Partition, settled: Settled, rows: int
    ) -> None:
        self._bus.emit(
            BatchCommitted(
                at=now,
                partition=partition,
                number=delivered.batch.number,
                delivered=settled.delivered,
                filtered=settled.filtered,
                rejected=settled.rejected,
                rows=rows,
                latency_s=max(0.0, now - delivered.batch.read_at),
            )
        )

    def _settle(self, delivered: Delivered) -> Settled:
        return self._ledger.commit(
            delivered.batch.partition,
            delivered.given,
            delivered.written,
            delivered.batch.filtered,
            [letter.id for letter in delivered.letters],
        )

    def _save(self, store: CheckpointStore) -> None:
        passing("written")
        identities = dict(self._identities)
        # A file that was found is known from then on, also before a record of it is settled.
        found = [each for each, identity in identities.items() if self._saved.get(each) != identity]
        progress = {
            partition: self._progress(partition, identities.get(partition, ""))
            for partition in dict.fromkeys([*self._ledger.touched(), *found])
        }
        note = self._sink.flush()
        length = self._dead_letters.flush()
        passing("flushed")
        generation, now = self._dead_letters.generation, now_text(self._clock.wall())
        store.save(Checkpoint(progress, note, length, generation, now, self._states, self._repeated))
        self._saved = identities
        passing("committed")
        self._dead_letters.committed()

    def _progress(self, partition: Partition, identity: str) -> Progress:
        now = self._ledger.progress(partition, identity)
        return now if self._replay is None else self._replay.progress(partition, now)

    def _check_limit(self, limit: RejectionLimit, group: Sequence[Delivered]) -> None:
        for delivered in group:
            limit.count(delivered.letters)
        resumed = sum(self._ledger.resumed(each).rejected for each, _ in self._ledger.partitions())
        limit.check(self._ledger.counts(), resumed)

    def _with_followers(self, partition: Partition, letters: Sequence[Rejection]) -> list[Rejection]:
        """A rejected record that others were merged into takes them along: their names must not be lost."""
        named = [(letter, self._ledger.followers(partition, letter.id)) for letter in letters]
        return [replace(letter, stands_for=others) if others else letter for letter, others in named]
