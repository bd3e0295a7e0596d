"""Loads a user's pipeline file: ``FILE[:NAME]``."""

from __future__ import annotations

import difflib
import importlib.util
import itertools
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from pipeline.errors import ConfigurationError
from pipeline.pipeline import Pipeline

_loads = itertools.count()


def load(target: str) -> Pipeline:
    """The pipeline that a file defines; with several, ``FILE:NAME`` picks one by name or by variable.

    Each load runs the file anew in a module of its own, so that two loads share no state.
    Raises :class:`~pipeline.errors.ConfigurationError`.
    """
    path, name = _split(target)
    module = _run(path)
    found = {variable: value for variable, value in vars(module).items() if isinstance(value, Pipeline)}
    distinct = {id(pipeline): pipeline for pipeline in found.values()}
    names = [pipeline.name for pipeline in distinct.values()]
    twice = {each for each in names if names.count(each) > 1}
    if twice:
        raise ConfigurationError(f"{path}: two pipelines are named {min(twice)!r}; names must differ")
    if not distinct:
        raise ConfigurationError(f'{path}: there is no pipeline in it; add flights = Pipeline("flights")')
    if name is not None:
        for variable, pipeline in found.items():
            if name in (variable, pipeline.name):
                return pipeline
        raise ConfigurationError(f"{path}: no pipeline is named {name!r}; there is {_listed(names)}")
    if len(distinct) > 1:
        raise ConfigurationError(
            f"{path}: there are {len(distinct)} pipelines in it, {_listed(names)}; "
            f"say which one: {path}:{names[0]}"
        )
    return next(iter(distinct.values()))


def _split(target: str) -> tuple[Path, str | None]:
    path, colon, name = target.rpartition(":")
    if colon and name and not Path(target).exists() and not set(name) & set("/\\"):
        return _existing(Path(path)), name
    return _existing(Path(target)), None


def _existing(path: Path) -> Path:
    if path.is_dir():
        raise ConfigurationError(f"{path}: is a folder; give the Python file that defines the pipeline")
    if not path.exists():
        near = difflib.get_close_matches(path.name, _siblings(path), n=1)
        hint = f"; did you mean {path.with_name(near[0])}?" if near else ""
        raise ConfigurationError(f"{path}: there is no such file{hint}")
    if path.suffix != ".py":
        raise ConfigurationError(f"{path}: is no Python file; give the .py file that defines the pipeline")
    return path


def _siblings(path: Path) -> list[str]:
    return [each.name for each in path.parent.glob("*.py")] if path.parent.is_dir() else []


def _run(path: Path) -> ModuleType:
    name = f"_pipeline_file_{next(_loads)}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ConfigurationError(f"{path}: cannot be loaded as a Python file")
    module = importlib.util.module_from_spec(spec)
    # Dataclasses and schemas look their own module up by name.
    sys.modules[name] = module
    with _importable(path.resolve().parent):
        try:
            spec.loader.exec_module(module)
        except ConfigurationError as error:
            raise ConfigurationError(f"{path}:{_line(error, path)}: {error}") from error
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            shown = "".join(traceback.format_exception(error)).rstrip()
            raise ConfigurationError(
                f"{path}:{_line(error, path)}: it fails when it is loaded: "
                f"{type(error).__name__}: {error}\n{shown}"
            ) from error
    return module


def _line(error: BaseException, path: Path) -> int:
    """The line of the file at which it went wrong."""
    if isinstance(error, SyntaxError) and error.lineno is not None:
        return error.lineno
    frames = traceback.extract_tb(error.__traceback__)
    return next((frame.lineno or 0 for frame in reversed(frames) if Path(frame.filename) == path), 0)


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """The file may import what lies beside it."""
    entry = str(folder)
    sys.path.append(entry)
    try:
        yield
    finally:
        sys.path.remove(entry)


def _listed(names: list[str]) -> str:
    return ", ".join(repr(name) for name in names)
