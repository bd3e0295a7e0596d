"""What a group of stages does to a batch, and how it tells about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol

from pipeline.batch import Batch, Originals, Rejection
from pipeline.events import EventBus, RecordRejected, StageWorked
from pipeline.ids import NO_IDS, Ids
from pipeline.ledger import Ledger
from pipeline.operators.base import Outcome
from pipeline.operators.batch import BatchOperator
from pipeline.operators.decode import DecodeOperator
from pipeline.operators.function import FunctionOperator
from pipeline.operators.stateful import Released, StatefulOperator
from pipeline.stopwatch import Stopwatch
from pipeline.tasks.encoder import Encoder

SLICE_BYTES = 32 << 10
"""A batch is worked through in slices of about this much input, so that the values alive at
one time stay within the processor's cache."""


class Work(Protocol):
    """The stages of a group, run one after another in a worker's thread."""

    stages: tuple[str, ...]
    at: str
    """The stage that is at work, to be named where it fails."""

    def open(self) -> None:
        """Make the stages ready."""
        ...

    def close(self) -> None:
        """Let the stages let go of what they opened."""
        ...

    def run(self, batch: Batch, worker: int, watch: Stopwatch) -> list[Batch]:
        """The batches that go on to the next group; the watch has been started."""
        ...

    def flush(self, worker: int, watch: Stopwatch) -> list[Batch]:
        """What was held back until the end."""
        ...


@dataclass(slots=True)
class Tally:
    """What a stage did to one batch."""

    taken: int = 0
    given: int = 0
    filtered: int = 0
    rejected: int = 0
    created: int = 0
    held: int = 0
    busy: float = 0.0


class Teller:
    """Sends the events and tells the ledger what stages did."""

    def __init__(self, bus: EventBus, ledger: Ledger) -> None:
        self.bus = bus
        self.ledger = ledger

    def worked(
        self,
        now: float,
        stages: tuple[str, ...],
        tallies: list[Tally],
        batch: Batch | None,
        worker: int,
        watch: Stopwatch,
    ) -> None:
        """One event a stage. While one stage of a chain works, those before it are blocked by it
        and those behind it are idle, so that each stage's times add up to the thread's."""
        idle, blocked = watch.take_waits()
        behind = sum(tally.busy for tally in tallies)
        before = 0.0
        for stage, tally in zip(stages, tallies, strict=True):
            behind -= tally.busy
            self.bus.emit(
                StageWorked(
                    at=now,
                    stage=stage,
                    worker=worker,
                    partition=batch.partition if batch is not None else None,
                    number=batch.number if batch is not None else -1,
                    taken=tally.taken,
                    given=tally.given,
                    filtered=tally.filtered,
                    rejected=tally.rejected,
                    created=tally.created,
                    held=tally.held,
                    busy_s=tally.busy,
                    idle_s=idle + before,
                    blocked_s=blocked + behind,
                )
            )
            before += tally.busy

    def rejected(self, now: float, batch: Batch, letters: list[Rejection]) -> None:
        """One event a rejected record."""
        for letter in letters:
            self.bus.emit(RecordRejected(now, batch.partition.record(letter.id), letter.stage, letter.reason))


class _Stateless:
    """Functions have nothing to open, to give up at the end, or to close."""

    def open(self) -> None:
        return

    def close(self) -> None:
        return

    def flush(self, worker: int, watch: Stopwatch) -> list[Batch]:  # noqa: ARG002
        return []


class ChainWork(_Stateless):
    """Decoding (where the group is the first) and functions of one record, slice by slice."""

    def __init__(
        self,
        decode: DecodeOperator | None,
        functions: list[FunctionOperator],
        teller: Teller,
        encoder: Encoder | None,
        *,
        keep_originals: bool,
    ) -> None:
        self._decode = decode
        self._functions = functions
        self._teller = teller
        self._encoder = encoder
        self._keep_originals = keep_originals
        decoding = (decode.name,) if decode is not None else ()
        encoding = (encoder.stage,) if encoder is not None else ()
        self.stages = (*decoding, *(operator.name for operator in functions), *encoding)
        self.at = self.stages[0]

    def run(self, batch: Batch, worker: int, watch: Stopwatch) -> list[Batch]:
        tallies = [Tally() for _ in self.stages]
        parts: list[Ids] = []
        values: list[Any] = []
        filtered = list(batch.filtered)
        letters: list[Rejection] = []
        packed = self._encoder.begin() if self._encoder is not None else None
        for ids, raws in _slices(batch):
            outcome, originals = self._through(batch, ids, raws, tallies, filtered, letters, watch)
            if not outcome.ids:
                continue
            parts.append(outcome.ids)
            if packed is None:
                values.extend(outcome.values)
            else:
                self.at = self.stages[-1]
                packed.add(outcome.ids, outcome.values, originals)
                tallies[-1].busy += watch.lap()[1]
        originals = batch.originals
        if self._keep_originals and originals is None and batch.decode is not None:
            originals = Originals(batch.ids, batch.values)
        made = replace(
            batch,
            ids=Ids.concat(parts) if parts else NO_IDS,
            values=values,
            decode=None,
            originals=originals if self._keep_originals else None,
            filtered=filtered,
            rejected=[*batch.rejected, *letters],
        )
        if packed is not None:
            packed.seal(made)
        now, rest = watch.lap()
        tallies[-1].busy += rest
        self._teller.worked(now, self.stages, tallies, batch, worker, watch)
        self._teller.rejected(now, batch, letters)
        return [made]

    def _through(
        self,
        batch: Batch,
        ids: Ids,
        values: list[Any],
        tallies: list[Tally],
        filtered: list[Ids],
        letters: list[Rejection],
        watch: Stopwatch,
    ) -> tuple[Outcome, Originals | None]:
        """One slice through all stages of the chain."""
        first = 0
        originals = batch.originals
        outcome = Outcome(ids, values)
        if self._decode is not None and batch.decode is not None:
            first = 1
            self.at = self._decode.name
            originals = Originals(ids, values)
            outcome = self._decode.apply(ids, values, batch.decode, originals)
            _count(tallies[0], ids.size, outcome, filtered, letters)
            tallies[0].busy += watch.lap()[1]
        for operator, tally in zip(self._functions, tallies[first:], strict=False):
            self.at = operator.name
            taken = outcome.ids.size
            outcome = operator.apply(outcome.ids, outcome.values, originals)
            if outcome.families:
                self._teller.ledger.fan_out(batch.partition, outcome.families)
            _count(tally, taken, outcome, filtered, letters)
            tally.busy += watch.lap()[1]
        return outcome, originals


class BatchWork(_Stateless):
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
        outcome = self._operator.apply(batch.ids, _listed(batch), batch.originals)
        if outcome.families:
            self._teller.ledger.fan_out(batch.partition, outcome.families)
        _count(tallies[0], batch.ids.size, outcome, filtered, letters)
        made = replace(
            batch,
            ids=outcome.ids,
            values=outcome.values,
            filtered=filtered,
            rejected=[*batch.rejected, *letters],
        )
        now, tallies[0].busy = watch.lap()
        if self._encoder is not None:
            self._encoder.encode(made)
            now, tallies[1].busy = watch.lap()
        if not self._keep_originals:
            made.originals = None
        self._teller.worked(now, self.stages, tallies, batch, worker, watch)
        self._teller.rejected(now, batch, letters)
        return [made]


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
        batch.values = _listed(batch)
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


def _count(tally: Tally, taken: int, outcome: Outcome, filtered: list[Ids], letters: list[Rejection]) -> None:
    tally.taken += taken
    tally.given += outcome.ids.size
    tally.created += outcome.created
    if outcome.filtered:
        tally.filtered += outcome.filtered.size
        filtered.append(outcome.filtered)
    if outcome.rejected:
        tally.rejected += len(outcome.rejected)
        letters.extend(outcome.rejected)


def _listed(batch: Batch) -> list[Any]:
    return batch.values.split(b"\n") if isinstance(batch.values, bytes) else batch.values


def _slices(batch: Batch) -> Iterator[tuple[Ids, list[Any]]]:
    """The records of a batch, a few at a time."""
    raw = batch.values
    total = batch.ids.size
    if total == 0:
        return
    if isinstance(raw, bytes):
        yield from _byte_slices(batch.ids, raw)
        return
    step = max(16, total * SLICE_BYTES // max(1, batch.size)) if batch.size else total
    for start in range(0, total, step):
        yield batch.ids.cut(start, start + step), raw[start : start + step]


def _byte_slices(ids: Ids, raw: bytes) -> Iterator[tuple[Ids, list[Any]]]:
    begin = passed = 0
    while passed < ids.size:
        end = raw.rfind(b"\n", begin, begin + SLICE_BYTES)
        if len(raw) - begin <= SLICE_BYTES:
            end = len(raw)
        elif end < 0:
            end = raw.find(b"\n", begin)
            end = len(raw) if end < 0 else end
        lines = raw[begin:end].split(b"\n")
        yield ids.cut(passed, passed + len(lines)), lines
        passed += len(lines)
        begin = end + 1
