"""A stage with a memory: it may hold records back and give them up later, by id."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from pipeline.batch import Batch, Partition, Rejection
from pipeline.errors import Reject, StageError
from pipeline.ids import NO_IDS, Id, Ids
from pipeline.operators.base import FATAL, describe
from pipeline.stages import Dropped, Family, Merger, Record, Stage

SMALL_GROUP = 64
"""So many records go on together even if they were read at different times: each group costs a batch."""

_HOW_TO_REJECT = "; it was given many records: return record.rejected('why') for the one that is meant"


@dataclass(slots=True)
class Released:
    """What a stateful stage gave up of one partition, in its order.

    ``read_at`` is when the first of them was read; ``lineage`` is how those that are not as they came in
    were made, each told once.
    """

    partition: Partition
    read_at: float
    ids: Ids = NO_IDS
    values: list[Any] = field(default_factory=list)
    filtered: Ids = NO_IDS
    rejected: list[Rejection] = field(default_factory=list)
    lineage: list[Family | Merger] = field(default_factory=list)


class StatefulOperator:
    """Drives a user's :class:`~pipeline.stages.Stage`."""

    def __init__(self, name: str, stage: Stage, on_error: str = "fail") -> None:
        self.name = name
        self.stage = stage
        self.on_error = on_error

    def open(self) -> None:
        """Start the stage afresh."""
        self.stage.open()

    def close(self) -> None:
        """Let the stage let go of what it opened."""
        self.stage.close()

    def process(self, batch: Batch) -> list[Released]:
        """What the stage gives up now, a group for each partition and time of reading."""
        records = [
            Record(batch.partition, id, value, batch.read_at)
            for id, value in zip(batch.ids, batch.values, strict=True)
        ]
        try:
            returned = list(self._checked(self.stage.process(records), "process"))
        except FATAL:
            raise
        except Exception as error:
            if self.on_error != "reject":
                raise self._failed("process", error) from error
            reason, trace = describe(error)
            letters = [
                Rejection(r._id, self.name, reason, r.value, None, trace, whole=False) for r in records
            ]
            return [Released(batch.partition, batch.read_at, rejected=letters)]
        return self._grouped(returned)

    def flush(self) -> list[Released]:
        """What the stage still held and gives up at the end."""
        try:
            return self._grouped(list(self._checked(self.stage.flush(), "flush")))
        except FATAL:
            raise
        except Exception as error:
            raise self._failed("flush", error) from error

    def _failed(self, method: str, error: Exception) -> StageError:
        if isinstance(error, StageError):
            return error
        hint = _HOW_TO_REJECT if isinstance(error, Reject) else ""
        return StageError(f"stage {self.name!r} failed in {method}(): {describe(error)[0]}{hint}")

    def _checked(self, returned: object, method: str) -> Iterable[Record | Dropped]:
        if returned is None or not isinstance(returned, Iterable):
            raise StageError(
                f"stage {self.name!r}: {method}() returned {type(returned).__name__}; "
                "return a list of the records that go on (an empty one for none)"
            )
        for item in returned:
            if not isinstance(item, (Record, Dropped)):
                raise StageError(
                    f"stage {self.name!r}: {method}() returned a {type(item).__name__} among its records; "
                    "return records: record.replace(value) keeps a record's identity"
                )
            yield item

    def _grouped(self, returned: list[Record | Dropped]) -> list[Released]:
        groups: list[_Group] = []
        told: set[Family | Merger] = set()
        for item in returned:
            record = item.record if isinstance(item, Dropped) else item
            if not groups or not groups[-1].takes(record):
                groups.append(_Group(Released(record._partition, record._read_at)))
            group = groups[-1]
            for fact in record._lineage():
                if fact not in told:
                    told.add(fact)
                    group.released.lineage.append(fact)
            group.add(item, self.name)
        return [group.close() for group in groups]


class _Group:
    """Records that a stage gave up one behind the other and that go on as one batch."""

    def __init__(self, released: Released) -> None:
        self.released = released
        self._kept: list[Id] = []
        self._filtered: list[Id] = []

    def takes(self, record: Record) -> bool:
        """Whether the record belongs to it: the order in which they were given up is kept."""
        mine = self.released
        if record._partition != mine.partition:
            return False
        return record._read_at == mine.read_at or len(self._kept) < SMALL_GROUP

    def add(self, item: Record | Dropped, stage: str) -> None:
        """The next one."""
        mine = self.released
        if not isinstance(item, Dropped):
            mine.read_at = min(mine.read_at, item._read_at)
            self._kept.append(item._id)
            mine.values.append(item.value)
        elif item.reason is None:
            self._filtered.append(item.record._id)
        else:
            mine.rejected.append(
                Rejection(item.record._id, stage, item.reason, item.record.value, whole=False)
            )

    def close(self) -> Released:
        """All of it."""
        self.released.ids = Ids.named(self._kept)
        self.released.filtered = Ids.named(self._filtered)
        return self.released
