"""Whatever dies, the run ends soon, says where and why, and nothing hangs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from pipeline import Id, Ids, Pipeline, Record, RefusedRecords, Reject, Retry, Sink, Stage, generated
from pipeline import count as counting
from pipeline.errors import StageError
from pipeline.events import RunEnded, RunFailed
from tests.pipeline.running import DEADLINE_S, Running, start

DEADLY: list[type[BaseException]] = [SystemExit, KeyboardInterrupt, MemoryError, GeneratorExit]
deadly = pytest.mark.parametrize("kind", DEADLY, ids=lambda kind: kind.__name__)


@pytest.fixture
def new(tmp_path: Path) -> Callable[..., Pipeline]:
    def make(**options: Any) -> Pipeline:
        return Pipeline("doomed", dead_letters=tmp_path / "letters.jsonl", **options)

    return make


def numbers(last: int | None = None) -> Iterator[tuple[int, int]]:
    return ((n, n) for n in (range(last) if last is not None else count()))


def end(running: Running, stage: str, *words: str) -> None:
    """The run ends with a failure of this stage that says all this."""
    events = running.finish()
    assert running.driver.abandoned == ()
    assert running.failure.stage == stage
    for word in words:
        assert word in f"{running.failure.message}\n{running.failure.traceback}"
    assert isinstance(events[-1], RunEnded)
    assert not events[-1].complete
    assert any(isinstance(event, RunFailed) for event in events)
    assert running.counts.balanced


def dies_at(kind: type[BaseException], at: int) -> Callable[[int], int]:
    def dies(value: int) -> int:
        if value == at:
            raise kind("the end")
        return value

    return dies


@deadly
@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("at", [0, 5_000])
def test_a_stage_that_dies_ends_the_run(
    new: Callable[..., Pipeline], kind: type[BaseException], workers: int, at: int
) -> None:
    pipeline = new()
    pipeline.read(generated_numbers)
    pipeline.stage(lambda value: value, name="before")
    pipeline.stage(dies_at(kind, at), name="middle", workers=workers)
    pipeline.stage(lambda value: value, name="behind")
    pipeline.write(counting())
    end(start(pipeline), "middle", kind.__name__, "in dies")


@deadly
@pytest.mark.parametrize("position", [0, 1, 2])
@pytest.mark.parametrize("at", [3, 7_000])
def test_in_a_chain_the_stage_that_died_is_named(
    new: Callable[..., Pipeline], kind: type[BaseException], position: int, at: int
) -> None:
    pipeline = new()
    pipeline.read([(n, n) for n in range(20_000)])
    for index in range(3):
        pipeline.stage(dies_at(kind, at if index == position else -1), name=f"stage {index}")
    pipeline.write(counting())
    end(start(pipeline), f"stage {position}", kind.__name__, "in dies")


@deadly
def test_a_generator_of_children_that_dies_is_named_as_its_stage(
    new: Callable[..., Pipeline], kind: type[BaseException]
) -> None:
    def children(value: int) -> Iterator[int]:
        yield value
        if value == 500:
            raise kind("the end")

    pipeline = new()
    pipeline.read([(n, n) for n in range(2_000)])
    pipeline.stage(lambda value: value, name="before")
    pipeline.stage(children)
    pipeline.stage(lambda value: value, name="behind")
    pipeline.write(counting())
    end(start(pipeline), "children", kind.__name__, "in children")


@deadly
def test_a_batch_stage_that_dies_ends_the_run(
    new: Callable[..., Pipeline], kind: type[BaseException]
) -> None:
    def dies(values: list[int]) -> list[int]:
        if 70 in values:
            raise kind("the end")
        return values

    pipeline = new(batch_size=7)
    pipeline.read(generated_numbers)
    pipeline.stage(dies, batch=True, workers=2)
    pipeline.write(counting())
    end(start(pipeline), "dies", kind.__name__, "in dies")


class Rejecting(Stage):
    """Rejects as a function would."""

    def process(self, records: list[Record]) -> list[Record]:
        if records:
            raise Reject("odd")
        return records


def test_a_stage_with_a_memory_that_raises_reject_is_told_how_to_do_it(new: Callable[..., Pipeline]) -> None:
    pipeline = new()
    pipeline.read([(n, n) for n in range(200)])
    pipeline.stage(Rejecting())
    pipeline.write(counting())
    end(start(pipeline), "Rejecting", "Reject: odd", "return record.rejected('why')")


class Mortal(Stage):
    """Dies in the method of the given name."""

    def __init__(self, method: str, kind: type[BaseException]) -> None:
        self.method = method
        self.kind = kind
        self.closed = 0

    def _come_to(self, method: str) -> None:
        if method == self.method:
            raise self.kind("the end")

    def open(self) -> None:
        self._come_to("open")

    def process(self, records: list[Record]) -> list[Record]:
        self._come_to("process")
        return records

    def flush(self) -> list[Record]:
        self._come_to("flush")
        return []

    def close(self) -> None:
        self.closed += 1
        self._come_to("close")


@pytest.mark.parametrize("kind", [*DEADLY, ValueError], ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("method", ["open", "process", "flush", "close"])
def test_a_stateful_stage_may_die_in_any_method(
    new: Callable[..., Pipeline], kind: type[BaseException], method: str
) -> None:
    stage = Mortal(method, kind)
    pipeline = new()
    pipeline.read([(n, n) for n in range(100)])
    pipeline.stage(stage, name="mortal")
    pipeline.write(counting())
    end(start(pipeline), "mortal", kind.__name__, "the end")
    assert stage.closed == 1


class MortalSink(Sink):
    """Dies in the method of the given name."""

    def __init__(self, method: str, kind: type[BaseException]) -> None:
        self.name = "mortal"
        self.method = method
        self.kind = kind
        self.closed = 0
        if method == "encode":
            self.encode = self._encoded

    def _encoded(self, values: list[Any]) -> list[Any]:  # noqa: ARG002
        raise self.kind("the end")

    def _come_to(self, method: str) -> None:
        if method == self.method:
            raise self.kind("the end")

    def open(self) -> None:
        self._come_to("open")

    def write(self, ids: Ids, payloads: list[Any]) -> Iterable[Id]:  # noqa: ARG002
        self._come_to("write")
        return ids

    def close(self) -> None:
        self.closed += 1
        self._come_to("close")


@pytest.mark.parametrize("kind", [*DEADLY, ValueError], ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("method", ["open", "write", "close", "encode"])
def test_a_sink_may_die_in_any_method(
    new: Callable[..., Pipeline], kind: type[BaseException], method: str
) -> None:
    if method == "encode" and kind is ValueError:
        pytest.skip("a value that cannot be encoded is rejected")
    sink = MortalSink(method, kind)
    pipeline = new()
    pipeline.read([(n, n) for n in range(100)])
    pipeline.stage(lambda value: value, name="stage")
    pipeline.write(sink)
    end(start(pipeline), "output", kind.__name__, "the end")
    assert sink.closed == 1


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, GeneratorExit])
def test_a_source_that_dies_ends_the_run(new: Callable[..., Pipeline], kind: type[BaseException]) -> None:
    def dies() -> Iterator[tuple[int, int]]:
        yield from numbers(10)
        raise kind("the end")

    pipeline = new()
    pipeline.read(dies)
    pipeline.read(generated("orders", records=None))
    pipeline.write(counting())
    end(start(pipeline), "ingestion", kind.__name__, "in dies")


@pytest.mark.parametrize("kind", [ValueError, MemoryError])
def test_a_source_that_breaks_off_is_told_and_the_others_go_on(
    new: Callable[..., Pipeline], kind: type[BaseException]
) -> None:
    def breaks() -> Iterator[tuple[int, int]]:
        yield from numbers(10)
        raise kind("the end")

    pipeline = new()
    pipeline.read(breaks)
    pipeline.read([(n, n) for n in range(500)])
    pipeline.write(counting())
    running = start(pipeline)
    failed = [event for event in running.finish() if isinstance(event, RunFailed)]
    assert len(failed) == 1
    assert "breaks/values" in failed[0].message
    assert kind.__name__ in failed[0].message
    assert running.counts.delivered == 510


@pytest.mark.parametrize("chain", [True, False])
@pytest.mark.parametrize("batch", [True, False])
def test_on_error_fail_ends_the_run_with_the_reason(
    new: Callable[..., Pipeline], batch: bool, chain: bool
) -> None:
    def strict(value: Any) -> Any:
        if (max(value) if batch else value) > 5_000:
            raise ValueError("too much")
        return value

    pipeline = new(chain=chain)
    pipeline.read([(n, n) for n in range(20_000)])
    pipeline.stage(lambda value: value, name="before")
    pipeline.stage(strict, batch=batch, on_error="fail")
    pipeline.stage(lambda value: value, name="behind")
    pipeline.write(counting())
    running = start(pipeline)
    end(running, "strict", "'strict'", "ValueError: too much", "in strict")
    assert running.counts.rejected == 0


def test_a_failure_ends_a_wait_between_tries(new: Callable[..., Pipeline]) -> None:
    trying = threading.Event()

    def tries(value: int) -> int:  # noqa: ARG001
        trying.set()
        raise OSError("not now")

    def dies(value: int) -> int:  # noqa: ARG001
        assert trying.wait(DEADLINE_S)
        raise SystemExit(3)

    retry = Retry(attempts=100, on=OSError, first=1_000, cap=1_000)
    pipeline = new(batch_size=1)
    pipeline.read([(n, n) for n in range(100)])
    pipeline.stage(lambda value: value if value != 1 else dies(value), name="dies")
    pipeline.stage(tries, retry=retry)
    pipeline.write(counting())
    end(start(pipeline), "dies", "SystemExit")


class Unspeakable(Exception):  # noqa: N818 - it is one
    """Cannot even be shown."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


def test_an_exception_that_cannot_be_shown_rejects_its_record_only(new: Callable[..., Pipeline]) -> None:
    def speechless(value: int) -> int:
        if value % 10 == 0:
            raise Unspeakable
        return value

    pipeline = new()
    pipeline.read([(n, n) for n in range(1_000)])
    pipeline.stage(speechless)
    pipeline.stage(lambda value: value, name="behind")
    pipeline.write(counting())
    running = start(pipeline)
    running.finish()
    assert (running.counts.rejected, running.counts.delivered) == (100, 900)


@pytest.mark.parametrize("positions", [{}, {99: "no"}, {-1: "no"}], ids=["none", "beyond", "before"])
def test_a_sink_that_refuses_nonsense_fails_instead_of_going_round_for_ever(
    new: Callable[..., Pipeline], positions: dict[int, str]
) -> None:
    class Refusing(Sink):
        name = "refusing"

        def write(self, ids: Ids, payloads: list[Any]) -> Iterable[Id]:  # noqa: ARG002
            raise RefusedRecords(positions)

    pipeline = new()
    pipeline.read([(n, n) for n in range(10)])
    pipeline.write(Refusing())
    end(start(pipeline), "output", "'refusing'", "refused the positions")


def test_a_sink_that_returns_nonsense_is_told(new: Callable[..., Pipeline]) -> None:
    class Silent(Sink):
        name = "silent"

        def write(self, ids: Ids, payloads: list[Any]) -> Iterable[Id]:  # noqa: ARG002
            return None  # type: ignore[return-value]

    pipeline = new()
    pipeline.read([(n, n) for n in range(10)])
    pipeline.write(Silent())
    end(start(pipeline), "output", "'silent'", "return the ids that were written")


@pytest.mark.parametrize(
    ("returned", "words"),
    [(None, "returned NoneType"), (5, "returned int"), ([1, 2], "a int among its records")],
)
def test_a_stateful_stage_that_returns_nonsense_is_told(
    new: Callable[..., Pipeline], returned: Any, words: str
) -> None:
    class Wrong(Stage):
        def process(self, records: list[Record]) -> Iterable[Record]:  # noqa: ARG002
            answer: Iterable[Record] = returned
            return answer

    pipeline = new()
    pipeline.read([(n, n) for n in range(10)])
    pipeline.stage(Wrong)
    pipeline.write(counting())
    running = start(pipeline)
    end(running, "Wrong", words)
    assert StageError.__name__ in str(running.failure.traceback)


def test_the_dead_letters_cannot_be_written(tmp_path: Path) -> None:
    letters = tmp_path / "letters.jsonl"

    def breaks(value: int) -> int:
        if value > 9:
            letters.mkdir(exist_ok=True)
            raise ValueError("too much")
        return value

    pipeline = Pipeline("doomed", dead_letters=letters)
    pipeline.read(generated_numbers)
    pipeline.stage(breaks)
    pipeline.write(counting())
    end(start(pipeline), "output", str(letters))


def generated_numbers() -> Iterator[tuple[int, int]]:
    return numbers(20_000)
