"""Text files that grow, and are rotated, as a source without an end."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO, ClassVar, cast

from pipeline.batch import Chunk
from pipeline.checkpoint import Progress
from pipeline.errors import ConfigurationError, InputError
from pipeline.ids import NO_IDS
from pipeline.sources.base import PartitionSpec
from pipeline.sources.files import Files
from pipeline.sources.location import StoredFile
from pipeline.sources.tail import Mark, Tail, new_mark
from pipeline.sources.text import plain_text

_NO_TEXT = (
    "only plain text can be followed, not Parquet or what is compressed, which cannot be read before its "
    "end; give a pattern that takes in nothing else"
)
_TELLING = 512
"""So many equal bytes tell a file without its inode; two logs may well begin with the same line."""

Key = tuple[int, int]
"""The device and the inode of a file: what it keeps when it is renamed."""


@dataclass(slots=True)
class Generation:
    """One file that was, or is, at a place. ``path`` is where it lies now, None where it is gone."""

    partition: str
    home: Path
    path: Path | None
    mark: Mark
    settled: int = 0
    """Below this offset all was settled by earlier runs, or is known to be open."""
    unread: bool = True
    """Whether there may be records in it that no earlier run has settled."""


class FollowedFiles(Files):
    """Made by :func:`~pipeline.sources.files.files` with ``follow=True``.

    The file that is at a place first is a partition of its own name, such as ``app.log``. Once it has been
    rotated (another file has come to its place) it is read to its end wherever it lies now; the
    new file is the partition ``app.log~2``, and so on. A file keeps its partition from run to run, by its
    inode and the hash of its beginning. What comes and is rotated away between two looks, a second apart,
    or between two runs, is only seen if the pattern takes in the rotated names too.
    """

    grows: ClassVar[bool] = True

    def check(self) -> None:
        super().check()
        self._reset({})

    def _check(self, file: StoredFile) -> None:
        format, codec = self._format_of(file)
        if format == "parquet" or codec is not None:
            raise ConfigurationError(f"{file.path}: {_NO_TEXT}")
        super()._check(file)

    def remember(self, known: Mapping[str, Progress]) -> None:
        self._reset(known)

    def partitions(self) -> Sequence[PartitionSpec]:
        self._look()
        return [PartitionSpec(name) for name in self._generations]

    def identify(self, partition: str, known: str | None) -> str:  # noqa: ARG002 - _find has compared it
        return str(self._generations[partition].mark)

    def read(self, partition: str, start: int, schema: type | None) -> Iterator[Chunk]:
        generation = self._generations.get(partition)
        if generation is None:
            raise InputError(f"source {self.name!r} has no partition {partition!r}")
        return self._read(generation, start, schema) if generation.unread else iter(())

    def _read(self, generation: Generation, start: int, schema: type | None) -> Iterator[Chunk]:
        home = generation.home
        format, codec = self._format_of(StoredFile(str(home), None, lambda: home.open("rb")))
        if format == "parquet" or codec is not None:
            raise InputError(f"{home}: {_NO_TEXT}")
        tail = Tail(self._open(generation), home, generation.mark)
        high = max(start, generation.settled)
        text = plain_text(tail.blocks(), self._options.encoding)
        for chunk in self._text(format).chunks(text, start, schema, str(home)):
            if not chunk.empty:
                ends = [run.stop for run in chunk.ids.runs[-1:]]
                high = max([high, *ends, *(letter.id.offset + 1 for letter in chunk.rejected)])
                chunk.identity = str(tail.mark)
            yield chunk
        mark = replace(tail.mark, ended=high)
        generation.mark, generation.unread = mark, False
        yield Chunk(NO_IDS, [], 0, iter, tail.position, identity=str(mark))

    def _open(self, generation: Generation) -> BinaryIO:
        """The file itself, also where it has been renamed since it was found."""
        for _ in range(3):
            path = generation.path
            if path is not None:
                try:
                    file = path.open("rb", buffering=0)
                except FileNotFoundError:
                    pass
                except OSError as error:
                    raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
                else:
                    if os.fstat(file.fileno()).st_ino == generation.mark.inode:
                        return cast("BinaryIO", file)
                    file.close()
            generation.path = _sought(generation)
        raise InputError(f"{generation.home}: the file was rotated away and cannot be found any more")

    # Which files there are

    def _reset(self, known: Mapping[str, Progress]) -> None:
        self._known = dict(known)
        self._generations: dict[str, Generation] = {}
        self._by_key: dict[Key, Generation] = {}

    def _look(self) -> None:
        """Take in the files of earlier runs, at the first time, and those that are new."""
        places = [(path, status) for path in self._paths() if (status := _status(path)) is not None]
        homes = {self._base(path): path for path, _ in places}
        known, self._known = self._known, {}
        for name, progress in known.items():
            self._take_back(name, progress, homes)
        for path, status in places:
            key = (status.st_dev, status.st_ino)
            generation = self._by_key.get(key)
            if generation is None or not (generation.unread or generation.mark.fits(path)):
                self._by_key[key] = self._new(path, status.st_ino)
            else:
                generation.path = path

    def _take_back(self, name: str, progress: Progress, homes: Mapping[str, Path]) -> None:
        """A partition of an earlier run; raises ConfigurationError where what is left of it is gone."""
        mark = Mark.parse(progress.identity, name)
        home = homes.get(mark.name) or self._root() / mark.name
        complete = mark.ended is not None and progress.high >= mark.ended and not progress.open
        generation = Generation(name, home, None, mark, progress.high, not complete)
        generation.path = _sought(generation)
        if generation.path is None and generation.unread:
            raise ConfigurationError(f"{self.name}/{name}: {_gone(generation)}")
        self._generations[name] = generation
        if generation.path is not None:
            status = generation.path.stat()
            generation.mark = replace(mark, inode=status.st_ino)
            self._by_key[status.st_dev, status.st_ino] = generation

    def _new(self, path: Path, inode: int) -> Generation:
        base = self._base(path)
        name, number = base, 1
        while name in self._generations:
            number += 1
            name = f"{base}~{number}"
        generation = Generation(name, path, path, new_mark(base, inode))
        self._generations[name] = generation
        return generation

    def _paths(self) -> list[Path]:
        found: dict[Path, None] = {}
        for place in self._places:
            path = Path(place).expanduser()
            if glob.has_magic(os.fspath(place)) and not path.exists():
                matches = sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207 - as in location.py
                found.update(dict.fromkeys(map(Path, matches)))
            else:
                found[path] = None
        return list(found)

    def _root(self) -> Path:
        """The folder that partitions are named from: it must not depend on which files there are."""
        folders = []
        for place in self._places:
            path = Path(place).expanduser()
            fixed = [parent for parent in path.parents if not glob.has_magic(str(parent))]
            folders.append(str((fixed[0] if fixed else Path()).absolute()))
        return Path(os.path.commonpath(folders))

    def _base(self, path: Path) -> str:
        return Path(os.path.relpath(path.absolute(), self._root())).as_posix()


def _sought(generation: Generation) -> Path | None:
    """Where the file lies now: by its inode in the folder of its home, else by how it begins."""
    home, mark = generation.home, generation.mark
    try:
        others = sorted(path for path in home.parent.iterdir() if path != home)
    except OSError:
        others = []
    for path in (home, *others):
        status = _status(path)
        if status is not None and status.st_ino == mark.inode and mark.fits(path):
            return path
    if not generation.unread or mark.fingerprint.head < (_TELLING if mark.inode is not None else 1):
        return None
    # A file that was put back, or copied from another machine, has another inode.
    named_alike = [path for path in others if path.name.startswith(home.stem)]
    return next((path for path in (home, *named_alike) if _status(path) and mark.fits(path)), None)


def _gone(generation: Generation) -> str:
    advice = "put back, under any name, the file that was read, or start over with --fresh"
    home, read = generation.home, generation.mark.fingerprint.size or 0
    status = _status(home)
    if status is not None and status.st_ino == generation.mark.inode and status.st_size < read:
        size = status.st_size
        return f"{home} was truncated: it has {size:,} bytes, but an earlier run read {read:,}; {advice}"
    if status is not None and status.st_ino == generation.mark.inode:
        return f"{home} begins otherwise than when an earlier run read it; {advice}"
    return (
        f"an earlier run read {read:,} bytes of it and had not come to its end; now there is no such file in "
        f"{home.parent}, also not renamed; {advice}"
    )


def _status(path: Path) -> os.stat_result | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status if S_ISREG(status.st_mode) else None
