"""The folder in which the runs of one user on this machine are found: nobody else can look into it."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from pipeline.errors import ConfigurationError

NAME = "pipeline-monitor"


def path() -> Path:
    """Where the folder is, or would be."""
    given = os.environ.get("XDG_RUNTIME_DIR", "")
    if given and Path(given).is_dir():
        return Path(given) / NAME
    return Path(tempfile.gettempdir()) / f"{NAME}-{os.getuid()}"


def made() -> Path:
    """The folder, made where it was not there.

    Raises :class:`~pipeline.errors.ConfigurationError` where it cannot be, or others could reach into it.
    """
    folder = path()
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        state = folder.lstat()
    except OSError as error:
        raise ConfigurationError(f"{folder}: cannot be made: {error.strerror or error}") from error
    wrong = _wrong(state)
    if wrong is not None:
        raise ConfigurationError(f"{folder}: {wrong}; remove it, or set XDG_RUNTIME_DIR to a folder of yours")
    return folder


def _wrong(state: os.stat_result) -> str | None:
    if not stat.S_ISDIR(state.st_mode):
        return "is no folder"
    if state.st_uid != os.getuid():
        return f"belongs to another user ({state.st_uid})"
    if state.st_mode & 0o077:
        return f"others can reach into it (mode {stat.S_IMODE(state.st_mode):04o})"
    return None
