"""Values as a folder of Parquet files."""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigurationError, SinkError
from pipeline.ids import Id, Ids
from pipeline.sinks.base import Sink
from pipeline.sinks.fields import gather
from pipeline.sinks.output_file import PathLike, check_writable, sync_folder, write_failed
from pipeline.sinks.parquet_part import WRITING, PartFile
from pipeline.sinks.parquet_rows import RowBatches, check_pyarrow, is_marked, row_encoder

PART_ROWS = 1_000_000
PART_S = 30.0
"""A part is finished when it has so many rows, or when its first rows have waited for so many seconds."""

_PART = re.compile(r"part-(\d{6,})\.parquet")


class ParquetFolderSink(Sink):
    """Rows in the files ``part-000001.parquet``, ``part-000002.parquet`` and so on of one folder. For
    columns and types see :class:`~pipeline.sinks.parquet_rows.RowBatches`.

    A part is whole, and on the disk, before it gets its name; a commit says how many there are. A later
    run removes those that no commit speaks of and goes on with the next one, of the same columns.
    """

    guarantee = "exactly once"
    resumes = True

    def __init__(self, path: PathLike, part_rows: int, part_s: float) -> None:
        self.path = Path(path)
        if not isinstance(part_rows, int) or part_rows < 1:
            raise ConfigurationError(f"parquet(part_rows={part_rows!r}): give a whole number, at least 1")
        if not part_s > 0:
            raise ConfigurationError(f"parquet(part_s={part_s!r}): give a number of seconds above 0")
        self.name = f"parquet {self.path}/"
        self.folder = str(self.path.parent)
        self.encode = row_encoder()
        self.commit_every_s = part_s
        self._part_rows = part_rows
        self._batches: RowBatches | None = None
        self._part: PartFile | None = None
        self._parts = 0
        self._told: int | None = None

    def check(self) -> None:
        check_pyarrow(self.path)
        if not os.path.isdir(self.path):  # noqa: PTH112 - an impossible name is none
            check_writable(self.path, "parquet")
            if self.path.exists():
                raise ConfigurationError(f"parquet: {self.path} is a file, not a folder; leave out the /")
            return
        check_writable(self.path / "part", "parquet")
        strangers = [path.name for path in sorted(self.path.glob("*.parquet")) if not _is_ours(path)]
        if strangers:
            raise ConfigurationError(
                f"parquet: the folder {self.path} has a file {strangers[0]!r} that was not written by this "
                "product; who reads the folder would mix the two: give another folder"
            )

    def open(self) -> None:
        self._begin(0)

    def resume(self, note: str) -> None:
        self._begin(int(note))
        if self._parts and self._batches is not None:
            parquet: Any = importlib.import_module("pyarrow.parquet")
            try:
                self._batches.take_schema(parquet.read_schema(self._path(self._parts)))
            except (OSError, ValueError) as error:
                raise SinkError(
                    f"{self.name}: {self._path(self._parts).name} cannot be read: {error}; put it back, or "
                    "start over with --fresh"
                ) from error

    def write(self, ids: Ids, payloads: list[Any]) -> Iterable[Id]:
        if self._batches is None:
            raise SinkError(f"{self.name} is not open")
        rows, types = gather(payloads)
        if rows:
            batch = self._batches.make(rows, types)
            self._part = self._part or PartFile(self._path(self._parts + 1))
            self._part.add(batch)
            if self._part.rows >= self._part_rows:
                self._finish()
        return ids

    def ready(self) -> bool:
        """Whether a part was finished that no commit speaks of yet."""
        return self._parts > (self._told or 0)

    def flush(self) -> str:
        self._finish()
        self._told = self._parts
        return str(self._parts)

    def close(self) -> None:
        """Rows that no commit speaks of are left out where there are commits, else their part is finished."""
        batches, self._batches = self._batches, None
        part, self._part = self._part, None
        if part is None or batches is None or not part.is_sound:
            return
        if self._told is None:
            part.finish(batches.schema)
        else:
            part.discard()

    def _finish(self) -> None:
        if self._part is None or self._batches is None:
            return
        if not self._part.is_sound:
            raise SinkError(f"{self.name}: {self._part.path.name} was not written; its rows are not safe")
        self._part.finish(self._batches.schema)
        self._part = None
        self._parts += 1

    def _begin(self, parts: int) -> None:
        check_pyarrow(self.path)
        self._batches = RowBatches()
        self._part = None
        self._parts = parts
        self._told = parts if parts else None
        try:
            self.path.mkdir(exist_ok=True)
            ours = {path.name: path for path in self.path.iterdir() if _PART.fullmatch(path.name)}
            kept = {self._path(number).name for number in range(1, parts + 1)}
            if missing := sorted(kept - ours.keys()):
                raise SinkError(
                    f"{self.name}: {missing[0]} is gone, but an earlier run committed {parts:,} parts; put "
                    "it back, or start over with --fresh"
                )
            for path in self.path.iterdir():
                if path.name.endswith(f".parquet{WRITING}") or (path.name in ours and path.name not in kept):
                    path.unlink()
            sync_folder(self.path)
        except OSError as error:
            raise write_failed("parquet", self.path, error) from error

    def _path(self, number: int) -> Path:
        return self.path / f"part-{number:06d}.parquet"


def _is_ours(path: Path) -> bool:
    parquet: Any = importlib.import_module("pyarrow.parquet")
    try:
        return _PART.fullmatch(path.name) is not None and is_marked(parquet.read_schema(path))
    except (OSError, ValueError):
        return False
