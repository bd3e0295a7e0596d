"""Parquet files through pyarrow, which is an optional package."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from functools import partial
from typing import Any

from pipeline.batch import Chunk, Decode
from pipeline.errors import ConfigurationError, InputError
from pipeline.ids import Ids
from pipeline.schema import dict_decoder
from pipeline.sources.compression import BLOCK
from pipeline.sources.location import StoredFile

_MOST_ROWS = 65_536


def check(file: StoredFile) -> int:
    """The number of rows; :class:`ConfigurationError` where the file cannot be read as Parquet."""
    with file.open() as stream:
        return int(_open(stream, file.path).metadata.num_rows)


def chunks(file: StoredFile, start: int, schema: type | None) -> Iterator[Chunk]:
    """The rows from row ``start`` on, as dicts; row groups before it are not read."""
    decode: Decode = partial(map, dict_decoder(schema))
    number = 0
    try:
        opened = file.open()
    except Exception as exc:  # drivers of remote files raise errors of their own
        raise InputError(f"{file.path} cannot be opened any more: {exc}; put it back and run again") from exc
    with opened as stream:
        parquet = _open(stream, file.path)
        metadata = parquet.metadata
        position = 0
        for group in range(metadata.num_row_groups):
            rows = metadata.row_group(group).num_rows
            stored = _stored_bytes(metadata.row_group(group))
            if number + rows <= start:
                number += rows
                position += stored
                continue
            first = number
            per_chunk = max(
                1, min(_MOST_ROWS, rows * BLOCK // max(1, metadata.row_group(group).total_byte_size))
            )
            try:
                for batch in parquet.iter_batches(
                    batch_size=per_chunk, row_groups=[group], use_threads=False
                ):
                    begin, number = number, number + batch.num_rows
                    if number <= start:
                        continue
                    part = batch.slice(max(0, start - begin))
                    now = position + stored * (number - first) // rows
                    ids = Ids.span(max(start, begin), number)
                    yield Chunk(ids, part.to_pylist(), part.nbytes, decode, now)
            except Exception as exc:
                raise InputError(
                    f"{file.path}: row group {group} cannot be read: {exc}. {number:,} rows before it are "
                    f"kept. Get a whole copy of the file and run again"
                ) from exc
            position += stored


def _open(stream: object, where: str) -> Any:
    try:
        parquet = importlib.import_module("pyarrow.parquet")
    except ImportError as exc:
        raise ConfigurationError(
            f"{where}: reading Parquet needs the package pyarrow: pip install 'pipeline-monitor[parquet]'"
        ) from exc
    try:
        return parquet.ParquetFile(stream)
    except Exception as exc:
        raise ConfigurationError(f"{where} is not a whole Parquet file: {exc}") from exc


def _stored_bytes(group: Any) -> int:
    return sum(int(group.column(index).total_compressed_size) for index in range(group.num_columns))
