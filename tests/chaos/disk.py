"""A disk that notes every operation, can fail at any one of them, and can lose its power.

It stands between the product and the file system where the product writes text files; `sqlite_disk`
does the same below SQLite. From what was noted, the folder can be rebuilt as a power cut at any
moment may have left it: what was synced is there, of the rest any part.
"""

from __future__ import annotations

import io
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import pytest

from pipeline.sinks import output_file

What = Literal["create", "write", "truncate", "sync", "remove", "sync folder", "acknowledged"]
SECTOR = 512


@dataclass(frozen=True, slots=True)
class Op:
    """One operation. ``offset`` is where it writes or truncates, or how many records are acknowledged."""

    what: What
    path: str = ""
    offset: int = 0
    data: bytes = b""


@dataclass
class Disk:
    """Notes operations. From number ``fail_at`` (from 1) on they fail with ``errno``: that one, or
    ``for_good``."""

    fail_at: int = 0
    errno: int = 0
    for_good: bool = False
    loses_syncs: bool = False
    """Syncs are passed over: the control, with which trials must fail."""
    ops: list[Op] = field(default_factory=list)
    _count: int = 0
    failed: bool = False
    """Whether an operation has failed."""

    def do(self, op: Op) -> None:
        """Note an operation that is about to be done. Raises OSError where it is to fail."""
        self._count += 1
        if self.fail_at and (self._count == self.fail_at or (self.for_good and self._count > self.fail_at)):
            self.failed = True
            raise OSError(self.errno, os.strerror(self.errno), op.path)
        if not (self.loses_syncs and op.what.startswith("sync")):
            self.ops.append(op)

    def acknowledge(self, records: int) -> None:
        """Progress that speaks of so many records was stored."""
        self.ops.append(Op("acknowledged", offset=records))

    @contextmanager
    def under_text_files(self) -> Iterator[None]:
        """Let the product's text files go through this disk."""
        disk = self
        paths: dict[int, str] = {}
        fsync = os.fsync

        class File(io.FileIO):
            def __init__(self, path: Path, mode: str) -> None:
                if "w" in mode:
                    disk.do(Op("create", str(path)))
                super().__init__(path, mode)
                paths[self.fileno()] = str(path)

            def write(self, data: Any, /) -> int:
                disk.do(Op("write", paths[self.fileno()], self.tell(), bytes(data)))
                return super().write(data)

            def truncate(self, size: int | None = None, /) -> int:
                disk.do(Op("truncate", paths[self.fileno()], self.tell() if size is None else size))
                return super().truncate(size)

            def close(self) -> None:
                if not self.closed:
                    paths.pop(self.fileno(), None)
                super().close()

        def sync(descriptor: int) -> None:
            path = paths.get(descriptor)
            disk.do(Op("sync", path) if path is not None else Op("sync folder"))
            fsync(descriptor)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(output_file, "io", SimpleNamespace(FileIO=File))
            patch.setattr(os, "fsync", sync)
            yield

    def acknowledged_before(self, moment: int) -> int:
        """How many records the last progress stored before operation ``moment`` spoke of."""
        known = [op.offset for op in self.ops[:moment] if op.what == "acknowledged"]
        return known[-1] if known else 0

    def rebuild(self, folder: Path, moment: int, chance: random.Random) -> None:
        """Write to ``folder`` what is left when the power goes after operation ``moment``.

        Of what was not synced each write is there, torn, or not, as ``chance`` has it; in one case of three
        nothing of it is.
        """
        share = chance.choice((0.0, 0.5, 0.9))
        for path, file in _replay(self.ops[:moment]).items():
            content = file.after_cut(chance, share)
            if content is not None:
                (folder / Path(path).name).write_bytes(content)


class _StoredFile:
    """A file as it is for those who look, and as it is on the platter."""

    def __init__(self) -> None:
        self.safe = bytearray()
        self.pending: list[Op] = []
        self.entered = False
        """Whether the folder is known to name it."""
        self.removed = False

    def sync(self) -> None:
        for op in self.pending:
            _apply(self.safe, op)
        self.pending.clear()

    def after_cut(self, chance: random.Random, share: float) -> bytes | None:
        exists = self.entered or chance.random() < share
        if self.removed:
            exists = chance.random() >= share
        if not exists:
            return None
        content = bytearray(self.safe)
        for op in self.pending:
            if chance.random() >= share:
                continue
            if op.what == "write" and chance.random() < 0.2:
                keep = len(op.data) * chance.randint(0, 4) // 4 // SECTOR * SECTOR
                op = Op("write", op.path, op.offset, op.data[:keep])  # noqa: PLW2901 - torn
            _apply(content, op)
        return bytes(content)


def _apply(content: bytearray, op: Op) -> None:
    if op.what == "write":
        if len(content) < op.offset:
            content.extend(bytes(op.offset - len(content)))
        content[op.offset : op.offset + len(op.data)] = op.data
    else:
        size = 0 if op.what == "create" else op.offset
        if len(content) < size:
            content.extend(bytes(size - len(content)))
        del content[size:]


def _replay(ops: list[Op]) -> dict[str, _StoredFile]:
    files: dict[str, _StoredFile] = {}
    for op in ops:
        if op.what == "acknowledged":
            continue
        if op.what == "sync folder":
            files = {path: file for path, file in files.items() if not file.removed}
            for file in files.values():
                file.entered = True
            continue
        file = files.setdefault(op.path, _StoredFile())
        if op.what == "remove":
            file.removed = True
        elif op.what == "sync":
            file.sync()
        else:
            if file.removed:
                file = files[op.path] = _StoredFile()
            file.pending.append(op)
    return files
