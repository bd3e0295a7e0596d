"""Records out of a seed: the source of the demo and of the examples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count, islice
from typing import Any, ClassVar

from data.generator import SHAPES, broken_order
from pipeline.batch import Chunk
from pipeline.errors import ConfigurationError
from pipeline.ids import Ids
from pipeline.schema import dict_decoder, json_decoder
from pipeline.sources.base import PartitionSpec, Source

BROKEN_ORDERS = "broken_orders"
"""JSON lines of nested orders, one in a hundred of them broken in one of nine ways."""

_AT_ONCE = 512


class Generated(Source):
    """Seeded records of one shape; record ``i`` is the same in every run."""

    blocking: ClassVar[bool] = False

    def __init__(self, shape: str, records: int | None, seed: int, name: str | None) -> None:
        known = (*SHAPES, BROKEN_ORDERS)
        if shape not in known:
            raise ConfigurationError(
                f"generated({shape!r}): there is no such shape; choose from {', '.join(known)}"
            )
        if records is not None and records < 0:
            raise ConfigurationError(f"generated({shape!r}): records={records}; it must be 0 or more")
        self.name = name or shape
        self._shape = shape
        self._records = records
        self._seed = seed

    def partitions(self) -> Sequence[PartitionSpec]:
        return [PartitionSpec(f"seed-{self._seed}", total=self._records)]

    def identify(self, partition: str, known: str | None) -> str:
        identity = f"{self._shape} {partition}"
        if known is not None and known != identity:
            raise ConfigurationError(
                f"{self.name}/{partition}: an earlier run read {known!r}, this one would read {identity!r}; "
                "give the same seed and shape, or start over with --fresh"
            )
        return identity

    def read(self, partition: str, start: int, schema: type | None) -> Iterator[Chunk]:  # noqa: ARG002
        indexes = iter(range(start, self._records)) if self._records is not None else count(start)
        broken = self._shape == BROKEN_ORDERS
        decode = json_decoder(schema) if broken else dict_decoder(schema)
        offset = start
        while indices := list(islice(indexes, _AT_ONCE)):
            raw: list[Any]
            if broken:
                raw = [broken_order(self._seed, index) for index in indices]
                size = sum(map(len, raw))
            else:
                make = SHAPES[self._shape]
                raw = [make(self._seed, index) for index in indices]
                size = 0
            yield Chunk(Ids.span(offset, offset + len(raw)), raw, size, lambda raws: map(decode, raws))
            offset += len(raw)


def generated(shape: str, *, records: int | None = None, seed: int = 0, name: str | None = None) -> Generated:
    """``records`` seeded records of a shape: ``orders``, ``sensors``, ``clicks`` or ``broken_orders``.

    With ``records=None`` there is no end to them.
    """
    return Generated(shape, records, seed, name)
