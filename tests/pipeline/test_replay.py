"""Dead letters go through the pipeline again: what comes through leaves the list, and nothing comes twice."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline import (
    Chunk,
    ConfigurationError,
    Ids,
    PartitionSpec,
    Pipeline,
    Record,
    Reject,
    Source,
    Stage,
    files,
    jsonl,
)
from pipeline.checkpoint import FileStore
from pipeline.clock import ManualClock
from pipeline.dead_letters import DeadLetter, adopt, read
from pipeline.deterministic import DeterministicDriver
from pipeline.engine import Engine, Options
from pipeline.events import EventBus
from pipeline.ledger_books import Counts
from pipeline.outputs import dead_letter_path
from pipeline.replay import Replay
from pipeline.selection import select
from pipeline.sinks.json_lines import JsonLinesSink

Stages = Callable[[Pipeline], object]


@dataclass
class Bench:
    """A pipeline in a folder, run and replayed as often as wanted, each time with other stages."""

    folder: Path
    read: Callable[[], Source]
    seed: int = 0

    def pipeline(self, stages: Stages) -> Pipeline:
        pipeline = Pipeline("p", batch_size=7, queue_records=20)
        pipeline.read(self.read())
        stages(pipeline)
        pipeline.write(jsonl(self.folder / "out.jsonl"))
        return pipeline

    def run(self, stages: Stages, limit: int | None = None) -> Counts:
        return self._drive(
            Engine(self.pipeline(stages), Options(limit=limit), *self._time(), store=self.store)
        )

    def replay(self, stages: Stages, ids: Sequence[str] = ()) -> tuple[Counts, Replay]:
        pipeline = self.pipeline(stages)
        checkpoint = self.store.load()
        assert checkpoint is not None
        path = dead_letter_path(pipeline)
        adopt(path, checkpoint.generation)
        selection = select(path, checkpoint.dead_letters, checkpoint.partitions, ids)
        replay = Replay(pipeline, checkpoint, selection)
        engine = Engine(pipeline, Options(), *self._time(), store=self.store, replay=replay)
        return self._drive(engine), replay

    @property
    def store(self) -> FileStore:
        return FileStore(self.folder / "p.state.db", "p")

    @property
    def rows(self) -> list[Any]:
        return [json.loads(line) for line in (self.folder / "out.jsonl").read_text().splitlines()]

    @property
    def letters(self) -> list[DeadLetter]:
        path = self.folder / "p.dead-letters.jsonl"
        return list(read(path)) if path.exists() else []

    def counts(self) -> tuple[int, int, int]:
        checkpoint = self.store.load()
        assert checkpoint is not None
        parts = checkpoint.partitions.values()
        return (
            sum(part.delivered for part in parts),
            sum(part.filtered for part in parts),
            sum(part.rejected for part in parts),
        )

    def _time(self) -> tuple[ManualClock, EventBus]:
        return ManualClock(), EventBus()

    def _drive(self, engine: Engine) -> Counts:
        clock = engine.clock
        assert isinstance(clock, ManualClock)
        self.seed += 1
        DeterministicDriver(engine, clock, self.seed).run()
        assert engine.control.failure is None, engine.control.failure
        counts = engine.ledger.counts()
        assert counts.balanced
        assert counts.lost == counts.duplicated == counts.in_flight == 0
        return counts


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    source = tmp_path / "in.jsonl"
    source.write_text("".join(f"{json.dumps({'id': number})}\n" for number in range(50)))
    return Bench(tmp_path, lambda: files(source, name="in"))


def rejecting(*numbers: int) -> Stages:
    def add(pipeline: Pipeline) -> None:
        @pipeline.stage(name="check")
        def check(value: dict[str, int]) -> dict[str, int]:
            if value["id"] in numbers:
                raise Reject(f"no {value['id']}")
            return value

    return add


def numbers(rows: Iterable[Any]) -> list[int]:
    return sorted(row["id"] for row in rows)


def test_what_comes_through_leaves_the_list_and_the_rest_stays(bench: Bench) -> None:
    bench.run(rejecting(3, 14, 15))
    counts, _ = bench.replay(rejecting(14))
    assert (counts.read, counts.delivered, counts.rejected) == (3, 2, 1)
    assert numbers(bench.rows) == [number for number in range(50) if number != 14]
    (letter,) = bench.letters
    assert (letter.id, letter.attempts, letter.as_read) == ("in/in.jsonl:14", 2, b'{"id": 14}')
    assert bench.counts() == (49, 0, 1)
    bench.replay(rejecting())
    assert bench.letters == []
    assert not (bench.folder / "p.dead-letters.jsonl").exists()
    assert numbers(bench.rows) == list(range(50))
    assert bench.counts() == (50, 0, 0)


def test_only_those_that_are_named_are_replayed(bench: Bench) -> None:
    bench.run(rejecting(3, 14, 15))
    counts, _ = bench.replay(rejecting(), ["in/in.jsonl:14"])
    assert counts.read == 1
    assert [letter.id for letter in bench.letters] == ["in/in.jsonl:3", "in/in.jsonl:15"]


@pytest.mark.parametrize("name", ["in/in.jsonl:4", "in/other:3", "three", "in/in.jsonl:x", ":3"])
def test_a_name_that_is_not_on_the_list_is_refused(bench: Bench, name: str) -> None:
    bench.run(rejecting(3))
    with pytest.raises(ConfigurationError, match=name):
        bench.replay(rejecting(), [name])
    assert len(bench.letters) == 1


def test_a_record_may_turn_out_to_be_unwanted(bench: Bench) -> None:
    bench.run(rejecting(3, 14))

    def dropping(pipeline: Pipeline) -> None:
        pipeline.stage(lambda value: None if value["id"] == 3 else value, name="drop")

    bench.replay(dropping)
    assert bench.letters == []
    assert bench.counts() == (49, 1, 0)


def test_a_run_that_was_cut_short_goes_on_after_a_replay(bench: Bench) -> None:
    bench.run(rejecting(3, 40), limit=20)
    bench.replay(rejecting(40))
    counts = bench.run(rejecting(40))
    assert counts.read == 50
    assert numbers(bench.rows) == [number for number in range(50) if number != 40]
    assert [letter.id for letter in bench.letters] == ["in/in.jsonl:40"]


def test_the_input_itself_need_not_be_there(bench: Bench) -> None:
    bench.run(rejecting(3))
    (bench.folder / "in.jsonl").unlink()
    bench.replay(rejecting())
    assert numbers(bench.rows) == list(range(50))


def test_csv_is_decoded_by_the_header_of_its_file(tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text("id,name\n" + "".join(f'{number},"a\nb"\n' for number in range(30)))
    bench = Bench(tmp_path, lambda: files(source, name="in"))

    def odd(pipeline: Pipeline) -> None:
        @pipeline.stage(name="odd")
        def check(value: dict[str, str]) -> dict[str, str]:
            if int(value["id"]) % 2:
                raise ValueError("odd")
            return value

    bench.run(odd)
    bench.replay(lambda _: None)
    assert sorted(int(row["id"]) for row in bench.rows) == list(range(30))
    assert {row["name"] for row in bench.rows} == {"a\nb"}


def test_a_record_of_which_only_the_head_was_kept_is_read_again(tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text('{"id": 0}\n{"id": 1, "long": "' + "x" * 200 + '"}\n{"id": 2}\n')
    most = 50
    bench = Bench(tmp_path, lambda: files(source, name="in", max_record_bytes=most))
    bench.run(rejecting(2))
    assert [letter.form for letter in bench.letters] == ["shown", "bytes"]
    most = 1_000
    bench.replay(rejecting())
    assert numbers(bench.rows) == [0, 1, 2]
    assert bench.letters == []


def test_an_input_that_is_another_one_now_is_not_read_again(tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text('{"id": 0, "long": "' + "x" * 200 + '"}\n')
    bench = Bench(tmp_path, lambda: files(source, name="in", max_record_bytes=50))
    bench.run(rejecting())
    source.write_text('{"id": 7}' + " " * 400 + "\n")
    with pytest.raises(ConfigurationError, match="another file"):
        bench.replay(rejecting())
    assert len(bench.letters) == 1


class Spans(Source):
    """Values that JSON does not give back as they were: tuples."""

    name = "spans"

    def partitions(self) -> Sequence[PartitionSpec]:
        return [PartitionSpec("all")]

    def read(self, partition: str, start: int, schema: type | None) -> Iterator[Chunk]:  # noqa: ARG002
        raws: list[Any] = [(offset, offset + 1) for offset in range(start, 30)]
        yield Chunk(Ids.span(start, 30), raws, 100, iter, rejected=[])


def test_values_that_json_would_change_are_read_again(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Spans)
    kinds: list[type] = []

    def strict(pipeline: Pipeline) -> None:
        @pipeline.stage(name="strict")
        def check(value: tuple[int, int]) -> tuple[int, int]:
            if value[0] == 8:
                raise Reject("eight")
            return value

    def lenient(pipeline: Pipeline) -> None:
        @pipeline.stage(name="lenient")
        def check(value: tuple[int, int]) -> tuple[int, int]:
            kinds.append(type(value))
            return value

    bench.run(strict)
    bench.replay(lenient)
    assert kinds == [tuple]
    assert [8, 9] in bench.rows


class Shrinking(Source):
    """Has fewer records the second time."""

    name = "shrinking"
    records = 10

    def partitions(self) -> Sequence[PartitionSpec]:
        return [PartitionSpec("all")]

    def read(self, partition: str, start: int, schema: type | None) -> Iterator[Chunk]:  # noqa: ARG002
        ids = Ids.span(start, self.records)
        yield Chunk(ids, [(offset,) for offset in ids.offsets()], 100, iter)


def test_a_record_that_is_nowhere_any_more_stays_on_the_list(tmp_path: Path) -> None:
    source = Shrinking()
    bench = Bench(tmp_path, lambda: source)

    def none(pipeline: Pipeline) -> None:
        pipeline.stage(lambda value: Reject("no") if value[0] % 4 == 1 else value, name="none")

    bench.run(none)
    source.records = 6
    _, replay = bench.replay(lambda _: None)
    assert replay.out_of_reach == ["shrinking/all:9"]
    assert [letter.id for letter in bench.letters] == ["shrinking/all:9"]
    assert bench.counts() == (9, 0, 1)


# Records that went on as several, or several that went on as one


def splitting(bad: Callable[[int, int], bool], children: int = 3) -> Stages:
    def add(pipeline: Pipeline) -> None:
        @pipeline.stage(name="split")
        def split(value: dict[str, int]) -> Any:
            made = [{"id": value["id"], "part": part} for part in range(children)]
            return made if children > 1 else {"id": value["id"], "part": 0}

        @pipeline.stage(name="check")
        def check(value: dict[str, int]) -> dict[str, int]:
            if bad(value["id"], value["part"]):
                raise ValueError("bad")
            return value

    return add


def test_of_the_children_of_a_record_only_the_rejected_are_delivered(bench: Bench) -> None:
    bench.run(splitting(lambda number, part: number == 5 and part in (1, 2)))
    assert [letter.id for letter in bench.letters] == ["in/in.jsonl:5.1", "in/in.jsonl:5.2"]
    bench.replay(splitting(lambda number, part: number == 5 and part == 2))
    assert [(letter.id, letter.attempts) for letter in bench.letters] == [("in/in.jsonl:5.2", 2)]
    assert bench.counts() == (49, 0, 1)
    bench.replay(splitting(lambda _number, _part: False))
    assert bench.letters == []
    parts = [(row["id"], row["part"]) for row in bench.rows]
    assert sorted(parts) == [(id, part) for id in range(50) for part in range(3)]
    assert bench.counts() == (50, 0, 0)


def test_a_record_that_does_not_split_any_more_stays_on_the_list(bench: Bench) -> None:
    bench.run(splitting(lambda number, part: number == 5 and part == 1))
    before = bench.letters
    bench.replay(splitting(lambda _number, _part: False, children=1))
    assert bench.letters == before
    assert bench.counts() == (49, 0, 1)
    assert len(bench.rows) == 149


class Pairs(Stage):
    """Makes one of two."""

    def __init__(self) -> None:
        self._held: list[Record] = []

    def open(self) -> None:
        self._held = []

    def process(self, records: list[Record]) -> Iterator[Record]:
        for record in records:
            self._held.append(record)
            if len(self._held) == 2:
                ids = [each.value["id"] for each in self._held]
                yield Record.merge(self._held, {"ids": ids})
                self._held = []

    def flush(self) -> list[Record]:
        return self._held


def test_records_that_were_merged_into_a_rejected_one_come_along(bench: Bench) -> None:
    def pairing(*bad: int) -> Stages:
        def add(pipeline: Pipeline) -> None:
            pipeline.stage(Pairs)

            @pipeline.stage(name="check")
            def check(value: dict[str, list[int]]) -> dict[str, list[int]]:
                if value["ids"][0] in bad:
                    raise ValueError("bad")
                return value

        return add

    bench.run(pairing(4, 20))
    assert [(letter.id, letter.stands_for) for letter in bench.letters] == [
        ("in/in.jsonl:5", ("in/in.jsonl:4",)),
        ("in/in.jsonl:21", ("in/in.jsonl:20",)),
    ]
    assert bench.counts() == (46, 0, 4)
    counts, _ = bench.replay(pairing(20))
    assert counts.read == 4
    assert bench.counts() == (48, 0, 2)
    bench.replay(pairing())
    assert sorted(number for row in bench.rows for number in row["ids"]) == list(range(50))
    assert bench.letters == []


# Whatever fails, and however often


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(
    rounds=st.lists(st.sets(st.integers(0, 49), max_size=30), min_size=1, max_size=5),
    cut=st.integers(1, 50),
    data=st.data(),
)
def test_any_number_of_replays_loses_and_doubles_nothing(
    rounds: list[set[int]], cut: int, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("replays")
    source = folder / "in.jsonl"
    source.write_text("".join(f"{json.dumps({'id': number})}\n" for number in range(50)))
    bench = Bench(folder, lambda: files(source, name="in"), data.draw(st.integers(0, 1_000)))
    bad = rounds[0]
    bench.run(rejecting(*bad), limit=cut)
    done, left = set(range(cut)) - bad, bad & set(range(cut))
    for bad in rounds[1:]:
        if not left:
            break
        chosen = data.draw(st.sets(st.sampled_from(sorted(left)), min_size=1))
        bench.replay(rejecting(*bad), [f"in/in.jsonl:{number}" for number in chosen])
        done |= chosen - bad
        left -= chosen - bad
        assert numbers(bench.rows) == sorted(done)
        assert sorted(int(letter.id.rpartition(":")[2]) for letter in bench.letters) == sorted(left)
        assert bench.counts() == (len(done), 0, len(left))
    bench.run(rejecting())
    assert numbers(bench.rows) == sorted(done | set(range(cut, 50)))


def test_a_replay_that_cannot_be_committed_changes_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.run(rejecting(3, 14))
    before, stored = bench.letters, bench.store.load()

    def failing(_sink: JsonLinesSink) -> str:
        raise OSError("no space left")

    monkeypatch.setattr(JsonLinesSink, "flush", failing)
    with pytest.raises(AssertionError, match="no space left"):
        bench.replay(rejecting())
    monkeypatch.undo()
    assert bench.letters == before
    assert bench.store.load() == stored
    bench.replay(rejecting())
    assert numbers(bench.rows) == list(range(50))


def test_what_a_letter_keeps_is_told_by_its_form(tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text("id\n" + "1\n" * 3)
    bench = Bench(tmp_path, lambda: files(source, name="in"))
    bench.run(lambda pipeline: pipeline.stage(lambda _: Reject("no"), name="no"))
    assert {letter.form for letter in bench.letters} == {"bytes"}
