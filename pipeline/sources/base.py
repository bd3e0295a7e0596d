"""What a source is: a named set of partitions that can be read from any offset."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from pipeline.batch import Chunk, Decode
from pipeline.checkpoint import Progress


@dataclass(frozen=True, slots=True)
class PartitionSpec:
    """A partition before it is read.

    ``name`` is stable from run to run and unique within the source. ``total`` is the number of
    records where it is known, ``size`` the number of stored bytes where it is known.
    """

    name: str
    total: int | None = None
    size: int | None = None


class Source(ABC):
    """A set of partitions.

    The engine calls :meth:`check`, :meth:`remember`, then :meth:`partitions` once, then :meth:`read`
    for each partition, from one thread a source. An offset counts the partition's records from 0 and
    means the same record in every run.
    """

    name: str
    """Unique within a pipeline; the first part of a record's id."""

    blocking: ClassVar[bool] = True
    """Whether reading may wait for somebody else (a pipe, a user's generator, a network). The
    engine then reads in a thread of its own, so that a partial batch need not wait, and a drain or a pause
    need not either. A source of which that is not so (False) is read faster."""

    grows: ClassVar[bool] = False
    """Whether more may come later on, in a partition or as a new partition. Where there is nothing yet,
    :meth:`read` does not wait but gives an empty chunk, and is asked again a little later; so is
    :meth:`partitions`, which then has the new ones too. Such a source has no end of its own."""

    def local_files(self) -> Sequence[Path]:
        """The files on this machine that are read, so that no run writes over its own input."""
        return ()

    @property
    def repeats(self) -> bool:
        """Whether an offset means the same record in every run, so that a later run can go on
        where this one stood. A pipe does not repeat."""
        return True

    def check(self) -> None:
        """Raise :class:`~pipeline.errors.ConfigurationError` where reading cannot even begin."""
        return

    def remember(self, known: Mapping[str, Progress]) -> None:  # noqa: ARG002
        """What earlier runs have settled, by partition; for a source whose partitions depend on it."""
        return

    @abstractmethod
    def partitions(self) -> Sequence[PartitionSpec]:
        """The partitions, in a stable order."""

    def identify(self, partition: str, known: str | None) -> str:  # noqa: ARG002
        """What tells the partition's content from another of the same name, as one line of text.

        ``known`` is what an earlier run was told. Raises :class:`~pipeline.errors.ConfigurationError`
        where the content is another one now; that it has grown at its end is no other content.
        """
        return ""

    def decoder(self, partition: str, schema: type | None) -> Decode | None:
        """What makes values of raw records of this partition that were kept elsewhere.

        None where that cannot be told. Raises what :meth:`read` raises, if it has to read the beginning.
        """
        if not self.repeats:
            return None
        chunks = self.read(partition, 0, schema)
        try:
            return next((chunk.decode for chunk in chunks), None)
        finally:
            close: Callable[[], object] | None = getattr(chunks, "close", None)
            if close is not None:
                close()

    @abstractmethod
    def read(self, partition: str, start: int, schema: type | None) -> Iterator[Chunk]:
        """The records from offset ``start`` on, as chunks with rising offsets.

        A chunk is what one read gives, at most about 256 KiB; a blocking source gives one as soon
        as it has a record. Each chunk's ``decode`` makes values of ``schema``. Closing the
        iterator closes what it has open. Raises :class:`~pipeline.errors.InputError` where the
        input breaks, after the chunks that were still good.
        """


Values = list[Any]
