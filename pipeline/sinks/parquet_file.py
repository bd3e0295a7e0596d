"""Values as one Parquet file."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigurationError, SinkError
from pipeline.ids import Id, Ids
from pipeline.sinks.base import Sink
from pipeline.sinks.fields import gather
from pipeline.sinks.output_file import PathLike, check_writable
from pipeline.sinks.parquet_folder import PART_ROWS, PART_S, ParquetFolderSink
from pipeline.sinks.parquet_part import PartFile
from pipeline.sinks.parquet_rows import RowBatches, check_pyarrow, row_encoder


class ParquetSink(Sink):
    """Rows in row groups of some thousand. For columns and types see
    :class:`~pipeline.sinks.parquet_rows.RowBatches`.

    All or nothing: the file is written under another name beside its own, and takes its own when the run has
    closed it. After a crash what was there before is still there, and the next run begins anew.
    """

    guarantee = "exactly once"

    def __init__(self, path: PathLike) -> None:
        self.path = Path(path)
        self.name = f"parquet {self.path}"
        self.folder = str(self.path.parent)
        self.encode = row_encoder()
        self._batches: RowBatches | None = None
        self._file: PartFile | None = None

    def check(self) -> None:
        check_pyarrow(self.path)
        check_writable(self.path, "parquet")
        if self.path.is_file() and not os.access(self.path.parent, os.W_OK | os.X_OK):
            raise ConfigurationError(
                f"parquet: cannot write {self.path}: the folder {self.path.parent} is not writable, and the "
                "file is written anew in it; change its permissions or give another path"
            )

    def open(self) -> None:
        check_pyarrow(self.path)
        self._batches = RowBatches()
        self._file = PartFile(self.path)

    def write(self, ids: Ids, payloads: list[Any]) -> Iterable[Id]:
        if self._file is None or self._batches is None:
            raise SinkError(f"{self.name} is not open")
        rows, types = gather(payloads)
        if rows:
            self._file.add(self._batches.make(rows, types))
        return ids

    def close(self) -> None:
        """Give the file its name. Raises :class:`SinkError` where that fails."""
        file, self._file = self._file, None
        if file is not None and self._batches is not None and file.is_sound:
            file.finish(self._batches.schema)


def parquet(
    path: PathLike, *, part_rows: int = PART_ROWS, part_s: float = PART_S
) -> ParquetSink | ParquetFolderSink:
    """Write Parquet. Needs pyarrow.

    ``path`` is one file, which is there when the run is over; or a folder (it is there, or the path ends in
    ``/``), which gets files of ``part_rows`` rows, or of what came in ``part_s`` seconds, and which a
    later run goes on with.
    """
    if os.fspath(path).endswith(("/", os.sep)) or os.path.isdir(path):  # noqa: PTH112 - an impossible name is none
        return ParquetFolderSink(path, part_rows, part_s)
    return ParquetSink(path)
