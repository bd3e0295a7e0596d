"""The work of a batch stage: a function of many values, given whole batches."""

from __future__ import annotations

from dataclasses import replace

from pipeline.batch import Batch, Rejection
from pipeline.operators.batch import BatchOperator
from pipeline.stopwatch import Stopwatch
from pipeline.tasks.encoder import Encoder
from pipeline.tasks.work import Stateless, Tally, Teller, count, listed


class BatchWork(Stateless):
    """A function of many values, given whole batches."""

    def __init__(
        self, operator: BatchOperator, teller: Teller, encoder: Encoder | None, *, keep_originals: bool
    ) -> None:
        self._operator = operator
        self._teller = teller
        self._encoder = encoder
        self._keep_originals = keep_originals
        self.at = operator.name
        self.stages: tuple[str, ...] = (operator.name, *((encoder.stage,) if encoder is not None else ()))

    def run(self, batch: Batch, worker: int, watch: Stopwatch) -> list[Batch]:
        tallies = [Tally() for _ in self.stages]
        filtered = list(batch.filtered)
        letters: list[Rejection] = []
        outcome = self._operator.apply(batch.ids, listed(batch), batch.originals)
        if outcome.families:
            self._teller.ledger.fan_out(batch.partition, outcome.families)
        count(tallies[0], batch.ids.size, outcome, filtered, letters)
        made = replace(
            batch,
            ids=outcome.ids,
            values=outcome.values,
            filtered=filtered,
            rejected=[*batch.rejected, *letters],
        )
        now, tallies[0].busy = watch.lap()
        if self._encoder is not None:
            self.at = self._encoder.stage
            self._encoder.encode(made)
            now, tallies[1].busy = watch.lap()
            self.at = self._operator.name
        if not self._keep_originals:
            made.originals = None
        self._teller.worked(now, self.stages, tallies, batch, worker, watch)
        self._teller.rejected(now, batch, letters)
        return [made]
