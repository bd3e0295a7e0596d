"""Every wrong declaration is refused at once, by an error that names what is wrong and where."""

from __future__ import annotations

import functools
import re
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from pipeline import (
    Chunk,
    ConfigurationError,
    Id,
    Ids,
    PartitionSpec,
    Pipeline,
    Record,
    Retry,
    Sink,
    Source,
    Stage,
    count,
    files,
    values,
)
from pipeline.clock import ManualClock
from pipeline.engine import Engine, Options
from pipeline.events import EventBus


@pytest.fixture
def orders(tmp_path: Path) -> Pipeline:
    return Pipeline("orders", dead_letters=tmp_path / "letters.jsonl")


def refused(*words: str) -> Any:
    """An error whose message has all these words."""
    return pytest.raises(ConfigurationError, match="".join(f"(?=.*{re.escape(word)})" for word in words))


def engine(pipeline: Pipeline) -> Engine:
    return Engine(pipeline, Options(), ManualClock(), EventBus())


def nothing() -> int:
    return 1


def two(first: int, second: int) -> int:
    return first + second


def keyword(value: int, *, rate: float) -> float:
    return value * rate


async def later(value: int) -> int:
    return value


async def many_later(value: int) -> AsyncIterator[int]:
    yield value


class AsyncCall:
    """Looks like a function."""

    async def __call__(self, value: int) -> int:
        return value


class NoStage:
    """Has the right method, but is no Stage."""

    def process(self, records: list[Record]) -> list[Record]:
        return records


class Empty(Stage):
    """Defines nothing."""


class WrongProcess(Stage):
    """Takes no records."""

    def process(self) -> list[Record]:  # type: ignore[override]
        return []


class WrongFlush(Stage):
    """Wants something that nobody gives."""

    def process(self, records: list[Record]) -> list[Record]:
        return records

    def flush(self, more: int) -> list[Record]:  # type: ignore[override] # noqa: ARG002
        return []


class AsyncProcess(Stage):
    """Would do nothing."""

    async def process(self, records: list[Record]) -> list[Record]:  # type: ignore[override]
        return records


class Needy(Stage):
    """Cannot be made without an argument."""

    def __init__(self, size: int) -> None:
        self.size = size

    def process(self, records: list[Record]) -> list[Record]:
        return records


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (5, ["'int'", "5 is no function"]),
        ("enrich", ["is no function"]),
        (int, ["'int'", "is no function"]),
        (NoStage, ["'NoStage'", "extends Stage"]),
        (NoStage(), ["'NoStage'", "is no function"]),
        (nothing, ["'nothing'", "defined as nothing()", "one argument"]),
        (two, ["'two'", "defined as two(first: 'int', second: 'int')", "one argument"]),
        (keyword, ["'keyword'", "one argument"]),
        (later, ["'later'", "async"]),
        (many_later, ["'many_later'", "async"]),
        (functools.partial(later), ["async"]),
        (AsyncCall(), ["'AsyncCall'", "async"]),
        (Empty, ["'Empty'", "define process(self, records)"]),
        (WrongProcess, ["'WrongProcess'", "process is defined as", "(self, records)"]),
        (WrongFlush, ["'WrongFlush'", "flush is defined as", "(self)"]),
        (AsyncProcess, ["'AsyncProcess'", "process is async"]),
    ],
    ids=lambda each: getattr(each, "__name__", None),
)
def test_what_is_no_stage(orders: Pipeline, target: Any, words: list[str]) -> None:
    with refused("'orders'", *words):
        orders.stage(target)
    assert orders.stages == []


def good(value: int) -> int:
    return value


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"workers": 0}, ["workers=0", "1 or more"]),
        ({"workers": -2}, ["workers=-2"]),
        ({"workers": 1.5}, ["workers=1.5"]),
        ({"workers": "two"}, ["workers='two'"]),
        ({"workers": True}, ["workers=True"]),
        ({"on_error": "ignore"}, ["on_error='ignore'", "reject", "fail"]),
        ({"retry": 3}, ["retry=3", "Retry(attempts=...)"]),
        ({"retry": Retry(), "batch": True}, ["retry=", "batch="]),
        ({"batch": "pandas"}, ["batch='pandas'", "arrow", "polars"]),
        ({"batch": 1}, ["batch=1"]),
        ({"ordered": "yes"}, ["ordered='yes'"]),
    ],
)
def test_wrong_options_of_a_stage(orders: Pipeline, options: dict[str, Any], words: list[str]) -> None:
    with refused("stage 'good' of pipeline 'orders'", *words):
        orders.stage(good, **options)
    with refused("stage 'good' of pipeline 'orders'", *words):
        orders.stage(**options)(good)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"workers": 2}, ["workers=2", "one worker"]),
        ({"batch": True}, ["batch="]),
        ({"retry": Retry()}, ["retry="]),
    ],
)
def test_wrong_options_of_a_stateful_stage(
    orders: Pipeline, options: dict[str, Any], words: list[str]
) -> None:
    with refused("stage 'Needy'", *words):
        orders.stage(Needy(1), **options)


@pytest.mark.parametrize("name", ["", "  ", 5])
def test_a_name_must_be_a_text(orders: Pipeline, name: Any) -> None:
    with refused("'orders'", f"name={name!r}"):
        orders.stage(good, name=name)
    with refused(f"Pipeline({name!r})", "name"):
        Pipeline(name)


@pytest.mark.parametrize("name", ["good", "GOOD"])
def test_two_stages_of_one_name(orders: Pipeline, name: str) -> None:
    orders.stage(good)
    with refused(f"stage {name!r}", "of that name already", "name="):
        orders.stage(lambda value: value, name=name)


@pytest.mark.parametrize("name", ["ingestion", "Output"])
def test_names_that_every_pipeline_has(orders: Pipeline, name: str) -> None:
    with refused(f"stage {name!r}", "of its own", "name="):
        orders.stage(good, name=name)


class Nameless(Source):
    """Does not say what it is called."""

    def partitions(self) -> Sequence[PartitionSpec]:
        return [PartitionSpec("only")]

    def read(self, partition: str, start: int, schema: type | None) -> Iterator[Chunk]:  # noqa: ARG002
        yield Chunk(Ids.span(0, 1), [1], 1, iter)


class Twins(Nameless):
    """Has two partitions of one name."""

    name = "twins"

    def partitions(self) -> Sequence[PartitionSpec]:
        return [PartitionSpec("only"), PartitionSpec("only")]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("data/orders.jsonl", ["path 'data/orders.jsonl'", "files('data/orders.jsonl')"]),
        (Path("data/orders.jsonl"), ["files('data/orders.jsonl')"]),
        (b"data/orders.jsonl", ["path"]),
        (5, ["a int is no source"]),
        (None, ["is no source"]),
        (Nameless, ["the class Nameless", "an instance"]),
        (Nameless(), ["Nameless has no name"]),
    ],
)
def test_what_is_no_source(orders: Pipeline, source: Any, words: list[str]) -> None:
    with refused("orders.read()", *words):
        orders.read(source)


def test_two_sources_of_one_name(orders: Pipeline) -> None:
    orders.read(values([(0, 1)], name="mine"))
    with refused("orders.read()", "named 'mine' already", "name="):
        orders.read(values([(0, 1)], name="mine"))


def test_a_schema_that_is_no_class(orders: Pipeline) -> None:
    with refused("orders.read()", "schema={'a': 1}"):
        orders.read([(0, 1)], schema={"a": 1})  # type: ignore[arg-type]


def test_two_partitions_of_one_name(orders: Pipeline) -> None:
    orders.read(Twins()).write(count())
    with refused("twins/only", "2 partitions of that name"):
        engine(orders)


@pytest.mark.parametrize("sink", [5, "out.db", None, count, dict], ids=repr)
def test_what_is_no_sink(orders: Pipeline, sink: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"orders\.write\(\)|function\("):
        orders.write(sink)


def test_two_sinks(orders: Pipeline) -> None:
    orders.write(count())
    with refused("orders.write()", "writes to 'count' already"):
        orders.write(count())


def test_no_source_and_no_sink(orders: Pipeline) -> None:
    with refused("'orders' has no source", "orders.read("):
        engine(orders)
    orders.read([(0, 1)])
    with refused("'orders' has no sink", "orders.write("):
        engine(orders)
    orders.write(count())
    engine(orders)


@pytest.mark.parametrize("argument", ["batch_size", "queue_records", "queue_bytes"])
@pytest.mark.parametrize("value", [0, -1, 2.5, "many", True])
def test_bounds_of_a_pipeline(argument: str, value: Any) -> None:
    with refused("Pipeline('orders')", f"{argument}={value!r}", "1 or more"):
        Pipeline("orders", **{argument: value})


def test_dead_letters_need_a_path_in_a_folder(tmp_path: Path) -> None:
    with refused("Pipeline('orders')", "dead_letters=5"):
        Pipeline("orders", dead_letters=5)  # type: ignore[arg-type]
    pipeline = Pipeline("orders", dead_letters=tmp_path / "no" / "letters.jsonl")
    pipeline.read([(0, 1)]).write(count())
    with refused("'orders'", str(tmp_path / "no"), "dead_letters="):
        engine(pipeline)
    (tmp_path / "folder").mkdir()
    pipeline = Pipeline("orders", dead_letters=tmp_path / "folder")
    pipeline.read([(0, 1)]).write(count())
    with refused("dead letters", str(tmp_path / "folder")):
        engine(pipeline)


def test_a_stateful_class_that_cannot_be_made(orders: Pipeline) -> None:
    orders.read([(0, 1)])
    orders.stage(Needy)
    orders.write(count())
    with refused("stage 'Needy'", "size", "give an instance"):
        engine(orders)


def test_what_a_source_or_sink_refuses_is_told_before_anything_runs(tmp_path: Path) -> None:
    class Closed(Sink):
        name = "closed"

        def check(self) -> None:
            raise ConfigurationError("closed today")

        def write(self, ids: Ids, payloads: list[Any]) -> Iterable[Id]:  # noqa: ARG002
            return ids

    pipeline = Pipeline("orders", dead_letters=tmp_path / "letters.jsonl")
    pipeline.read([(0, 1)]).write(Closed())
    with refused("closed today"):
        engine(pipeline)
    missing = Pipeline("orders", dead_letters=tmp_path / "letters.jsonl")
    with refused("no-such.jsonl"):
        engine(missing.read(files(str(tmp_path / "no-such.jsonl"))).write(count()))


@pytest.mark.parametrize(
    "target",
    [good, lambda value: value, functools.partial(two, 1), max, "abc".count, Needy(3)],
    ids=repr,
)
def test_what_can_be_a_stage(orders: Pipeline, target: Any) -> None:
    assert orders.stage(target) is target
    assert len(orders.stages) == 1


def test_the_decorator_gives_the_function_back_under_its_name(orders: Pipeline) -> None:
    @orders.stage(workers=2, on_error="fail", name="Better Name")
    def price(value: int) -> int:
        return value * 2

    @orders.stage
    def plain(value: int) -> int:
        return value

    assert price(2) == 4
    assert plain(2) == 2
    assert [spec.name for spec in orders.stages] == ["Better Name", "plain"]


@pytest.mark.parametrize("builtin", [max, len, sorted])
def test_a_built_in_function_may_be_a_batch_stage(orders: Pipeline, builtin: Callable[..., Any]) -> None:
    orders.stage(builtin, batch=True)
    assert orders.stages[0].kind == "batch"


def test_a_batch_stage_gets_what_its_parameter_says(orders: Pipeline) -> None:
    def lists(values: list[int]) -> list[int]:
        return values

    def odd(values: 5) -> Any:  # type: ignore[valid-type]
        return values

    orders.stage(lists, batch=True)
    orders.stage(odd, batch=True)
    orders.stage(good, batch="arrow")
    assert [spec.container for spec in orders.stages] == ["list", "list", "arrow"]
