"""Records that another program pipes in."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal, get_args

from pipeline.batch import Chunk, Decode
from pipeline.errors import ConfigurationError
from pipeline.sources.base import PartitionSpec, Source
from pipeline.sources.compression import BLOCK, Block, Blocks, BrokenStreamError
from pipeline.sources.formats import MAX_RECORD_BYTES, TextOptions
from pipeline.sources.text import plain_text

StreamFormat = Literal["jsonl", "csv", "tsv", "lines"]

_STDIN = 0


def stdin(
    format: StreamFormat,
    *,
    name: str = "stdin",
    encoding: str = "utf-8",
    null: str | Sequence[str] = "",
    delimiter: str | None = None,
    max_record_bytes: int = MAX_RECORD_BYTES,
) -> Stdin:
    """What is piped into this process, as one partition named ``stdin``.

    The options are those of :func:`~pipeline.sources.files.files`. Records are handed on as soon as the
    line that holds them is complete. What was piped in cannot be read again, so a resumed
    run must be given the whole input once more; it passes over what it has had.
    """
    if format not in get_args(StreamFormat):
        raise ConfigurationError(f"stdin({format!r}): give one of {', '.join(get_args(StreamFormat))}")
    nulls = (null,) if isinstance(null, str) else tuple(null)
    return Stdin(name, format, TextOptions(encoding, nulls, delimiter, max_record_bytes), _STDIN)


class Stdin(Source):
    """Made by :func:`stdin`; ``fd`` is the file descriptor to read."""

    blocking: ClassVar[bool] = True

    def __init__(self, name: str, format: StreamFormat, options: TextOptions, fd: int) -> None:
        self.name = name
        self._format = options.format(format)
        self._encoding = options.encoding
        self._fd = fd

    @property
    def repeats(self) -> bool:
        return False

    def check(self) -> None:
        try:
            os.fstat(self._fd)
        except OSError as exc:
            raise ConfigurationError(f"stdin() is closed ({exc.strerror}); pipe the records in") from exc
        if os.isatty(self._fd):
            raise ConfigurationError(
                "stdin() is a terminal; pipe the records in, as in: cat data.jsonl | COMMAND"
            )

    def partitions(self) -> Sequence[PartitionSpec]:
        return [PartitionSpec("stdin")]

    def decoder(self, partition: str, schema: type | None) -> Decode | None:  # noqa: ARG002
        return self._format.plain_decoder(schema)

    def read(
        self,
        partition: str,  # noqa: ARG002 - there is only one
        start: int,
        schema: type | None,
    ) -> Iterator[Chunk]:
        return self._format.chunks(plain_text(self._blocks(), self._encoding), start, schema, self.name)

    def _blocks(self) -> Blocks:
        position = 0
        while True:
            try:
                data = os.read(self._fd, BLOCK)
            except OSError as exc:
                raise BrokenStreamError(f"reading failed: {exc.strerror}") from exc
            if not data:
                return
            position += len(data)
            yield Block(data, position)
