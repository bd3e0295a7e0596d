"""The work of a batch stage: a function of many values, given whole batches."""

from __future__ import annotations

from dataclasses import replace

from pipeline.batch import Batch, Rejection
from pipeline.operators.batch import BatchOperator
from pipeline.operators.same import shared
from pipeline.stopwatch import Stopwatch
from pipeline.tasks.encoder import Encoder
from pipeline.tasks.work import Stateless, Tally, Teller, count, listed


class BatchWork(Stateless):
    """A function of many values, given whole batches."""

    def __init__(
        self, operator: BatchOperator, teller: Teller, encoder: Encoder | None, *, keep_originals: bool
    ) -> None:
        self.operator = operator
        self.teller = teller
        self.encoder = encoder
        self.keep_originals = keep_originals
        self.at = operator.name
        self.stages: tuple[str, ...] = (operator.name, *((encoder.stage,) if encoder is not None else ()))

    def run(self, batch: Batch, worker: int, watch: Stopwatch) -> list[Batch]:
        tallies = [Tally() for _ in self.stages]
        filtered = list(batch.filtered)
        letters: list[Rejection] = []
        values = listed(batch)
        tap = self.teller.tap
        trail = tap.trail(self.operator.name, batch.partition, batch.ids) if tap.on else None
        if trail is not None:
            trail.before(self.operator.name, batch.ids, values)
        outcome = self.operator.apply(batch.ids, values, batch.originals)
        if trail is not None:
            trail.after(outcome)
        if outcome.families:
            self.teller.ledger.fan_out(batch.partition, outcome.families)
        count(tallies[0], batch.ids.size, outcome, filtered, letters)
        tallies[0].shared = shared(outcome.values)
        made = replace(
            batch,
            ids=outcome.ids,
            values=outcome.values,
            filtered=filtered,
            rejected=[*batch.rejected, *letters],
        )
        now, tallies[0].busy = watch.lap()
        if self.encoder is not None:
            self.at = self.encoder.stage
            tap.at_output(self.at, made, trail)
            self.encoder.encode(made)
            now, tallies[1].busy = watch.lap()
            self.at = self.operator.name
        if not self.keep_originals:
            made.originals = None
        self.teller.worked(now, self.stages, tallies, batch, worker, watch)
        self.teller.rejected(now, batch, letters)
        return [made]
