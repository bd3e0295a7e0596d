"""What a run says of its memory: which container grows, in which stage, by how much with each record."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from metrics.memory_state import CacheState
from metrics.snapshot import Snapshot
from metrics.verdict import EXIT_HEALTHY, EXIT_THRESHOLD
from pipeline import Pipeline, Record, Stage, count
from pipeline.engine import Options
from run.demo import demo
from run.session import Session
from tests.run.command import call, parsed

RECORDS = 4_000
LEAKS = {
    "dict": "seen",
    "lru_cache": "find",
    "callbacks": "listeners",
    "closure": "history",
    "thread_local": "items",
    "error_log": "messages",
    "expiry": "entries",
    "registry": "jobs",
    "deque": "recent",
}


def ran(pipeline: Pipeline, *faults: str) -> tuple[Snapshot, int]:
    """The last snapshot of a run, and its exit code."""
    session = Session(pipeline, Options(), faults=faults)
    session.start()
    assert session.wait(60)
    report = session.report()
    return report.snapshot, report.exit_code


def cache(snapshot: Snapshot, name: str) -> CacheState:
    found = [each for each in snapshot.memory.caches if each.name == name]
    assert len(found) == 1, snapshot.memory.caches
    return found[0]


@pytest.mark.parametrize(("variant", "holder"), LEAKS.items())
def test_a_leak_is_named_with_its_container_stage_and_bytes_a_record(variant: str, holder: str) -> None:
    snapshot, code = ran(demo(), f"leak.{variant}@transform")
    assert code == EXIT_THRESHOLD
    assert snapshot.memory.verdict == "growing"
    found = cache(snapshot, holder)
    assert found.stage == "transform"
    assert found.verdict == "growing"
    assert found.bytes_per_record is not None
    assert 500 < found.bytes_per_record < 2_500
    assert f"`{holder}` of stage transform grows by" in snapshot.reasons[0]


@pytest.mark.parametrize(
    "faults", [(), ("lookalike.warm_up@transform",), ("lookalike.slow_stage@transform",)]
)
def test_a_run_without_a_leak_is_not_called_growing(faults: tuple[str, ...]) -> None:
    snapshot, _ = ran(demo(), *faults)
    assert snapshot.memory.verdict in ("stable", "warming")
    assert not any(each.verdict == "growing" for each in snapshot.memory.caches)


def test_the_demo_is_stable_and_its_cache_is_flushed_with_each_commit() -> None:
    snapshot, code = ran(demo())
    assert (snapshot.memory.verdict, code) == ("stable", EXIT_HEALTHY)
    found = cache(snapshot, "pseudonyms")
    assert (found.stage, found.declared, found.len) == ("transform", True, 0)
    assert max(found.series) > 0


def numbers(tmp_path: Path, *, records: int = RECORDS) -> Pipeline:
    def pairs() -> Iterator[tuple[int, dict[str, Any]]]:
        for at in range(records):
            yield at, {"n": at, "text": f"record {at:08}"}

    pipeline = Pipeline("numbers", batch_size=100, dead_letters=tmp_path / "letters.jsonl")
    return pipeline.read(pairs)


def test_a_declared_cache_is_shown_also_when_it_is_small(tmp_path: Path) -> None:
    names = {"one": 1}
    pipeline = numbers(tmp_path)
    pipeline.stage(lambda record: record, name="work")
    pipeline.watch_cache(names, "names", stage="work")
    pipeline.write(count())
    found = cache(ran(pipeline)[0], "names")
    assert (found.stage, found.len, found.declared, found.verdict) == ("work", 1, True, "stable")


def test_a_stage_that_holds_records_back_and_gives_them_up_is_no_leak(tmp_path: Path) -> None:
    class Sorted(Stage):
        def __init__(self) -> None:
            self.records: list[Record] = []

        def process(self, records: list[Record]) -> list[Record]:
            self.records += records
            return []

        def flush(self) -> list[Record]:
            return sorted(self.records, key=lambda record: -record.value["n"])

    pipeline = numbers(tmp_path)
    pipeline.stage(Sorted)
    pipeline.write(count())
    snapshot, code = ran(pipeline)
    assert cache(snapshot, "records").verdict != "growing"
    assert code == EXIT_HEALTHY


def flushing(seen: dict[int, Any], every: int) -> Callable[[Any], Any]:
    def work(record: Any) -> Any:
        seen[record["n"]] = record
        if len(seen) >= every:
            seen.clear()
        return record

    return work


def test_a_cache_that_is_flushed_stays_stable_and_its_saw_is_seen(tmp_path: Path) -> None:
    pipeline = numbers(tmp_path)
    pipeline.stage(flushing({}, 700), name="work")
    pipeline.write(count())
    snapshot, code = ran(pipeline)
    found = cache(snapshot, "seen")
    assert found.verdict == "stable"
    assert max(found.series) > 2 * min(found.series)
    assert code == EXIT_HEALTHY


def test_a_list_as_the_output_is_no_leak(tmp_path: Path) -> None:
    rows: list[Any] = []
    pipeline = numbers(tmp_path)
    pipeline.stage(lambda record: record, name="work")
    pipeline.write(rows.append)
    snapshot, code = ran(pipeline)
    assert len(rows) == RECORDS
    assert code == EXIT_HEALTHY
    assert snapshot.memory.verdict != "growing"


def test_objects_that_pile_up_in_no_container_are_named_by_their_type() -> None:
    # In a process of its own: among the objects of all tests before it, two thousand are next to nothing.
    done = call("--headless", "--fault", "leak.cycle@transform", "--json", "-")
    assert done.code == EXIT_THRESHOLD
    reason = parsed(done.out)["reasons"][0]
    assert "2,000 more objects of type" in reason
    assert "Node are alive, 2 for each record" in reason


def test_a_census_can_be_asked_for() -> None:
    session = Session(demo(), Options(rate=50))
    assert "census" in session.powers
    session.start()
    try:
        session.take_census()
        for _ in range(600):
            if session.snapshot.memory.census is not None:
                break
            session.wait(0.1)
        census = session.snapshot.memory.census
        assert census is not None
        assert census.objects > 10_000
        assert any(state.type == "dict" and state.count > 100 for state in census.types)
    finally:
        session.abort()
        assert session.wait(60)


def test_a_module_with_many_containers_is_not_taken_for_a_leak(tmp_path: Path) -> None:
    # Watching hundreds of containers takes memory too, which is not the pipeline's.
    source = tmp_path / "many.py"
    source.write_text(
        "\n".join(f"table_{at} = [{at}]" for at in range(600))
        + "\nfrom pipeline import Pipeline, count\n"
        + 'numbers = Pipeline("numbers", batch_size=100)\n'
        + 'numbers.read(lambda: ((at, {"n": at}) for at in range(2_000)))\n'
        + "@numbers.stage\ndef work(record):\n    return record\n"
        + "numbers.write(count())\n"
    )
    done = call("run", str(source), "--headless", "--json", "-", cwd=tmp_path)
    assert done.code == EXIT_HEALTHY, done.err
    assert parsed(done.out)["memory"]["verdict"] in ("stable", "warming")


def test_garbage_that_waits_for_the_collector_is_no_leak(tmp_path: Path) -> None:
    source = tmp_path / "waiting.py"
    source.write_text(
        "import gc\n"
        "from pipeline import Pipeline, count\n"
        "gc.set_threshold(1_000_000)\n"
        "class Node:\n    pass\n"
        'numbers = Pipeline("numbers", batch_size=100)\n'
        'numbers.read(lambda: ((at, {"n": at}) for at in range(20_000)))\n'
        "@numbers.stage\ndef work(record):\n"
        "    one, other = Node(), Node()\n    one.other, other.other = other, one\n    return record\n"
        "numbers.write(count())\n"
    )
    done = call("run", str(source), "--headless", "--json", "-", cwd=tmp_path)
    assert done.code == EXIT_HEALTHY, done.err
    assert parsed(done.out)["memory"]["verdict"] == "stable"
