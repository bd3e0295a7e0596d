"""One Parquet file on its way: it takes its name when it is whole and on the disk."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from pipeline.errors import SinkError
from pipeline.sinks.output_file import sync_folder, write_failed

ROW_GROUP_ROWS = 16_384
ROW_GROUP_BYTES = 8 * 2**20
"""A row group is written when it has so many rows or so many bytes as Arrow."""

WRITING = ".writing"
"""What the name of a file ends in that is not whole yet. It begins with a dot, so that no reader of the
folder takes it."""


class PartFile:
    """Takes record batches; :meth:`finish` makes a file of them, :meth:`discard` leaves nothing behind."""

    def __init__(self, path: Path) -> None:
        """Raises :class:`SinkError` where the file cannot be made."""
        self._pa: Any = importlib.import_module("pyarrow")
        self._parquet: Any = importlib.import_module("pyarrow.parquet")
        self.path = path
        self.rows = 0
        self._waiting: list[Any] = []
        self._writer: Any = None
        # A device cannot be renamed to.
        self._renames = not path.exists() or path.is_file()
        self._target = path.resolve()
        self._temporary = self._target.with_name(f".{path.name}{WRITING}") if self._renames else self._target
        try:
            self._file: Any = self._pa.OSFile(str(self._temporary), "wb")
        except OSError as error:
            raise write_failed("parquet", path, error) from error

    @property
    def is_sound(self) -> bool:
        """Whether nothing has failed, and neither finish() nor discard() was called."""
        return self._file is not None

    def add(self, batch: Any) -> None:
        """Take a ``pyarrow.RecordBatch``; all have one schema. Raises :class:`SinkError`."""
        self._waiting.append(batch)
        self.rows += batch.num_rows
        if (
            sum(batch.num_rows for batch in self._waiting) >= ROW_GROUP_ROWS
            or sum(batch.nbytes for batch in self._waiting) >= ROW_GROUP_BYTES
        ):
            self._guarded(self._write_group)

    def finish(self, schema: Any) -> None:
        """Write what waits and the footer, put all on the disk, and give the file its name.

        Raises :class:`SinkError`.
        """
        self._guarded(lambda: self._finish(schema))

    def discard(self) -> None:
        """Leave nothing of it behind; may be called again."""
        file, self._file = self._file, None
        if file is None:
            return
        with suppress(OSError, self._pa.ArrowException):
            file.close()
        if self._renames:
            self._temporary.unlink(missing_ok=True)

    def _write_group(self) -> None:
        waiting, self._waiting = self._waiting, []
        if self._writer is None:
            self._writer = self._parquet.ParquetWriter(self._file, waiting[0].schema)
        self._writer.write_table(self._pa.Table.from_batches(waiting))

    def _finish(self, schema: Any) -> None:
        if self._waiting:
            self._write_group()
        if self._writer is None:
            # No record came, so there is no column; even so it has to be a Parquet file.
            self._writer = self._parquet.ParquetWriter(self._file, schema)
        self._writer.close()
        self._file.close()
        if self._renames:
            descriptor = os.open(self._temporary, os.O_RDWR)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            self._temporary.replace(self._target)
            sync_folder(self._target.parent)
        self._file = None

    def _guarded(self, action: Callable[[], None]) -> None:
        try:
            action()
        except (OSError, self._pa.ArrowException) as error:
            self.discard()
            told = write_failed("parquet", self.path, error)
            raise SinkError(
                f"{told}; without its end the file cannot be read, so none of its rows are safe"
            ) from error
