"""Where stored files are: from a path, a glob or a URL to files with stable names."""

from __future__ import annotations

import glob
import importlib
import os
import re
import stat
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, Any

from pipeline.errors import ConfigurationError
from pipeline.sources.compression import Open

_URL = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*(://|::)")

Place = str | os.PathLike[str]


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file as it is stored. ``path`` is what messages call it, ``size`` its stored bytes if known."""

    path: str
    size: int | None
    open: Open = field(repr=False, compare=False)
    remote: bool = False


def is_url(place: Place) -> bool:
    """Whether a place is a URL (``s3://bucket/key``), and not a local path."""
    return _URL.match(os.fspath(place)) is not None


def expand(places: Sequence[Place], storage_options: Mapping[str, object]) -> list[StoredFile]:
    """The files that the places stand for, each once, in the order of the places and then of their names.

    Raises :class:`ConfigurationError` where a place stands for no readable file.
    """
    found: dict[str, StoredFile] = {}
    for place in places:
        files = _remote(os.fspath(place), storage_options) if is_url(place) else _local(os.fspath(place))
        for file in files:
            found.setdefault(file.path, file)
    return list(found.values())


def partition_names(files: Sequence[StoredFile]) -> dict[str, StoredFile]:
    """The files by partition name: the file's own name, or more of its path where that is taken."""
    names = [PurePosixPath(Path(file.path).as_posix()).name for file in files]
    taken = Counter(names)
    if len(taken) == len(names):
        return dict(zip(names, files, strict=True))
    try:
        root = os.path.commonpath([str(Path(file.path).parent) for file in files])
    except ValueError:  # local and remote files, or relative and absolute paths, have no common folder
        root = ""
    return {
        name
        if taken[name] == 1
        else Path(os.path.relpath(file.path, root) if root else file.path).as_posix(): file
        for name, file in zip(names, files, strict=True)
    }


def _local(place: str) -> list[StoredFile]:
    path = Path(place).expanduser()
    if path.exists() or not glob.has_magic(place):
        return [_stored(path)]
    # Path.glob takes hidden files too, which nobody means by *.csv
    matches = sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207
    files = [Path(match) for match in matches if not Path(match).is_dir()]
    if files:
        return [_stored(file) for file in files]
    if matches:
        raise ConfigurationError(
            f"files({place!r}) matches only folders, such as {matches[0]}; add a pattern for the files "
            f"in them, such as {place}/*"
        )
    folder = _first_fixed_folder(path)
    if not folder.is_dir():
        raise ConfigurationError(f"files({place!r}) matches nothing: {_no_such(folder, 'folder')}")
    raise ConfigurationError(
        f"files({place!r}) matches no file: the folder {folder.resolve()} has {_contents(folder)}"
    )


def _stored(path: Path) -> StoredFile:
    try:
        info = path.stat()
        if stat.S_ISDIR(info.st_mode):
            raise ConfigurationError(
                f"files({str(path)!r}) is a folder: give a pattern for the files in it, such as "
                f"{str(path / '*.csv')!r} (it has {_contents(path)})"
            )
        if not stat.S_ISREG(info.st_mode):
            raise ConfigurationError(
                f"files({str(path)!r}) is a pipe or a device, not a stored file: pipe it in and read stdin()"
            )
        with path.open("rb"):
            pass
    except FileNotFoundError as exc:
        raise ConfigurationError(f"files({str(path)!r}): {_no_such(path, 'file')}") from exc
    except NotADirectoryError as exc:
        raise ConfigurationError(f"files({str(path)!r}): a part of the path is a file, not a folder") from exc
    except PermissionError as exc:
        raise ConfigurationError(
            f"files({str(path)!r}): not permitted to read it as this user; change its permissions or run as "
            f"its owner"
        ) from exc
    except OSError as exc:
        raise ConfigurationError(f"files({str(path)!r}) cannot be read: {exc.strerror or exc}") from exc
    return StoredFile(str(path), info.st_size, partial(_open_local, path))


def _open_local(path: Path) -> IO[bytes]:
    # Unbuffered: reads are large already, and a buffer would copy each block once more.
    return path.open("rb", buffering=0)


def _no_such(path: Path, what: str) -> str:
    folder = path.parent
    if not folder.is_dir():
        return _no_such(folder, "folder") if folder != path else f"no such {what}: {path}"
    near = get_close_matches(path.name, sorted(os.listdir(folder)), n=1, cutoff=0.7)  # noqa: PTH208 - the names only
    hint = f"; did you mean {str(folder / near[0])!r}?" if near else f" (looked in {folder.resolve()})"
    return f"no such {what}: {path}{hint}"


def _first_fixed_folder(path: Path) -> Path:
    fixed = [parent for parent in path.parents if not glob.has_magic(str(parent))]
    return fixed[0] if fixed else Path()


def _contents(folder: Path) -> str:
    try:
        names = sorted(name for name in os.listdir(folder) if not name.startswith("."))  # noqa: PTH208
    except OSError as exc:
        return f"contents that cannot be listed ({exc.strerror})"
    if not names:
        return "nothing in it"
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _remote(url: str, storage_options: Mapping[str, object]) -> list[StoredFile]:
    where = f"files({url!r})"
    fsspec = importlib.import_module("fsspec.core")
    try:
        system, path = fsspec.url_to_fs(url, **storage_options)
    except ImportError as exc:
        raise ConfigurationError(
            f"{where} needs a package that is not installed: pip install {_driver(url)} ({exc})"
        ) from exc
    except ValueError as exc:
        raise ConfigurationError(f"{where}: {exc}; is the part before :// right?") from exc
    except Exception as exc:  # each driver raises errors of its own
        raise ConfigurationError(f"{where} cannot be reached: {type(exc).__name__}: {exc}") from exc
    try:
        paths = sorted(system.glob(path)) if glob.has_magic(path) else [path]
        infos = [system.info(each) for each in paths]
    except FileNotFoundError as exc:
        raise ConfigurationError(f"{where}: no such file") from exc
    except Exception as exc:
        raise ConfigurationError(f"{where} cannot be read: {type(exc).__name__}: {exc}") from exc
    regular = [info for info in infos if info.get("type") != "directory"]
    if not regular:
        what = "is a folder: give a pattern for the files in it" if infos else "matches no file"
        raise ConfigurationError(f"{where} {what}")
    return [_stored_remote(system, info) for info in regular]


def _stored_remote(system: Any, info: Mapping[str, Any]) -> StoredFile:
    name = str(info["name"])
    return StoredFile(
        system.unstrip_protocol(name), info.get("size"), partial(system.open, name, "rb"), remote=True
    )


def _driver(url: str) -> str:
    known = importlib.import_module("fsspec.registry").known_implementations
    protocol = re.split("://|::", url)[0]
    return str(known.get(protocol, {}).get("class", protocol)).split(".")[0]
