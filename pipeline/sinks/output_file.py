"""A file that a run writes anew, or goes on with, and only appends to."""

from __future__ import annotations

import errno
import gzip
import io
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

import zstandard

from pipeline.errors import ConfigurationError, SinkError

PathLike: TypeAlias = str | os.PathLike[str]

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class OutputFile:
    """Appends blocks of bytes whole: a block that cannot be written leaves nothing behind.

    Where the name ends in ``.gz`` or ``.zst`` each block is compressed by itself (a gzip member, a
    Zstandard frame), so that the file can be read up to its last block at any time, also
    after a crash. There is no buffer: what :meth:`append` took is with the operating system.
    """

    def __init__(self, path: PathLike, owner: str, *, compress: bool = True) -> None:
        """``owner`` is whose file it is, for messages; without ``compress`` the ending does not matter."""
        self.path = Path(path)
        self._owner = owner
        self._compress = _compression(self.path.suffix) if compress else None
        self._file: io.FileIO | None = None
        self._end = 0
        self._regular = True
        self._entered = False
        self._synced = False

    def check(self) -> None:
        """Raise :class:`ConfigurationError` where the file could not be written; create nothing."""
        check_writable(self.path, self._owner)

    def open(self) -> None:
        """Create the file, or empty it. Raises :class:`SinkError`."""
        try:
            self._file = io.FileIO(self.path, "w")
            self._regular = stat.S_ISREG(os.fstat(self._file.fileno()).st_mode)
        except OSError as error:
            raise write_failed(self._owner, self.path, error) from error
        self._end = 0
        self._synced = False
        if self._compress is not None:
            # Zero bytes are no valid compressed file, so even one without a record holds a block.
            self._append(self._compress(b""))

    def resume(self, length: int) -> None:
        """Open the file where it had ``length`` bytes; what came after is cut off.

        Raises :class:`SinkError`.
        """
        try:
            self._file = io.FileIO(self.path, "r+")
            size = os.fstat(self._file.fileno()).st_size
            if size < length:
                self.close()
                raise SinkError(
                    f"{self._owner}: {self.path} has {size:,} bytes, but an earlier run committed "
                    f"{length:,}; put the file back, or start over with --fresh"
                )
            self._file.truncate(length)
            self._file.seek(length)
        except FileNotFoundError as error:
            raise SinkError(
                f"{self._owner}: {self.path} is gone, but an earlier run committed {length:,} bytes of it; "
                "put the file back, or start over with --fresh"
            ) from error
        except OSError as error:
            raise write_failed(self._owner, self.path, error) from error
        self._end = length
        self._synced = False

    def flush(self) -> int:
        """Put what was appended on the disk; returns the length in bytes. Raises :class:`SinkError`."""
        if self._file is None or self._synced:
            return self._end
        try:
            if self._regular:
                os.fsync(self._file.fileno())
                if not self._entered:
                    sync_folder(self.path.parent)
                    self._entered = True
            self._synced = True
        except OSError as error:
            raise write_failed(self._owner, self.path, error) from error
        return self._end

    def append(self, data: bytes) -> None:
        """Write a block to the end. Raises :class:`SinkError`; the file is then as it was before."""
        if data:
            self._append(data if self._compress is None else self._compress(data))

    def close(self) -> None:
        """Close the file; may be called again."""
        file, self._file = self._file, None
        if file is not None:
            try:
                file.close()
            except OSError as error:
                raise write_failed(self._owner, self.path, error) from error

    def _append(self, data: bytes) -> None:
        file = self._file
        if file is None:
            raise SinkError(f"{self._owner}: {self.path} is not open")
        rest = memoryview(data)
        self._synced = False
        try:
            while rest:
                # An unbuffered write may take only a part, and tells why at the next call.
                rest = rest[file.write(rest) or 0 :]
        except OSError as error:
            if self._regular:
                with suppress(OSError):
                    file.seek(self._end)
                    file.truncate()
            raise write_failed(self._owner, self.path, error) from error
        self._end += len(data)


def sync_folder(folder: Path) -> None:
    """Put a folder's entries on the disk, where the system knows how: a new file is one of them."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def check_writable(path: Path, owner: str) -> None:
    """Raise :class:`ConfigurationError`, saying what to do, where ``path`` could not be written."""
    where = f"{owner}: cannot write {path}"
    try:
        mode = _mode(path)
        folder = _mode(path.parent)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ConfigurationError(f"{where}: {reason}; give another path") from error
    if mode is not None and stat.S_ISDIR(mode):
        raise ConfigurationError(f"{where}: it is a folder; give the path of a file")
    if folder is None and path.parts[0].endswith(":"):
        raise ConfigurationError(f"{where}: sinks write to local files only; give a local path")
    if folder is None:
        raise ConfigurationError(
            f"{where}: the folder {path.parent} does not exist; create it or give another path"
        )
    if not stat.S_ISDIR(folder):
        raise ConfigurationError(f"{where}: {path.parent} is a file, not a folder; give another path")
    if mode is None and not os.access(path.parent, os.W_OK | os.X_OK):
        raise ConfigurationError(
            f"{where}: the folder {path.parent} is not writable; change its permissions or give another path"
        )
    if mode is not None and not os.access(path, os.W_OK):
        raise ConfigurationError(
            f"{where}: the file is read-only; change its permissions or give another path"
        )


def write_failed(owner: str, path: Path, error: Exception) -> SinkError:
    """The error that ends a run when writing to ``path`` failed."""
    if not isinstance(error, OSError) or error.errno is None:
        return SinkError(f"{owner}: cannot write {path}: {error}")
    hint = "; make room there or write elsewhere" if error.errno in _FULL else ""
    return SinkError(f"{owner}: cannot write {path}: {os.strerror(error.errno)}{hint}")


def _mode(path: Path) -> int | None:
    try:
        return path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None


def _compression(suffix: str) -> Callable[[bytes], bytes] | None:
    if suffix == ".gz":
        # Without a time in it, the same records give the same file.
        return lambda data: gzip.compress(data, compresslevel=6, mtime=0)
    if suffix == ".zst":
        return zstandard.ZstdCompressor().compress
    return None
