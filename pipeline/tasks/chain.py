"""The work of a group of chained stages: decoding (in the first group) and functions of one record."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pipeline.batch import Batch, Glance, Originals, Rejection
from pipeline.errors import Reject
from pipeline.ids import NO_IDS, Id, Ids
from pipeline.operators.base import Bad, Outcome, letter
from pipeline.operators.decode import DecodeOperator
from pipeline.operators.function import FunctionOperator
from pipeline.operators.fused import Odd, run_fused, stage_at_fault
from pipeline.operators.same import shared
from pipeline.schema import explain
from pipeline.stopwatch import Stopwatch
from pipeline.tap import Trail
from pipeline.tasks.encoder import Encoder, Packed
from pipeline.tasks.slices import slices
from pipeline.tasks.work import Stateless, Tally, Teller, count

MEASURED_ONE_IN = 64
MEASURED_EVERY_S = 0.1
"""One slice in so many goes stage by stage, and one when so much time has passed, with a look at the clock
behind each; the time of the others, which run fused, is shared out in the same proportions."""

KEPT = 0.7
"""How much a measured slice counts when the next one is measured: a stage may become slow later on."""

LOOKED_ONE_IN = 4
"""Of small slices one in so many is searched for records that are one and the same object; of others
as many as are measured."""

SMALL = 64
"""Slices of fewer records all go stage by stage: there is nothing to be gained."""


class ChainWork(Stateless):
    """Runs a batch through its stages, slice by slice."""

    def __init__(
        self,
        decode: DecodeOperator | None,
        functions: list[FunctionOperator],
        teller: Teller,
        encoder: Encoder | None,
        *,
        keep_originals: bool,
    ) -> None:
        self.decode = decode
        self.functions = functions
        self._calls = tuple(operator.call for operator in functions)
        self.teller = teller
        self.encoder = encoder
        self.keep_originals = keep_originals
        decoding = (decode.name,) if decode is not None else ()
        encoding = (encoder.stage,) if encoder is not None else ()
        self.stages = (*decoding, *(operator.name for operator in functions), *encoding)
        self.at = self.stages[0]
        self._first = len(decoding)
        self._measured = [0.0] * (self._first + len(functions))
        self._slices = 0
        self._measured_at = self._now = 0.0
        # A single stage is measured whole; fusing it with nothing would only hide its clock.
        # A record that steps aside is tried again behind all the others of its batch.
        self._whole = any(operator.aside for operator in functions)
        self._fusible = len(functions) > 0 and len(self._measured) > 1

    def with_functions(self, functions: list[FunctionOperator]) -> ChainWork:
        """The same with other functions in the place of its own, one for one."""
        return ChainWork(
            self.decode, functions, self.teller, self.encoder, keep_originals=self.keep_originals
        )

    def cut_at(self, stage: str) -> tuple[ChainWork | None, FunctionOperator, ChainWork | None]:
        """What is before a stage, its function, and what is behind it; None where there is nothing."""
        place = [operator.name for operator in self.functions].index(stage)
        before = after = None
        if self.decode is not None or place:
            before = ChainWork(self.decode, self.functions[:place], self.teller, None, keep_originals=True)
        if place + 1 < len(self.functions):
            rest = self.functions[place + 1 :]
            after = ChainWork(None, rest, self.teller, self.encoder, keep_originals=self.keep_originals)
        return before, self.functions[place], after

    def run(self, batch: Batch, worker: int, watch: Stopwatch) -> list[Batch]:
        job = _Job(batch, [Tally() for _ in self.stages])
        packed = self.encoder.begin() if self.encoder is not None else None
        fused_s = 0.0
        tap = self.teller.tap
        for ids, raws in slices(batch, whole=self._whole):
            originals = Originals(ids, raws) if batch.decode is not None else batch.originals
            trail = tap.trail(self.stages[0], batch.partition, ids) if tap.on else None
            if trail is None and self._fuses(ids.size):
                outcome = self._fused(job, ids, raws, originals)
                self._now, busy = watch.lap()
                fused_s += busy
            else:
                outcome = self._stage_by_stage(job, ids, raws, originals, watch, trail)
            self._collect(job, outcome, packed, originals, watch, trail)
        self._share_out(job.tallies, fused_s)
        made = self._made(job, packed)
        now, rest = watch.lap()
        job.tallies[-1].busy += rest
        self.teller.worked(now, self.stages, job.tallies, batch, worker, watch)
        self.teller.rejected(now, batch, job.letters)
        return [made]

    def _fuses(self, records: int) -> bool:
        self._slices += 1
        due = self._slices % MEASURED_ONE_IN == 1 or self._now - self._measured_at >= MEASURED_EVERY_S
        return self._fusible and records >= SMALL and not due

    def _stage_by_stage(
        self,
        job: _Job,
        ids: Ids,
        values: list[Any],
        originals: Originals | None,
        watch: Stopwatch,
        trail: Trail | None,
    ) -> Outcome:
        self._measured = [KEPT * seconds for seconds in self._measured]
        outcome = Outcome(ids, values)
        if self.decode is not None and job.batch.decode is not None and originals is not None:
            self.at = self.decode.name
            if trail is not None:
                trail.before(self.at, ids, values)
            outcome = self.decode.apply(ids, values, job.batch.decode, originals)
            if trail is not None:
                trail.after(outcome)
            job.count(0, ids.size, outcome)
            self._lap(job, 0, watch)
        looks = self._slices % (LOOKED_ONE_IN if ids.size < SMALL else MEASURED_ONE_IN) == 1
        for index, operator in enumerate(self.functions):
            if trail is not None:
                trail.before(operator.name, outcome.ids, outcome.values)
            outcome = self._apply(job, operator, index, outcome, originals)
            if trail is not None:
                trail.after(outcome)
            if looks:
                job.tallies[self._first + index].shared += shared(outcome.values)
            self._lap(job, self._first + index, watch)
        return outcome

    def _apply(
        self, job: _Job, operator: FunctionOperator, index: int, before: Outcome, originals: Originals | None
    ) -> Outcome:
        self.at = operator.name
        outcome = operator.apply(before.ids, before.values, originals)
        if outcome.families:
            self.teller.ledger.fan_out(job.batch.partition, outcome.families)
        job.count(self._first + index, before.ids.size, outcome)
        return outcome

    def _lap(self, job: _Job, stage: int, watch: Stopwatch) -> None:
        self._measured_at, busy = watch.lap()
        job.tallies[stage].busy += busy
        self._measured[stage] += busy

    def _fused(self, job: _Job, ids: Ids, values: list[Any], originals: Originals | None) -> Outcome:
        """All stages in one loop; what does not come through plainly is sorted out behind it."""

        def failure(stage: int, position: int, error: Exception) -> Bad:
            self.at = self.stages[self._first + stage] if stage >= 0 else self.stages[0]
            if stage < 0:
                return Bad(position, explain(error, values[position]))
            return self.functions[stage].failure(position, error, ids)

        decode = job.batch.decode
        incoming = decode(values) if decode is not None else iter(values)
        try:
            out, odd = run_fused(incoming, ids.size, self._calls, failure)
        except BaseException as error:
            stage = stage_at_fault(error)
            if stage is not None:
                self.at = self.stages[max(0, self._first + stage)]
            raise
        job.pass_through(self._first + len(self.functions), ids.size, self._first, odd)
        if not odd:
            return Outcome(ids, out)
        outcome = Outcome(ids.without([item.position for item in odd]), out)
        families = [item for item in odd if not self._left(job, item, ids[item.position], originals)]
        if families:
            self._fusible = False
            return self._with_families(job, ids, outcome, families, {o.position for o in odd}, originals)
        return outcome

    def _left(self, job: _Job, item: Odd, id: Id, originals: Originals | None) -> bool:
        """Account for a record that was filtered or rejected; False for one that has children."""
        result = item.result
        if isinstance(result, Reject):
            result = Bad(item.position, result.reason)
        stage = self._first + item.stage
        if isinstance(result, Bad):
            name = self.stages[max(0, stage)]
            job.letters.append(letter(name, id, item.value, result, originals))
            job.tallies[max(0, stage)].rejected += 1
            return True
        if result is None or (type(result) is list and not result):
            job.filtered.append(Ids.named([id]))
            job.tallies[stage].filtered += 1
            return True
        return False

    def _with_families(
        self,
        job: _Job,
        ids: Ids,
        plain: Outcome,
        families: list[Odd],
        gone: set[int],
        originals: Originals | None,
    ) -> Outcome:
        """Children go through the rest of the stages one family at a time, and keep their place."""
        grown = {}
        for item in families:
            operator = self.functions[item.stage]
            self.at = operator.name
            one = Ids.named([ids[item.position]])
            outcome = operator.sort_out(one, [item.result], [item.value], originals)
            if outcome.families:
                self.teller.ledger.fan_out(job.batch.partition, outcome.families)
            job.count(self._first + item.stage, 0, outcome)
            for index in range(item.stage + 1, len(self.functions)):
                outcome = self._apply(job, self.functions[index], index, outcome, originals)
            grown[item.position] = outcome
        parts: list[Ids] = []
        values: list[Any] = []
        rest = iter(zip(plain.ids, plain.values, strict=True))
        for position in range(ids.size):
            if position in grown:
                parts.append(grown[position].ids)
                values.extend(grown[position].values)
            elif position not in gone:
                id, value = next(rest)
                parts.append(Ids.named([id]))
                values.append(value)
        return Outcome(Ids.concat(parts) if parts else NO_IDS, values)

    def _collect(
        self,
        job: _Job,
        outcome: Outcome,
        packed: Packed | None,
        originals: Originals | None,
        watch: Stopwatch,
        trail: Trail | None,
    ) -> None:
        if not outcome.ids:
            return
        job.parts.append(outcome.ids)
        if self.encoder is None or self.encoder.keep_values:
            job.values.extend(outcome.values)
        if packed is None:
            return
        self.at = self.stages[-1]
        if trail is not None:
            trail.before(self.at, outcome.ids, outcome.values)
            job.glances += trail.take()
        packed.add(outcome.ids, outcome.values, originals)
        job.tallies[-1].busy += watch.lap()[1]

    def _share_out(self, tallies: list[Tally], seconds: float) -> None:
        """Give the time of the fused slices to the stages, as the measured slices spent theirs."""
        whole = sum(self._measured)
        if seconds > 0 and whole > 0:
            for tally, measured in zip(tallies, self._measured, strict=False):
                tally.busy += seconds * measured / whole

    def _made(self, job: _Job, packed: Packed | None) -> Batch:
        batch = job.batch
        originals = batch.originals
        if self.keep_originals and originals is None and batch.decode is not None:
            originals = Originals(batch.ids, batch.values)
        made = replace(
            batch,
            ids=Ids.concat(job.parts) if job.parts else NO_IDS,
            values=job.values,
            decode=None,
            originals=originals if self.keep_originals else None,
            filtered=job.filtered,
            rejected=[*batch.rejected, *job.letters],
            glances=job.glances,
        )
        if packed is not None:
            packed.seal(made)
        return made


class _Job:
    """A batch on its way through the chain: what has come out so far, and what each stage did."""

    def __init__(self, batch: Batch, tallies: list[Tally]) -> None:
        self.batch = batch
        self.tallies = tallies
        self.parts: list[Ids] = []
        self.values: list[Any] = []
        self.filtered: list[Ids] = list(batch.filtered)
        self.letters: list[Rejection] = []
        self.glances: list[Glance] = []

    def count(self, stage: int, taken: int, outcome: Outcome) -> None:
        """Add the outcome of a stage for ``taken`` records."""
        count(self.tallies[stage], taken, outcome, self.filtered, self.letters)

    def pass_through(self, stages: int, records: int, first: int, odd: list[Odd]) -> None:
        """Count records that went through ``stages`` stages, but for the odd ones, each up to its own."""
        stopped = [0] * stages
        for item in odd:
            stopped[max(0, first + item.stage)] += 1
        for tally, stops in zip(self.tallies, stopped, strict=False):
            tally.taken += records
            records -= stops
            tally.given += records
