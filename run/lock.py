"""Keeps two runs on this machine from writing to the same outputs and the same progress at once."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pipeline.errors import ConfigurationError
from pipeline.pipeline import Pipeline

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows, where the second run is not noticed
    fcntl = None  # type: ignore[assignment]


@contextlib.contextmanager
def exclusive(pipeline: Pipeline, state: Path | None) -> Iterator[None]:
    """While this is open, no other process runs or replays this pipeline into the same place.

    The lock goes with the process, however that ends. It is taken only where progress is kept. Raises
    :class:`~pipeline.errors.ConfigurationError` where another process has it.
    """
    where = place(pipeline, state)
    descriptor = _opened(where) if where is not None else None
    if descriptor is None:
        yield
        return
    try:
        _take(descriptor, pipeline)
        yield
    finally:
        os.close(descriptor)


def place(pipeline: Pipeline, state: Path | None) -> str | None:
    """What a pipeline writes to, for which only one process may have the lock; None where none is needed."""
    sink = pipeline.sink
    if state is not None:
        return str(state.resolve())
    if sink is None or not sink.resumes:
        return None
    where = sink.name if sink.folder is None else str(Path(sink.folder).resolve())
    return f"{where}\n{pipeline.name}"


def _opened(place: str) -> int | None:
    """A file that stands for the place; beside the outputs it would be litter."""
    if fcntl is None:
        return None
    digest = hashlib.sha256(place.encode("utf-8", "surrogateescape")).hexdigest()[:24]
    path = Path(tempfile.gettempdir()) / f"pipeline-monitor-{os.getuid()}-{digest}.lock"
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError:
        # Without a place for temporary files there is no lock, but there is a run.
        return None


def _take(descriptor: int, pipeline: Pipeline) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        owner = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
        process = f" (process {owner})" if owner else ""
        raise ConfigurationError(
            f"pipeline {pipeline.name!r} is being run by another process{process}, which writes to the same "
            "place; wait for its end, or stop it"
        ) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
