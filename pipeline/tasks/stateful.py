"""The work of a stage with a memory: what it gives up may come from batches taken earlier."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pipeline.batch import Batch
from pipeline.ids import NO_IDS
from pipeline.operators.stateful import Released, StatefulOperator
from pipeline.stopwatch import Stopwatch
from pipeline.tasks.encoder import Encoder
from pipeline.tasks.work import Tally, Teller, listed


class StatefulWork:
    """A stage with a memory: what it gives up may come from batches taken earlier."""

    def __init__(
        self, operator: StatefulOperator, teller: Teller, encoder: Encoder | None, numbers: Iterator[int]
    ) -> None:
        self._operator = operator
        self._teller = teller
        self._encoder = encoder
        self._numbers = numbers
        self._record_bytes = 0
        self.at = operator.name
        self.stages: tuple[str, ...] = (operator.name, *((encoder.stage,) if encoder is not None else ()))

    def open(self) -> None:
        self._operator.open()

    def close(self) -> None:
        self._operator.close()

    def run(self, batch: Batch, worker: int, watch: Stopwatch) -> list[Batch]:
        self._teller.ledger.hold(self._operator.name, batch.partition, batch.ids)
        batch.values = listed(batch)
        if batch.ids:
            self._record_bytes = batch.size // batch.ids.size
        groups = self._operator.process(batch)
        made = self._batches(groups)
        if batch.filtered or batch.rejected:
            # What left this batch before it came here is settled with an empty batch of its own.
            made.append(replace(batch, ids=NO_IDS, values=[], size=0, originals=None))
        return self._told(batch, groups, made, worker, watch)

    def flush(self, worker: int, watch: Stopwatch) -> list[Batch]:
        watch.start()
        groups = self._operator.flush()
        return self._told(None, groups, self._batches(groups), worker, watch)

    def _batches(self, groups: list[Released]) -> list[Batch]:
        ledger = self._teller.ledger
        made = []
        for group in groups:
            if group.families:
                ledger.fan_out(group.partition, group.families)
            for leader, followers in group.merges:
                ledger.merge(group.partition, leader, followers)
            for partition, ids in group.left().items():
                ledger.release(self._operator.name, partition, ids)
            made.append(
                Batch(
                    group.partition,
                    next(self._numbers),
                    group.ids,
                    group.values,
                    self._record_bytes * group.ids.size,
                    group.read_at,
                    filtered=[group.filtered] if group.filtered else [],
                    rejected=group.rejected,
                )
            )
        return made

    def _told(
        self,
        batch: Batch | None,
        groups: list[Released],
        made: list[Batch],
        worker: int,
        watch: Stopwatch,
    ) -> list[Batch]:
        tallies = [Tally() for _ in self.stages]
        tally = tallies[0]
        tally.taken = batch.ids.size if batch is not None else 0
        tally.given = sum(group.ids.size for group in groups)
        tally.filtered = sum(group.filtered.size for group in groups)
        tally.rejected = sum(len(group.rejected) for group in groups)
        tally.created = sum(group.created for group in groups)
        gone = tally.given + tally.filtered + tally.rejected
        tally.held = tally.taken + tally.created - gone
        now, tally.busy = watch.lap()
        if self._encoder is not None:
            for each in made:
                self._encoder.encode(each)
            now, tallies[1].busy = watch.lap()
        self._teller.worked(now, self.stages, tallies, batch, worker, watch)
        for group, each in zip(groups, made, strict=False):
            self._teller.rejected(now, each, group.rejected)
        return made
