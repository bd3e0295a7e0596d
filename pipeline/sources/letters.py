"""Dead letters as a source: each record under the name that it had when it was read first."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

import msgspec

from pipeline.batch import Chunk, Decode, Partition, Rejection
from pipeline.checkpoint import Progress
from pipeline.dead_letters import DeadLetter
from pipeline.errors import ConfigurationError, InputError
from pipeline.ids import Ids
from pipeline.selection import Selection, Wanted
from pipeline.sources.base import PartitionSpec, Source

CHUNK_RECORDS = 1_000
CHUNK_BYTES = 1 << 20

_Raw = tuple[int, Any, Rejection | None]
"""An offset with its raw record, or with why that could not be cut out of the input."""


class LetterSource(Source):
    """The selected dead letters of one source. Where a letter has not the whole record, that is read
    from the source itself once more."""

    blocking: ClassVar[bool] = False

    def __init__(
        self, source: Source, selection: Selection, schema: type | None, known: Mapping[str, Progress]
    ) -> None:
        """``known`` is what earlier runs have settled, by partition."""
        self.name = source.name
        self._source = source
        self._path = selection.path
        self._wanted = {
            partition.name: wanted
            for partition, wanted in selection.partitions.items()
            if partition.source == source.name
        }
        self._schema = schema
        self._known = known
        self._decoders: dict[str, Decode] = {}
        self._missing = {name: wanted.partly_kept.copy() for name, wanted in self._wanted.items()}

    def check(self) -> None:
        """Find out how to decode the letters, before anything runs."""
        if any(wanted.partly_kept for wanted in self._wanted.values()):
            self._source.check()
        self._source.remember(self._known)
        for partition, wanted in self._wanted.items():
            if wanted.partly_kept:
                known = self._known.get(partition)
                self._source.identify(partition, known.identity if known is not None else None)
            try:
                decode = self._source.decoder(partition, self._schema)
            except InputError as error:
                raise ConfigurationError(f"{self.name}/{partition}: {error}") from error
            if decode is None:
                raise ConfigurationError(
                    f"{self.name}/{partition}: its dead letters cannot be decoded, since the beginning of "
                    "the input, which tells how, is not to be had; put the input back"
                )
            self._decoders[partition] = decode

    @property
    def out_of_reach(self) -> list[str]:
        """The names of records of which neither the letter nor the source has the whole (any more)."""
        return [
            f"{Partition(self.name, name)}:{offset}"
            for name, gone in self._missing.items()
            for offset in gone
        ]

    def reaches(self, partition: str, offset: int) -> bool:
        """Whether a record was found."""
        return offset not in self._missing[partition]

    def partitions(self) -> Sequence[PartitionSpec]:
        return [PartitionSpec(name, len(wanted.offsets)) for name, wanted in self._wanted.items()]

    def read(self, partition: str, start: int, schema: type | None) -> Iterator[Chunk]:
        wanted = self._wanted[partition]
        decode = self._decoders[partition]
        offsets: list[int] = []
        raws: list[Any] = []
        rejected: list[Rejection] = []
        size = 0
        records = heapq.merge(
            self._from_file(wanted), self._from_source(partition, wanted, schema), key=lambda raw: raw[0]
        )
        for offset, raw, rejection in records:
            if offset < start:
                continue
            if rejection is not None:
                rejected.append(rejection)
            else:
                offsets.append(offset)
                raws.append(raw)
                size += len(raw) if isinstance(raw, bytes) else 0
            if len(offsets) + len(rejected) >= CHUNK_RECORDS or size >= CHUNK_BYTES:
                yield Chunk(Ids.of(offsets), raws, size, decode, None, rejected)
                offsets, raws, rejected, size = [], [], [], 0
        if offsets or rejected:
            yield Chunk(Ids.of(offsets), raws, size, decode, None, rejected)

    def _from_file(self, wanted: Wanted) -> Iterator[_Raw]:
        decode = msgspec.json.Decoder(DeadLetter).decode
        with self._path.open("rb") as file:
            for offset in wanted.offsets - wanted.partly_kept:
                file.seek(wanted.lines[offset])
                yield offset, decode(file.readline()).as_read, None

    def _from_source(self, partition: str, wanted: Wanted, schema: type | None) -> Iterator[_Raw]:
        if not wanted.partly_kept:
            return
        missing = self._missing[partition]
        last = wanted.partly_kept.max()
        chunks = self._source.read(partition, int(wanted.partly_kept.min()), schema)
        try:
            for chunk in chunks:
                for found in _records(chunk):
                    if found[0] in missing:
                        missing.discard(found[0])
                        yield found
                if chunk.empty or (chunk.ids and chunk.ids.runs[-1].stop > last):
                    break
        finally:
            close: Callable[[], object] | None = getattr(chunks, "close", None)
            if close is not None:
                close()


def _records(chunk: Chunk) -> list[_Raw]:
    raws = chunk.raw.split(b"\n") if isinstance(chunk.raw, bytes) else chunk.raw
    found: list[_Raw] = [
        (offset, raw, None)
        for offset, raw in zip(chunk.ids.offsets(), raws if chunk.ids else (), strict=True)
    ]
    found += [(rejection.id.offset, None, rejection) for rejection in chunk.rejected]
    return sorted(found, key=lambda record: record[0])
