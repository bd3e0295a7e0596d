"""Loads a user's pipeline file: ``FILE[:NAME]``."""

from __future__ import annotations

import difflib
import importlib.util
import itertools
import sys
import traceback
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

from pipeline.errors import ConfigurationError
from pipeline.pipeline import Pipeline
from run.neighbours import Neighbours, shadowed

_loads = itertools.count()
_neighbours = Neighbours()


def load(target: str) -> Pipeline:
    """The pipeline that a file defines; with several, ``FILE:NAME`` picks one by name or by variable.

    Each load runs the file anew in a module of its own, and the modules beside it too, so that two
    loads share no state. Raises :class:`~pipeline.errors.ConfigurationError`.
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
        raise ConfigurationError(
            f"{path}: there is no pipeline in it; add one at the top level of the file, "
            f'as in {_identifier(path)} = Pipeline("{_identifier(path)}")'
        )
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
        return existing(path), name
    return existing(target), None


def existing(text: str) -> Path:
    path = Path(text)
    if not text:
        raise ConfigurationError("run '': give the Python file that defines the pipeline")
    if path.is_dir():
        raise ConfigurationError(f"{path}: is a folder; give the Python file that defines the pipeline")
    if not path.exists():
        near = difflib.get_close_matches(path.name, _siblings(path), n=1)
        hint = f"did you mean {path.with_name(near[0])}?" if near else f"looked in {path.resolve().parent}"
        raise ConfigurationError(f"{path}: there is no such file; {hint}")
    if path.suffix != ".py":
        raise ConfigurationError(f"{path}: is no Python file; give the .py file that defines the pipeline")
    return path


def _siblings(path: Path) -> list[str]:
    return [each.name for each in path.parent.glob("*.py")] if path.parent.is_dir() else []


class _Script(SourceFileLoader):
    """Runs a file as Python runs a script: always as it is now, leaving no compiled copy beside it."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        code: CodeType = self.source_to_code(self.get_data(path), path)
        return code


def _run(path: Path) -> ModuleType:
    file = path.resolve()
    name = f"_pipeline_file_{next(_loads)}_{path.stem}"
    # As a package it can say `from .helpers import ...`.
    spec = importlib.util.spec_from_file_location(
        name, file, loader=_Script(name, str(file)), submodule_search_locations=[str(file.parent)]
    )
    if spec is None or spec.loader is None:
        raise ConfigurationError(f"{path}: cannot be loaded as a Python file")
    module = importlib.util.module_from_spec(spec)
    # Dataclasses and schemas look their own module up by name.
    sys.modules[name] = module
    try:
        with _neighbours.of(file.parent):
            spec.loader.exec_module(module)
    except KeyboardInterrupt:
        raise
    except ConfigurationError as error:
        raise ConfigurationError(f"{_place(error, path)}: {error}") from error
    except BaseException as error:
        raise ConfigurationError(
            f"{_place(error, path)}: it fails when it is loaded: {_reason(error)}\n{_trace(error, file)}"
        ) from error
    return module


def _reason(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error.msg}"
    if isinstance(error, ImportError) and (house := shadowed(error)) is not None:
        return (
            f"ImportError: {error.msg}; the module {house!r} of the monitor comes first, "
            "so give yours another name"
        )
    text = str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _place(error: BaseException, path: Path) -> str:
    """The file and, where it is known, the line at which it went wrong."""
    file = path.resolve()
    line = None
    if isinstance(error, SyntaxError) and Path(error.filename or "") == file:
        line = error.lineno
    else:
        frames = traceback.extract_tb(error.__traceback__)
        line = next((frame.lineno for frame in reversed(frames) if Path(frame.filename) == file), None)
    return f"{path}:{line}" if line else str(path)


def _trace(error: BaseException, file: Path) -> str:
    """The traceback from the user's file on: what leads up to it is the monitor's."""
    trace = error.__traceback__
    while trace is not None and Path(trace.tb_frame.f_code.co_filename) != file:
        trace = trace.tb_next
    return "".join(traceback.format_exception(type(error), error, trace)).rstrip()


def _identifier(path: Path) -> str:
    return path.stem if path.stem.isidentifier() else "flights"


def _listed(names: list[str]) -> str:
    return ", ".join(repr(name) for name in names)
