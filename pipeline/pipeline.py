"""What a user writes: sources, stages and a sink, under one name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, overload

from pipeline.errors import ConfigurationError
from pipeline.operators.batch import Container
from pipeline.rejection_limit import check_limit
from pipeline.retry import Retry
from pipeline.sinks import function
from pipeline.sinks.base import Sink
from pipeline.sources import values
from pipeline.sources.base import Source
from pipeline.stages import Stage
from pipeline.watched import WatchedCache, watched

INGESTION = "ingestion"
OUTPUT = "output"
"""The names of the first and the last row of the stage board, which every pipeline has."""

OnError = Literal["reject", "fail"]
F = TypeVar("F", bound=Callable[..., Any] | Stage)


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """A source as declared, with the schema of its values."""

    source: Source
    schema: type | None


@dataclass(frozen=True, slots=True)
class StageSpec:
    """A stage as declared. ``target`` is the function, or what makes the stateful stage."""

    name: str
    kind: Literal["function", "batch", "stateful"]
    target: Callable[..., Any]
    workers: int
    retry: Retry | None
    on_error: OnError
    ordered: bool
    container: Container
    timeout: float | None = None


class Pipeline:
    """Records from sources, through stages, into a sink.

    ``batch_size`` is the exact number of records in a batch (None: about 256 KiB of input);
    ``queue_records`` and ``queue_bytes`` bound each queue; ``dead_letters`` is the file for
    rejected records (None: ``NAME.dead-letters.jsonl`` beside the sink). ``max_rejected`` stops the run
    when more records were rejected: a count (a whole number), or a share (a float from 0.0 to 1.0) that
    is judged from 100 settled records on; what earlier runs rejected counts too. With ``chain=False`` every
    stage has a thread and a queue of its own; otherwise neighbouring functions of one
    record share a thread, which is faster.
    """

    def __init__(
        self,
        name: str,
        *,
        batch_size: int | None = None,
        queue_records: int = 16_384,
        queue_bytes: int = 8 << 20,
        dead_letters: str | Path | None = None,
        chain: bool = True,
        max_rejected: int | float | None = None,
    ) -> None:
        if not isinstance(name, str) or not name.strip():
            raise ConfigurationError(f"Pipeline({name!r}): give it a name")
        _at_least_one(f"Pipeline({name!r})", "batch_size", batch_size)
        _at_least_one(f"Pipeline({name!r})", "queue_records", queue_records)
        _at_least_one(f"Pipeline({name!r})", "queue_bytes", queue_bytes)
        if dead_letters is not None and not isinstance(dead_letters, (str, Path)):
            raise ConfigurationError(f"Pipeline({name!r}): dead_letters={dead_letters!r}; give a path")
        self.name = name
        self.batch_size = batch_size
        self.queue_records = queue_records
        self.queue_bytes = queue_bytes
        self.dead_letters = Path(dead_letters) if dead_letters is not None else None
        self.chain = chain
        check_limit(f"Pipeline({name!r})", max_rejected)
        self.max_rejected = max_rejected
        self.sources: list[SourceSpec] = []
        self.stages: list[StageSpec] = []
        self.sink: Sink | None = None
        self.watched: list[WatchedCache] = []
        """What :meth:`watch_cache` was given. A new list whenever that changes."""

    def read(
        self, source: Source | Iterable[Any] | Callable[..., Any], schema: type | None = None
    ) -> Pipeline:
        """Add a source; several are read at once. ``schema`` is the type of its values.

        An iterable, or a function that returns one, of ``(offset, value)`` will do.
        """
        where = f"{self.name}.read()"
        if isinstance(source, (str, bytes, Path)):
            raise ConfigurationError(f"{where}: got the path {str(source)!r}; say files({str(source)!r})")
        if isinstance(source, type):
            raise ConfigurationError(f"{where}: got the class {source.__name__}; give an instance of it")
        if not isinstance(source, Source):
            if not callable(source) and not isinstance(source, Iterable):
                raise ConfigurationError(
                    f"{where}: a {type(source).__name__} is no source; "
                    "give files(...), stdin(...), or a generator of (offset, value)"
                )
            source = values(source)
        if schema is not None and not isinstance(schema, type):
            raise ConfigurationError(f"{where}: schema={schema!r} is no class")
        if not isinstance(getattr(source, "name", None), str) or not source.name:
            raise ConfigurationError(f"{where}: this {type(source).__name__} has no name; set self.name")
        if any(spec.source.name == source.name for spec in self.sources):
            raise ConfigurationError(
                f"{where}: there is a source named {source.name!r} already; give this one another name="
            )
        self.sources.append(SourceSpec(source, schema))
        return self

    @overload
    def stage(
        self,
        target: F,
        *,
        name: str | None = None,
        batch: bool | Container = False,
        workers: int = 1,
        retry: Retry | None = None,
        timeout: float | None = None,
        on_error: OnError | None = None,
        ordered: bool = True,
    ) -> F: ...

    @overload
    def stage(
        self,
        target: None = None,
        *,
        name: str | None = None,
        batch: bool | Container = False,
        workers: int = 1,
        retry: Retry | None = None,
        timeout: float | None = None,
        on_error: OnError | None = None,
        ordered: bool = True,
    ) -> Callable[[F], F]: ...

    def stage(
        self,
        target: Any = None,
        *,
        name: str | None = None,
        batch: bool | Container = False,
        workers: int = 1,
        retry: Retry | None = None,
        timeout: float | None = None,
        on_error: OnError | None = None,
        ordered: bool = True,
    ) -> Any:
        """Add a stage behind the others; a decorator, with or without arguments.

        A function takes a value and returns one, or None to filter it, or a list for several in its place
        (each of them may be None or ``Reject("why")``), or raises ``Reject("why")``. With ``batch=True`` it
        takes a list of values (an Arrow table or a Polars frame if its parameter is annotated so) and returns
        as many outcomes. A class that extends ``Stage`` may hold records back.

        ``workers`` threads share the stage; the order within a partition is kept unless ``ordered``
        is False. ``retry`` tries a record again that has failed. ``timeout``, in seconds, rejects a
        record over which the function took longer; the call itself cannot be interrupted, so a
        function that waits for somebody else needs a timeout there. ``on_error`` says what an
        exception does: ``reject`` the record (the default, but for stateful stages) or ``fail`` the run.
        """

        def add(given: Any) -> Any:
            self.stages.append(self._spec(given, name, batch, workers, retry, timeout, on_error, ordered))
            return given

        return add if target is None else add(target)

    def write(self, sink: Sink | Callable[[Any], Any]) -> Pipeline:
        """Say where the values end: a sink, or a function that is called with each value."""
        where = f"{self.name}.write()"
        if self.sink is not None:
            raise ConfigurationError(f"{where}: the pipeline writes to {self.sink.name!r} already")
        if isinstance(sink, type) or not (isinstance(sink, Sink) or callable(sink)):
            raise ConfigurationError(
                f"{where}: {sink!r} is no sink; give jsonl(...), csv(...), parquet(...), sqlite(...), "
                "count() or a function"
            )
        self.sink = sink if isinstance(sink, Sink) else function(sink)
        return self

    def watch_cache(self, held: Any, name: str, stage: str | None = None) -> None:
        """Let the monitor watch a container, or a function with ``lru_cache``: how long it is, what it
        weighs, and whether it grows. One of the same name and stage takes the place of the other.

        ``stage`` is the name of the stage whose it is. A stage with a memory says ``self.watch_cache(...)``.
        """
        one = watched(held, name, stage)
        self.watched = [*(each for each in self.watched if (each.name, each.stage) != (name, stage)), one]

    def validate(self) -> None:
        """Raise :class:`~pipeline.errors.ConfigurationError` unless it can run."""
        if not self.sources:
            raise ConfigurationError(
                f'pipeline {self.name!r} has no source; add {self.name}.read(files("data/*.jsonl"))'
            )
        if self.sink is None:
            raise ConfigurationError(
                f'pipeline {self.name!r} has no sink; add {self.name}.write(jsonl("out.jsonl"))'
            )

    def _spec(
        self,
        target: Any,
        name: str | None,
        batch: bool | Container,
        workers: int,
        retry: Retry | None,
        timeout: float | None,
        on_error: OnError | None,
        ordered: bool,
    ) -> StageSpec:
        if name is not None and (not isinstance(name, str) or not name.strip()):
            raise ConfigurationError(f"a stage of pipeline {self.name!r}: name={name!r}; it must be a text")
        given = name or getattr(target, "__name__", None) or type(target).__name__
        where = f"stage {given!r} of pipeline {self.name!r}"
        if any(spec.name.casefold() == given.casefold() for spec in self.stages):
            raise ConfigurationError(f"{where}: there is a stage of that name already; give name=")
        if given.casefold() in (INGESTION, OUTPUT):
            raise ConfigurationError(
                f"{where}: every pipeline has an {given.casefold()} of its own; give name="
            )
        _at_least_one(where, "workers", workers)
        if on_error not in (None, "reject", "fail"):
            raise ConfigurationError(f'{where}: on_error={on_error!r}; it can be "reject" or "fail"')
        if retry is not None and not isinstance(retry, Retry):
            raise ConfigurationError(f"{where}: retry={retry!r}; give Retry(attempts=...)")
        _check_timeout(where, timeout)
        if not isinstance(ordered, bool):
            raise ConfigurationError(f"{where}: ordered={ordered!r}; it can be True or False")
        if isinstance(target, Stage) or (isinstance(target, type) and issubclass(target, Stage)):
            if workers > 1:
                raise ConfigurationError(f"{where}: workers={workers}; a stateful stage has one worker")
            if batch or retry is not None or timeout is not None:
                raise ConfigurationError(
                    f"{where}: batch=, retry= and timeout= are for functions, not for a Stage"
                )
            _check_stage(where, target if isinstance(target, type) else type(target))
            make = target if isinstance(target, type) else lambda: target
            return StageSpec(given, "stateful", make, 1, None, on_error or "fail", True, "list")
        if not callable(target) or isinstance(target, type):
            raise ConfigurationError(
                f"{where}: {target!r} is no function; "
                "give a function of one record, or a class that extends Stage"
            )
        _check_arity(where, target)
        for argument, value in (("retry", retry), ("timeout", timeout)):
            if batch and value is not None:
                raise ConfigurationError(
                    f"{where}: {argument}= is for functions of one record, not with batch="
                )
        container = _container(where, target, batch)
        kind: Literal["function", "batch"] = "batch" if batch else "function"
        return StageSpec(
            given, kind, target, workers, retry, on_error or "reject", ordered, container, timeout
        )


def _at_least_one(where: str, argument: str, value: int | None) -> None:
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
        raise ConfigurationError(f"{where}: {argument}={value!r}; it must be a whole number, 1 or more")


def _check_timeout(where: str, timeout: float | None) -> None:
    if timeout is None:
        return
    if not isinstance(timeout, (int, float)) or isinstance(timeout, bool) or not timeout > 0:
        raise ConfigurationError(f"{where}: timeout={timeout!r}; it must be a number of seconds, above 0")


def _check_arity(where: str, target: Callable[..., Any]) -> None:
    if _is_async(target):
        raise ConfigurationError(f"{where}: it is async; stages run in threads, so write a plain function")
    try:
        signature = inspect.signature(target)
    except (TypeError, ValueError):
        return
    try:
        signature.bind(None)
    except TypeError:
        raise ConfigurationError(
            f"{where}: it is defined as {given_name(target)}{signature}; "
            "it must take one argument, the record"
        ) from None


def _is_async(target: object) -> bool:
    call = getattr(target, "__call__", None)  # noqa: B004 - an object may have an async one
    return any(
        inspect.iscoroutinefunction(each) or inspect.isasyncgenfunction(each) for each in (target, call)
    )


def given_name(target: Callable[..., Any]) -> str:
    """What a callable is called in messages."""
    return getattr(target, "__qualname__", None) or type(target).__name__


def _check_stage(where: str, target: type) -> None:
    if target.process is Stage.process:  # type: ignore[attr-defined]
        raise ConfigurationError(f"{where}: define process(self, records) to handle a batch")
    if (target.snapshot is Stage.snapshot) is not (target.restore is Stage.restore):  # type: ignore[attr-defined]
        raise ConfigurationError(f"{where}: define both snapshot(self) and restore(self, saved), or neither")
    takes = {"process": "records", "restore": "saved"}
    for method in ("open", "process", "flush", "close", "snapshot", "restore"):
        if _is_async(getattr(target, method)):
            raise ConfigurationError(
                f"{where}: {method} is async; stages run in threads, so write a plain method"
            )
        signature = inspect.signature(getattr(target, method))
        try:
            signature.bind(*[None] * (2 if method in takes else 1))
        except TypeError:
            wanted = f"(self, {takes[method]})" if method in takes else "(self)"
            raise ConfigurationError(
                f"{where}: {method} is defined as {method}{signature}; it must take {wanted}"
            ) from None


def _container(where: str, target: Callable[..., Any], batch: bool | Container) -> Container:
    if not isinstance(batch, bool):
        if batch not in get_args(Container):
            raise ConfigurationError(f"{where}: batch={batch!r}; it can be True, {get_args(Container)}")
        return batch
    if not batch:
        return "list"
    try:
        parameters = list(inspect.signature(target).parameters.values())
    except (TypeError, ValueError):
        return "list"  # some built-in functions do not tell
    annotation = parameters[0].annotation if parameters else inspect.Parameter.empty
    text = (
        annotation
        if isinstance(annotation, str)
        else f"{getattr(annotation, '__module__', '')}.{annotation!r}"
    )
    if "pyarrow" in text or text.startswith("pa."):
        return "arrow"
    if "polars" in text or text.startswith("pl."):
        return "polars"
    return "list"
