"""The work of a stage with a memory: what it gives up may come from batches taken earlier."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace

from pipeline.batch import Batch, Partition
from pipeline.ids import NO_IDS, Id, Ids
from pipeline.operators.same import shared
from pipeline.operators.stateful import Released, StatefulOperator
from pipeline.stages import Family
from pipeline.stopwatch import Stopwatch
from pipeline.tasks.encoder import Encoder
from pipeline.tasks.saver import StateSaver
from pipeline.tasks.work import Tally, Teller, listed


class StatefulWork:
    """A stage with a memory: what it gives up may come from batches taken earlier."""

    def __init__(
        self,
        operator: StatefulOperator,
        teller: Teller,
        encoder: Encoder | None,
        numbers: Iterator[int],
        saver: StateSaver | None = None,
    ) -> None:
        """``saver`` is there where what the stage remembers is to be saved."""
        self.operator = operator
        self.teller = teller
        self.encoder = encoder
        self.numbers = numbers
        self.saver = saver
        self._last: Batch | None = None
        """The last batch that came, without its records, where no state tells of it yet."""
        self._record_bytes = 0
        self.at = operator.name
        self.stages: tuple[str, ...] = (operator.name, *((encoder.stage,) if encoder is not None else ()))

    def open(self) -> None:
        self.operator.open()
        if self.saver is not None:
            self.saver.restore()

    def close(self) -> None:
        self.operator.close()

    def run(self, batch: Batch, worker: int, watch: Stopwatch) -> list[Batch]:
        self.teller.ledger.hold(self.operator.name, batch.partition, batch.ids)
        batch.values = listed(batch)
        if batch.ids:
            self._record_bytes = batch.size // batch.ids.size
        tap = self.teller.tap
        trail = tap.trail(self.operator.name, batch.partition, batch.ids) if tap.on else None
        if trail is not None:
            trail.before(self.operator.name, batch.ids, batch.values)
        groups = self.operator.process(batch)
        if tap.on:
            tap.gave_up(self.operator.name, trail, groups)
        made, created = self._batches(groups)
        if batch.filtered or batch.rejected:
            self._join(batch, made)
        if self.saver is None:
            if batch.state is not None:
                made = made or [_emptied(batch)]
                made[-1].state = batch.state
        else:
            self._last = _emptied(batch)
            if self.saver.due():
                self._attach_state(made, self.saver)
        return self._told(batch, groups, made, created, worker, watch)

    def flush(self, worker: int, watch: Stopwatch) -> list[Batch]:
        watch.start()
        groups = self.operator.flush()
        if self.teller.tap.on:
            self.teller.tap.gave_up(self.operator.name, None, groups)
        made, created = self._batches(groups)
        if self.saver is not None:
            self._attach_state(made, self.saver)
        return self._told(None, groups, made, created, worker, watch)

    def _attach_state(self, made: list[Batch], saver: StateSaver) -> None:
        """The last batch that goes on carries it."""
        if not made and self._last is not None:
            made.append(self._last)
        if made:
            made[-1].state = saver.take()
        self._last = None

    def _join(self, batch: Batch, made: list[Batch]) -> None:
        """What left the batch before it came here is settled with what is given up of it now.

        A record of which some children were rejected is so committed as a whole; where nothing is given up,
        what was rejected is settled with an empty batch of its own.
        """
        for each in made:
            if (each.partition, each.read_at) == (batch.partition, batch.read_at):
                each.filtered = [*batch.filtered, *each.filtered]
                each.rejected = [*batch.rejected, *each.rejected]
                return
        made.append(replace(batch, ids=NO_IDS, values=[], size=0, originals=None))

    def _batches(self, groups: list[Released]) -> tuple[list[Batch], int]:
        """The batches that go on, and how many more records there are now than were taken for them."""
        ledger = self.teller.ledger
        made = []
        created = 0
        for group in groups:
            created += self._trace(group)
            left = [*group.ids, *group.filtered, *(letter.id for letter in group.rejected)]
            ledger.release(self.operator.name, group.partition, Ids.named(sorted(left)))
            made.append(
                Batch(
                    group.partition,
                    next(self.numbers),
                    group.ids,
                    group.values,
                    self._record_bytes * group.ids.size,
                    group.read_at,
                    filtered=[group.filtered] if group.filtered else [],
                    rejected=group.rejected,
                )
            )
        return made, created

    def _trace(self, group: Released) -> int:
        """Tell the ledger which records were made of which, and that the stage holds those now instead."""
        if not group.lineage:
            return 0
        ledger = self.teller.ledger
        stage = self.operator.name
        families: dict[Partition, list[tuple[Id, int]]] = defaultdict(list)
        followers: dict[Partition, list[Id]] = defaultdict(list)
        created = 0
        for fact in group.lineage:
            if isinstance(fact, Family):
                families[fact.partition].append((fact.parent, fact.children))
        for partition, parents in families.items():
            new = ledger.fan_out(partition, parents)
            children = [parent.child(index) for parent, count in new for index in range(count)]
            ledger.hold(stage, partition, Ids.named(children))
            ledger.release(stage, partition, Ids.named(sorted(parent for parent, _ in new)))
            created += len(children) - len(new)
        for fact in group.lineage:
            if not isinstance(fact, Family):
                created -= ledger.merge(fact.partition, fact.leader, fact.followers)
                for partition, follower in fact.followers:
                    followers[partition].append(follower)
        for partition, ids in followers.items():
            ledger.release(stage, partition, Ids.named(sorted(ids)))
        return created

    def _told(
        self,
        batch: Batch | None,
        groups: list[Released],
        made: list[Batch],
        created: int,
        worker: int,
        watch: Stopwatch,
    ) -> list[Batch]:
        tallies = [Tally() for _ in self.stages]
        tally = tallies[0]
        tally.taken = batch.ids.size if batch is not None else 0
        tally.given = sum(group.ids.size for group in groups)
        tally.filtered = sum(group.filtered.size for group in groups)
        tally.rejected = sum(len(group.rejected) for group in groups)
        tally.created = created
        tally.shared = sum(shared(group.values) for group in groups)
        gone = tally.given + tally.filtered + tally.rejected
        tally.held = tally.taken + tally.created - gone
        now, tally.busy = watch.lap()
        if self.encoder is not None:
            self.at = self.encoder.stage
            for each in made:
                self.teller.tap.at_output(self.at, each)
                self.encoder.encode(each)
            now, tallies[1].busy = watch.lap()
            self.at = self.operator.name
        self.teller.worked(now, self.stages, tallies, batch, worker, watch)
        for group, each in zip(groups, made, strict=False):
            self.teller.rejected(now, each, group.rejected)
        return made


def _emptied(batch: Batch) -> Batch:
    return replace(batch, ids=NO_IDS, values=[], size=0, originals=None, filtered=[], rejected=[], glances=[])
