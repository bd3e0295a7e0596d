"""Where a run keeps its progress, and whether it goes on with an earlier one."""

from __future__ import annotations

from pathlib import Path

from metrics.format import plural
from pipeline.checkpoint import CheckpointStore, FileStore
from pipeline.errors import ConfigurationError
from pipeline.outputs import safe_name
from pipeline.pipeline import Pipeline
from run.narrator import say


def open_store(pipeline: Pipeline, path: Path | None, *, fresh: bool) -> CheckpointStore | None:
    """The store of a pipeline's progress, emptied if ``fresh``; None where nothing is to be kept.

    Says on stderr what is gone on with or thrown away. Raises
    :class:`~pipeline.errors.ConfigurationError`.
    """
    store = store_of(pipeline, path)
    if store is None:
        return None
    if fresh:
        _forget(store)
        return store
    before = store.load()
    if before is not None and before.settled:
        say(
            f"Going on: {plural(before.settled, 'record')} were settled by earlier runs, the last at "
            f"{before.saved_at}. To start over: --fresh"
        )
    if before is not None and (repeated := sum(map(len, before.repeated.values()))):
        say(
            f"{plural(repeated, 'record')} may be written twice: an earlier run handed them over and ended "
            "before it could note that; the report names them"
        )
    return store


def existing_store(pipeline: Pipeline, path: Path | None) -> CheckpointStore:
    """The store of a pipeline's progress, for what cannot be done without one.

    Raises :class:`~pipeline.errors.ConfigurationError`.
    """
    store = store_of(pipeline, path)
    if store is not None:
        return store
    passing = [spec.source.name for spec in pipeline.sources if not spec.source.repeats]
    if passing:
        why = f"the source {passing[0]!r} does not give the same records again, so no progress is kept"
    else:
        assert pipeline.sink is not None
        why = f"{pipeline.sink.name} cannot go on where it stood, so rows cannot be added to it"
    raise ConfigurationError(f"{pipeline.name!r} cannot be replayed: {why}. Run it again instead")


def store_of(pipeline: Pipeline, path: Path | None) -> CheckpointStore | None:
    """The store of a pipeline's progress, None where none is kept. Raises ConfigurationError."""
    sink = pipeline.sink
    if sink is None:
        return None
    passing = [spec.source.name for spec in pipeline.sources if not spec.source.repeats]
    if passing and path is not None:
        raise ConfigurationError(
            f"--state {path}: the source {passing[0]!r} does not give the same records again, so no run "
            "can go on where another one stood; leave it out"
        )
    if passing:
        return None
    inside = sink.store(pipeline.name) if sink.resumes else None
    if inside is not None:
        if path is not None:
            raise ConfigurationError(
                f"--state {path}: {sink.name} keeps the progress itself, in one transaction with the rows; "
                "leave --state out"
            )
        return inside
    if not sink.resumes and sink.folder is not None and path is not None:
        raise ConfigurationError(
            f"--state {path}: {sink.name} cannot go on where it stood, so a state is of no use; leave it out"
        )
    if path is not None:
        return FileStore(path, pipeline.name)
    if not sink.resumes or sink.folder is None:
        return None
    return FileStore(Path(sink.folder) / f"{safe_name(pipeline.name)}.state.db", pipeline.name)


def _forget(store: CheckpointStore) -> None:
    try:
        before = store.load()
    except ConfigurationError:
        before = None
        say(f"Starting over: {store.name} cannot be read and is thrown away.")
    if before is not None:
        say(
            f"Starting over: the progress of {plural(before.settled, 'record')}, saved at {before.saved_at}, "
            "is thrown away."
        )
    store.clear()
