"""Pipelines made at random, and what a plain Python program says must come out of them.

A plan is a description: what the sources hold, what the stages do, how the sink takes it. It can be
built into a real pipeline, and worked out by an oracle that knows nothing of batches, threads or queues.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline import (
    Chunk,
    Id,
    Ids,
    PartitionSpec,
    Pipeline,
    Record,
    RefusedRecords,
    Reject,
    Retry,
    Sink,
    Source,
    Stage,
)
from pipeline.batch import Decode, Partition, Rejection
from pipeline.engine import Options
from pipeline.ledger import Ledger
from pipeline.stages import Dropped

Value = tuple[str, int]
"""What travels: the full name of the partition it was read from, and a number."""

Draw = Callable[[int, int], int]
"""A whole number from the first up to and including the second."""

KINDS = (
    "add",
    "filter",
    "raise",
    "verdict",
    "break",
    "fan",
    "yield",
    "flaky",
    "batch",
    "sift",
    "hold",
    "split",
    "merge",
)
STATEFUL = {"hold", "split", "merge"}
UNCUT, UNREADABLE = "uncut", "unreadable"


@dataclass(frozen=True)
class StagePlan:
    """One stage: what it does, ``n``, the number that this depends on, and how many do it."""

    kind: str
    n: int
    workers: int

    def verdict(self, number: int) -> list[int] | None:
        """The numbers that a number becomes (none: filtered), or None where it is rejected."""
        hit = number % (self.n + 2) == 0
        if self.kind == "filter" and hit:
            return []
        if self.kind in {"raise", "verdict", "break"} and hit:
            return None
        if self.kind in {"fan", "yield", "split"}:
            children = number % (self.n + 2)
            return [number * 7 + child for child in range(children)] if children != 1 else [number]
        if self.kind == "sift":
            raise TypeError("its children have verdicts of their own")
        if self.kind == "batch":
            return None if number % 7 == 0 else [number, number + 1] if number % 5 == 0 else [number][hit:]
        return [number + self.n] if self.kind == "add" else [number]

    def sifted(self, number: int) -> list[int | str]:
        """What ``sift`` makes of a number: children, or what becomes of them."""
        made = [number * 5 + child for child in range(1 + number % 3)]
        verdicts = {0: "filtered", 1: "rejected"}
        return [verdicts.get((each + self.n) % 6, each) for each in made]


@dataclass(frozen=True)
class Plan:
    """A whole pipeline. ``sources`` holds, for each partition of each source, ``(offset, item)`` pairs:
    an item is a number, or one of the two ways in which a record may be no use."""

    sources: dict[str, dict[str, list[tuple[int, int | str]]]]
    stages: list[StagePlan]
    chunk: int
    batch_size: int | None
    queue_records: int
    queue_bytes: int
    chain: bool
    as_bytes: bool
    encoded: bool
    receipts: bool
    refuse: int
    limit: int | None
    workers: int | None
    jitter: bool = False
    """Whether stages now and then dawdle, so that workers overtake one another."""

    @property
    def options(self) -> Options:
        return Options(limit=self.limit, workers=self.workers)

    def total(self) -> int:
        return sum(len(items) for parts in self.sources.values() for items in parts.values())

    def build(self, dead_letters: Path) -> tuple[Pipeline, Kept]:
        pipeline = Pipeline(
            "planned",
            batch_size=self.batch_size,
            queue_records=self.queue_records,
            queue_bytes=self.queue_bytes,
            chain=self.chain,
            dead_letters=dead_letters,
        )
        for name, partitions in self.sources.items():
            pipeline.read(Listed(name, partitions, self.chunk, as_bytes=self.as_bytes))
        for position, stage in enumerate(self.stages):
            _add(pipeline, f"{stage.kind} {position}", stage, _dawdle if self.jitter else _hurry)
        sink = Kept(encoded=self.encoded, receipts=self.receipts, refuse=self.refuse)
        pipeline.write(sink)
        return pipeline, sink


def make_plan(draw: Draw, records: int = 12) -> Plan:
    """Any plan with at most so many records in a partition."""
    sources: dict[str, dict[str, list[tuple[int, int | str]]]] = {}
    for source in range(draw(1, 2)):
        sources[f"s{source}"] = {f"p{p}": _items(draw, draw(0, records)) for p in range(draw(1, 3))}
    stages = [StagePlan(KINDS[draw(0, len(KINDS) - 1)], draw(0, 3), draw(1, 3)) for _ in range(draw(0, 4))]
    return Plan(
        sources,
        stages,
        chunk=draw(1, 8),
        batch_size=draw(0, 7) or None,
        queue_records=draw(1, 20),
        queue_bytes=draw(1, 200),
        chain=draw(0, 3) > 0,
        as_bytes=draw(0, 1) == 1,
        encoded=draw(0, 2) == 0,
        receipts=draw(0, 1) == 1,
        refuse=draw(5, 9) if draw(0, 2) == 0 else 0,
        limit=draw(0, 30) if draw(0, 5) == 0 else None,
        workers=draw(1, 3) if draw(0, 5) == 0 else None,
    )


def _items(draw: Draw, records: int) -> list[tuple[int, int | str]]:
    items: list[tuple[int, int | str]] = []
    offset = draw(0, 3)
    for _ in range(records):
        what = draw(0, 15)
        items.append((offset, {0: UNCUT, 1: UNREADABLE}.get(what, offset * 3 + what)))
        offset += 1 if draw(0, 4) else 3
    return items


# What the oracle says


@dataclass
class Expected:
    """What must come out of one partition: the rows in order, and what became of each record read."""

    rows: list[tuple[Id, Value]] = field(default_factory=list)
    fates: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))

    def count(self, fate: str) -> int:
        return sum(1 for fates in self.fates.values() if _weightiest(fates) == fate)


@dataclass(frozen=True)
class _Row:
    id: Id
    number: int
    roots: frozenset[int]
    """The offsets of the records that share its fate."""


def expect(plan: Plan, partition: Partition, offsets: Iterable[int]) -> Expected:
    """What must become of the records of a partition, if these were read."""
    expected = Expected()
    read = dict(plan.sources[partition.source][partition.name])
    rows: list[_Row] = []
    for offset in sorted(offsets):
        item = read[offset]
        if isinstance(item, str):
            expected.fates[offset].add("rejected")
        else:
            rows.append(_Row(Id(offset), item, frozenset({offset})))
    for stage in plan.stages:
        rows = _through(stage, rows, expected.fates)
    for row in rows:
        refused = plan.refuse and row.number % plan.refuse == 0
        _settle(row, "rejected" if refused else "delivered", expected.fates)
        if not refused:
            expected.rows.append((row.id, (str(partition), row.number)))
    return expected


def _through(stage: StagePlan, rows: list[_Row], fates: dict[int, set[str]]) -> list[_Row]:
    if stage.kind == "merge":
        return [_merged(rows[at : at + stage.n + 1]) for at in range(0, len(rows), stage.n + 1)]
    passed: list[_Row] = []
    for row in rows:
        if stage.kind == "sift":
            for index, each in enumerate(stage.sifted(row.number)):
                if isinstance(each, str):
                    _settle(row, each, fates)
                else:
                    passed.append(_Row(row.id.child(index), each, row.roots))
            continue
        made = stage.verdict(row.number)
        if made is None:
            _settle(row, "rejected", fates)
        elif not made:
            _settle(row, "filtered", fates)
        elif len(made) == 1:
            passed.append(_Row(row.id, made[0], row.roots))
        else:
            passed += [_Row(row.id.child(index), number, row.roots) for index, number in enumerate(made)]
    return passed


def _merged(rows: Sequence[_Row]) -> _Row:
    roots = frozenset().union(*(row.roots for row in rows))
    return _Row(rows[-1].id, sum(row.number for row in rows), roots)


def _settle(row: _Row, fate: str, fates: dict[int, set[str]]) -> None:
    for root in row.roots:
        fates[root].add(fate)


def _weightiest(fates: set[str]) -> str:
    return next(fate for fate in ("rejected", "delivered", "filtered") if fate in fates)


# The same in the engine's terms


class Listed(Source):
    """Numbers in memory, a few a chunk, as a list or as the bytes of lines."""

    blocking = False

    def __init__(
        self,
        name: str,
        partitions: dict[str, list[tuple[int, int | str]]],
        chunk: int = 5,
        *,
        as_bytes: bool = False,
    ) -> None:
        self.name = name
        self._partitions = partitions
        self._chunk = chunk
        self._as_bytes = as_bytes

    def partitions(self) -> Sequence[PartitionSpec]:
        return [PartitionSpec(name, len(items)) for name, items in self._partitions.items()]

    def read(self, partition: str, start: int, schema: type | None) -> Iterator[Chunk]:  # noqa: ARG002
        items = [pair for pair in self._partitions[partition] if pair[0] >= start]
        label = f"{self.name}/{partition}"

        def one(raw: Any) -> Value:
            return label, int(raw)

        decode: Decode = lambda raws: map(one, raws)  # noqa: E731 - the annotation says which kind
        for at in range(0, len(items), self._chunk):
            part = items[at : at + self._chunk]
            good = [(offset, item) for offset, item in part if item != UNCUT]
            raw: Any = [item for _, item in good]
            if self._as_bytes:
                raw = b"\n".join(str(item).encode() for item in raw)
            broken = [
                Rejection(Id(offset), "ingestion", "cannot be cut out", b"?")
                for offset, item in part
                if item == UNCUT
            ]
            ids = Ids.of(offset for offset, _ in good)
            yield Chunk(ids, raw, 10 * len(good), decode, rejected=broken)


class Kept(Sink):
    """Keeps what it is given, by the partition that the value tells."""

    name = "kept"

    def __init__(self, *, encoded: bool = False, receipts: bool = False, refuse: int = 0) -> None:
        self.rows: dict[str, list[tuple[Id, Value]]] = defaultdict(list)
        self.batches: list[int] = []
        self._receipts = receipts
        self._refuse = refuse
        if encoded:
            self.encode = self._encoded

    def write(self, ids: Ids, payloads: list[Any]) -> Iterable[Id]:
        values: list[Value] = payloads
        if self.encode is not None:
            values = [value for payload in payloads for value in payload]
        assert len(values) == len(ids)
        refused = {at: "unwanted" for at, (_, number) in enumerate(values) if self._refuses(number)}
        if refused:
            raise RefusedRecords(refused)
        self.batches.append(len(values))
        for id, value in zip(ids, values, strict=True):
            self.rows[value[0]].append((id, value))
        return list(ids) if self._receipts else ids

    @property
    def total(self) -> int:
        return sum(self.batches)

    def _encoded(self, values: list[Any]) -> list[Value]:
        # Every second number that is refused is refused here already.
        if any(self._refuses(number) and number % 2 for _, number in values):
            raise ValueError("unwanted")
        return list(values)

    def _refuses(self, number: int) -> bool:
        return self._refuse > 0 and number % self._refuse == 0


def _hurry(number: int) -> None:  # noqa: ARG001
    return


def _dawdle(number: int) -> None:
    if number % 5 == 0:
        time.sleep(0.0005)


def _add(pipeline: Pipeline, name: str, plan: StagePlan, wait: Callable[[int], None]) -> None:
    if plan.kind in STATEFUL:
        pipeline.stage({"hold": Holding, "split": Splitting, "merge": Merging}[plan.kind](plan), name=name)
    elif plan.kind == "sift" and plan.n % 2:
        one = _sift(plan)
        pipeline.stage(lambda values: [one(value) for value in values], name=name, batch=True)
    elif plan.kind == "sift":
        pipeline.stage(_sift(plan), name=name, workers=plan.workers)
    elif plan.kind == "batch":
        pipeline.stage(_batch(plan, wait), name=name, batch=True, workers=plan.workers)
    elif plan.kind == "flaky":
        retry = Retry(attempts=2, on=OSError, first=0.001)
        pipeline.stage(_flaky(), name=name, workers=plan.workers, retry=retry)
    else:
        pipeline.stage(_function(plan, wait), name=name, workers=plan.workers)


def _sift(plan: StagePlan) -> Callable[[Value], list[Any]]:
    verdicts = {"filtered": None, "rejected": Reject("unwanted")}

    def apply(value: Value) -> list[Any]:
        made = plan.sifted(value[1])
        return [verdicts[each] if isinstance(each, str) else (value[0], each) for each in made]

    return apply


def _function(plan: StagePlan, wait: Callable[[int], None]) -> Callable[[Value], Any]:
    def apply(value: Value) -> Any:
        label, number = value
        wait(number)
        made = plan.verdict(number)
        if made is None:
            if plan.kind == "raise":
                raise Reject("unwanted")
            if plan.kind == "verdict":
                return Reject("unwanted")
            raise ValueError(f"cannot take {number}")
        if plan.kind == "yield":
            return ((label, each) for each in made) if len(made) != 1 else (label, made[0])
        if len(made) == 1:
            return label, made[0]
        return [(label, each) for each in made] or None

    return apply


def _batch(plan: StagePlan, wait: Callable[[int], None]) -> Callable[[list[Value]], list[Any]]:
    def apply(values: list[Value]) -> list[Any]:
        outcomes: list[Any] = []
        for label, number in values:
            wait(number)
            made = plan.verdict(number)
            if made is None:
                outcomes.append(Reject("unwanted"))
            elif len(made) == 1:
                outcomes.append((label, made[0]))
            else:
                outcomes.append([(label, each) for each in made])
        return outcomes

    return apply


def _flaky() -> Callable[[Value], Value]:
    tried: set[Value] = set()

    def apply(value: Value) -> Value:
        if value[1] % 3 == 0 and value not in tried:
            tried.add(value)
            raise OSError("not now")
        return value

    return apply


class Holding(Stage):
    """Gives each record up when so many others have come behind it."""

    def __init__(self, plan: StagePlan) -> None:
        self._plan = plan
        self._held: list[Record] = []

    def open(self) -> None:
        self._held = []

    def process(self, records: list[Record]) -> list[Record]:
        self._held += records
        keep = self._plan.n * 3
        given = self._held[: max(0, len(self._held) - keep)]
        del self._held[: len(given)]
        return given

    def flush(self) -> list[Record]:
        return self._held


class Splitting(Stage):
    """Makes several records of one."""

    def __init__(self, plan: StagePlan) -> None:
        self._plan = plan

    def process(self, records: list[Record]) -> Iterator[Record | Dropped]:
        for record in records:
            label, number = record.value
            made = self._plan.verdict(number) or []
            if len(made) == 1:
                yield record.replace((label, made[0]))
            else:
                yield from record.split([(label, each) for each in made])


class Merging(Stage):
    """Makes one record of several of a partition."""

    def __init__(self, plan: StagePlan) -> None:
        self._size = plan.n + 1
        self._held: dict[str, list[Record]] = defaultdict(list)

    def process(self, records: list[Record]) -> Iterator[Record]:
        for record in records:
            group = self._held[record.partition]
            group.append(record)
            if len(group) == self._size:
                yield self._merge(self._held.pop(record.partition))

    def flush(self) -> Iterator[Record]:
        for group in self._held.values():
            yield self._merge(group)

    def _merge(self, group: list[Record]) -> Record:
        return Record.merge(group, (group[0].partition, sum(record.value[1] for record in group)))


class ReadLog:
    """Notes which offsets a ledger was told were read."""

    def __init__(self) -> None:
        self.offsets: dict[Partition, list[int]] = defaultdict(list)
        self._lock = threading.Lock()

    def note(self, partition: Partition, ids: Ids) -> None:
        with self._lock:
            self.offsets[partition].extend(ids.offsets())

    def listen(self, ledger: Ledger) -> None:
        """Note whatever this ledger is told from now on."""
        tell = ledger.read

        def read(partition: Partition, ids: Ids, at: float) -> None:
            self.note(partition, ids)
            tell(partition, ids, at)

        ledger.read = read  # type: ignore[method-assign]
