"""SQLite on a disk that notes, fails and loses power: a VFS below it, through apsw.

The standard library's ``sqlite3`` cannot be given a VFS, so that the product's connections are made through
apsw here, which wraps the same library; :class:`Connection` has the few methods that the product uses.
"""

from __future__ import annotations

import errno
import itertools
import sqlite3
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import apsw
import pytest

from pipeline import checkpoint
from pipeline.sinks import sqlite_table
from tests.chaos.disk import Disk, Op

_numbers = itertools.count()


class _Vfs(apsw.VFS):
    def __init__(self, disk: Disk) -> None:
        self.name = f"chaos-{next(_numbers)}"
        self._disk = disk
        super().__init__(self.name, "")

    def excepthook(self, *_: object) -> bool:
        """SQLite has the error already; what it does about it is what the trials look at."""
        return True

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
        return _File(self._disk, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        _do(self._disk, Op("remove", filename))
        if syncdir:
            _do(self._disk, Op("sync folder"))
        super().xDelete(filename, syncdir)


class _File(apsw.VFSFile):
    def __init__(self, disk: Disk, name: Any, flags: list[int]) -> None:
        self._disk = disk
        self._path = name.filename() if isinstance(name, apsw.URIFilename) else str(name)
        existed = Path(self._path).exists()
        # SQLite syncs the folder with the first sync of a log or journal that it has made.
        self._folder_due = self._path.endswith(("-wal", "-journal"))
        if not existed and flags[0] & apsw.SQLITE_OPEN_CREATE:
            _do(disk, Op("create", self._path))
        super().__init__("", name, flags)

    def excepthook(self, *_: object) -> bool:
        """As above."""
        return True

    def xWrite(self, data: Any, offset: int) -> None:  # noqa: N802
        _do(self._disk, Op("write", self._path, offset, bytes(data)))
        super().xWrite(data, offset)

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        _do(self._disk, Op("truncate", self._path, newsize))
        super().xTruncate(newsize)

    def xSync(self, flags: int) -> None:  # noqa: N802
        _do(self._disk, Op("sync", self._path))
        if self._folder_due:
            self._folder_due = False
            _do(self._disk, Op("sync folder"))
        super().xSync(flags)


class Connection:
    """What the product uses of ``sqlite3.Connection``, in autocommit."""

    def __init__(self, path: str, vfs: str, *, synchronous: bool) -> None:
        self._synchronous = synchronous
        with _as_sqlite3():
            self._inner = apsw.Connection(path, vfs=vfs)
            # Without it, the log's index lies in shared memory, which a VFS in Python has none of.
            self._inner.execute("PRAGMA locking_mode=EXCLUSIVE")
            # Pages leave the cache before the commit, as they do when transactions are large; a disk that is
            # full then undoes the whole transaction.
            self._inner.execute("PRAGMA page_size=512")
            self._inner.execute("PRAGMA cache_size=1")

    def execute(self, sql: str, bindings: Sequence[Any] = ()) -> Any:
        if sql.startswith("PRAGMA synchronous") and not self._synchronous:
            sql = "PRAGMA synchronous=OFF"
        with _as_sqlite3():
            return _Cursor(self._inner.execute(sql, tuple(bindings)))

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        with _as_sqlite3():
            self._inner.executemany(sql, rows)

    def getlimit(self, category: int) -> int:
        return self._inner.limit(category)

    @property
    def in_transaction(self) -> bool:
        return bool(self._inner.in_transaction)

    def rollback(self) -> None:
        self.execute("ROLLBACK")

    def close(self) -> None:
        with _as_sqlite3():
            self._inner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return


class _Cursor:
    def __init__(self, inner: apsw.Cursor) -> None:
        self._inner = inner

    def __iter__(self) -> Iterator[Any]:
        return iter(self.fetchall())

    def fetchone(self) -> Any:
        with _as_sqlite3():
            return self._inner.fetchone()

    def fetchall(self) -> list[Any]:
        with _as_sqlite3():
            return self._inner.fetchall()


@contextmanager
def under_sqlite(disk: Disk) -> Iterator[None]:
    """Let the product's SQLite files go through this disk."""
    vfs = _Vfs(disk)

    def connect(path: object, **_: object) -> Connection:
        return Connection(str(path), vfs.name, synchronous=not disk.loses_syncs)

    shim = SimpleNamespace(**{**vars(sqlite3), "connect": connect})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoint, "sqlite3", shim)
        patch.setattr(sqlite_table, "sqlite3", shim)
        # SQLite hears of these errors; what it does about them is what the trials look at.
        patch.setattr(sys, "unraisablehook", lambda _: None)
        try:
            yield
        finally:
            vfs.unregister()


def _do(disk: Disk, op: Op) -> None:
    try:
        disk.do(op)
    except OSError as error:
        if error.errno == errno.ENOSPC and op.what == "write":
            raise apsw.FullError(str(error)) from None
        raise apsw.IOError(str(error)) from None


@contextmanager
def _as_sqlite3() -> Iterator[None]:
    try:
        yield
    except apsw.ConstraintError as error:
        raise sqlite3.IntegrityError(str(error)) from error
    except apsw.Error as error:
        raise sqlite3.OperationalError(str(error)) from error
