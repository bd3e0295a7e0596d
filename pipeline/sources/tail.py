"""A file that grows: what has been seen of it, and reading it on."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from pipeline.errors import InputError
from pipeline.sources.compression import BLOCK, Block, Blocks
from pipeline.sources.fingerprint import HEAD, Fingerprint

LOOKS_AFTER_ROTATION = 120
"""So many looks in a row without anything new, and a file that was rotated away has come to its end. A
program goes on writing to the old file until it is told of the new one."""

_ADVICE = "Rotate it by renaming (logrotate: create, not copytruncate), and start over with --fresh"
_INODE, _ENDED, _NAME = "inode=", "ended=", "of="


@dataclass(frozen=True, slots=True)
class Mark:
    """What tells a file that grows from others, whatever its name is by now.

    ``fingerprint`` is of the bytes read so far, ``name`` of the file when it was met first. ``ended`` is
    the number of records once it was rotated away and read to its end.
    """

    name: str
    fingerprint: Fingerprint
    inode: int | None = None
    ended: int | None = None

    @classmethod
    def parse(cls, text: str, name: str) -> Mark:
        """What ``str()`` of a mark gave, or of a plain fingerprint, then of the file ``name``."""
        text, _, of = text.partition(f" {_NAME}")
        words = text.split()[3:]
        inode = next((int(word.removeprefix(_INODE)) for word in words if word.startswith(_INODE)), None)
        ended = next((int(word.removeprefix(_ENDED)) for word in words if word.startswith(_ENDED)), None)
        return cls(of or name, Fingerprint.parse(text), inode, ended)

    def __str__(self) -> str:
        inode = f" {_INODE}{self.inode}" if self.inode is not None else ""
        ended = f" {_ENDED}{self.ended}" if self.ended is not None else ""
        return f"{self.fingerprint}{inode}{ended} {_NAME}{self.name}"

    def fits(self, path: Path) -> bool:
        """Whether the file may be the one marked: as long at least, and beginning in the same way."""
        try:
            with path.open("rb") as file:
                if os.fstat(file.fileno()).st_size < (self.fingerprint.size or 0):
                    return False
                return hashlib.sha256(file.read(self.fingerprint.head)).hexdigest() == self.fingerprint.sha256
        except OSError:
            return False


def new_mark(name: str, inode: int) -> Mark:
    """The mark of a file of which nothing has been read."""
    return Mark(name, Fingerprint(0, 0, hashlib.sha256().hexdigest()), inode)


class Tail:
    """Reads a file as it grows, until it is rotated away and stays as it is.

    ``home`` is where the file grows; once another one is there, or none, it has been rotated.
    """

    def __init__(self, file: BinaryIO, home: Path, mark: Mark) -> None:
        """``file`` is unbuffered and open at its beginning; it is closed with :meth:`blocks`."""
        self._file = file
        self._home = home
        status = os.fstat(file.fileno())
        self._key = (status.st_dev, status.st_ino)
        self._head = b""
        self.position = 0
        self.mark = replace(mark, inode=status.st_ino)

    def blocks(self) -> Blocks:
        """What is in the file, and empty blocks while there is nothing more yet.

        Raises :class:`~pipeline.errors.InputError` where the file was truncated or written anew.
        """
        idle, quiet = False, 0
        with self._file:
            while quiet < LOOKS_AFTER_ROTATION:
                data = self._read()
                if data:
                    if idle:
                        self._check_head()
                    idle, quiet = False, 0
                    self._took(data)
                else:
                    idle = True
                    self._check_size()
                    quiet = quiet + 1 if self._rotated() else 0
                yield Block(data, self.position)

    def _read(self) -> bytes:
        try:
            return self._file.read(BLOCK) or b""
        except OSError as error:
            raise InputError(f"{self._home}: reading failed: {error.strerror or error}") from error

    def _check_size(self) -> None:
        size = os.fstat(self._file.fileno()).st_size
        if size < self.position:
            raise InputError(
                f"{self._home} was truncated: it has {size:,} bytes, but {self.position:,} had been read; "
                "what was written just before that may be missing, and what comes now cannot be told from "
                f"what was there. {_ADVICE}"
            )

    def _check_head(self) -> None:
        """While nobody looked, it may have been truncated and have grown again."""
        reached = self._file.tell()
        self._file.seek(0)
        now = b""
        while len(now) < len(self._head) and (part := self._file.read(len(self._head) - len(now))):
            now += part
        self._file.seek(reached)
        if now != self._head:
            raise InputError(
                f"{self._home} was written anew after {self.position:,} bytes of it had been read: it begins "
                f"otherwise now. {_ADVICE}"
            )
        self._check_size()

    def _rotated(self) -> bool:
        try:
            status = self._home.stat()
        except OSError:
            return True
        return (status.st_dev, status.st_ino) != self._key

    def _took(self, data: bytes) -> None:
        self.position += len(data)
        if len(self._head) < HEAD:
            self._head += data[: HEAD - len(self._head)]
        fingerprint = self.mark.fingerprint
        sha256 = fingerprint.sha256
        if fingerprint.head < len(self._head):
            sha256 = hashlib.sha256(self._head).hexdigest()
        # An earlier run may have read further than this one has by now.
        if self.position >= (fingerprint.size or 0):
            self.mark = replace(self.mark, fingerprint=Fingerprint(self.position, len(self._head), sha256))
