"""A stage with a memory: it may hold records back and give them up later, by id."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from pipeline.batch import Batch, Partition, Rejection
from pipeline.errors import StageError
from pipeline.ids import NO_IDS, Id, Ids
from pipeline.operators.base import FATAL, describe
from pipeline.stages import Child, Dropped, Record, Stage


@dataclass(slots=True)
class Released:
    """What a stateful stage gave up of one partition that was read at one time."""

    partition: Partition
    read_at: float
    ids: Ids = NO_IDS
    values: list[Any] = field(default_factory=list)
    filtered: Ids = NO_IDS
    rejected: list[Rejection] = field(default_factory=list)
    families: list[tuple[Id, int]] = field(default_factory=list)
    merges: list[tuple[Id, tuple[tuple[Partition, Id], ...]]] = field(default_factory=list)

    def left(self) -> dict[Partition, Ids]:
        """The ids of those taken that the stage no longer holds (parents, not children)."""
        parents = {parent for parent, _ in self.families}
        gone: dict[Partition, set[Id]] = {self.partition: set(parents)}
        own = gone[self.partition]
        own.update(id for id in (*self.ids, *self.filtered) if _parent(id) not in parents)
        own.update(letter.id for letter in self.rejected if _parent(letter.id) not in parents)
        for _, followers in self.merges:
            for partition, follower in followers:
                gone.setdefault(partition, set()).add(follower)
        return {partition: Ids.named(sorted(ids)) for partition, ids in gone.items() if ids}

    @property
    def created(self) -> int:
        """Children beyond one a record, less the records that others stand for."""
        return sum(children - 1 for _, children in self.families) - sum(
            len(group) for _, group in self.merges
        )


class StatefulOperator:
    """Drives a user's :class:`~pipeline.stages.Stage`."""

    def __init__(self, name: str, stage: Stage, on_error: str = "fail") -> None:
        self.name = name
        self._stage = stage
        self._on_error = on_error

    def open(self) -> None:
        """Start the stage afresh."""
        self._stage.open()

    def close(self) -> None:
        """Let the stage let go of what it opened."""
        self._stage.close()

    def process(self, batch: Batch) -> list[Released]:
        """What the stage gives up now, a group for each partition and time of reading."""
        records = [
            Record(batch.partition, id, value, batch.read_at)
            for id, value in zip(batch.ids, batch.values, strict=True)
        ]
        try:
            returned = list(self._checked(self._stage.process(records), "process"))
        except FATAL:
            raise
        except Exception as error:
            if self._on_error != "reject":
                raise self._failed("process", error) from error
            reason, trace = describe(error)
            letters = [Rejection(r._id, self.name, reason, r.value, None, trace) for r in records]
            return [Released(batch.partition, batch.read_at, rejected=letters)]
        return self._grouped(returned)

    def flush(self) -> list[Released]:
        """What the stage still held and gives up at the end."""
        try:
            return self._grouped(list(self._checked(self._stage.flush(), "flush")))
        except FATAL:
            raise
        except Exception as error:
            raise self._failed("flush", error) from error

    def _failed(self, method: str, error: Exception) -> StageError:
        if isinstance(error, StageError):
            return error
        return StageError(f"stage {self.name!r} failed in {method}(): {describe(error)[0]}")

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
        groups: dict[tuple[Partition, float], tuple[Released, list[Id], list[Id]]] = {}
        families: set[tuple[Partition, Id]] = set()
        for item in returned:
            record = item.record if isinstance(item, Dropped) else item
            key = (record._partition, record._read_at)
            if key not in groups:
                groups[key] = (Released(*key), [], [])
            group, kept, filtered = groups[key]
            if isinstance(record, Child):
                parent = (record._partition, record.parent._id)
                if parent not in families:
                    group.families.append((record.parent._id, record.siblings))
                families.add(parent)
            if isinstance(item, Dropped):
                if item.reason is None:
                    filtered.append(record._id)
                else:
                    group.rejected.append(Rejection(record._id, self.name, item.reason, record.value))
                continue
            if record._merged:
                group.merges.append((record._id, record._merged))
            kept.append(record._id)
            group.values.append(record.value)
        for group, kept, filtered in groups.values():
            group.ids = Ids.named(kept)
            group.filtered = Ids.named(filtered)
        return [group for group, _, _ in groups.values()]


def _parent(id: Id) -> Id | None:
    return Id(id.offset, id.path.rpartition(".")[0]) if id.path else None
