"""A folder of Parquet files: parts that are whole, and none but those that a commit speaks of."""

from __future__ import annotations

import random
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline import Pipeline, generated
from pipeline.checkpoint import FileStore
from pipeline.clock import ManualClock
from pipeline.deterministic import DeterministicDriver
from pipeline.engine import Engine, Options
from pipeline.errors import ConfigurationError, SinkError
from pipeline.events import EventBus
from pipeline.ids import Ids
from pipeline.sinks import parquet
from pipeline.sinks.parquet_folder import ParquetFolderSink
from tests.pipeline.sinks.cases import read_parquet


def sink_of(folder: Path, part_rows: int = 10, part_s: float = 30.0) -> ParquetFolderSink:
    sink = parquet(f"{folder}/", part_rows=part_rows, part_s=part_s)
    assert isinstance(sink, ParquetFolderSink)
    return sink


def put(sink: ParquetFolderSink, values: list[Any]) -> None:
    assert sink.encode is not None
    sink.write(Ids.span(0, len(values)), [sink.encode(values)])


def rows(start: int, stop: int) -> list[dict[str, Any]]:
    return [{"id": number} for number in range(start, stop)]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_an_existing_folder_needs_no_slash(tmp_path: Path) -> None:
    assert isinstance(parquet(tmp_path), ParquetFolderSink)
    assert not isinstance(parquet(tmp_path / "out.parquet"), ParquetFolderSink)


def test_a_part_is_finished_when_it_is_full_and_is_then_worth_a_commit(tmp_path: Path) -> None:
    sink = sink_of(tmp_path / "out")
    sink.open()
    put(sink, rows(0, 9))
    assert not sink.ready()
    assert names(tmp_path / "out") == [".part-000001.parquet.writing"]
    put(sink, rows(9, 12))
    assert sink.ready()
    assert names(tmp_path / "out") == ["part-000001.parquet"]
    assert sink.flush() == "1"
    assert not sink.ready()
    assert sink.flush() == "1"
    sink.close()


def test_what_no_commit_speaks_of_is_removed_and_the_columns_stay(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    sink = sink_of(folder)
    sink.open()
    put(sink, [{"id": 0, "tags": []}, {"id": 1, "tags": []}])
    note = sink.flush()
    put(sink, rows(2, 30))  # on the disk, and not committed
    put(sink, rows(30, 31))  # not even on the disk
    later = sink_of(folder)
    later.check()
    later.resume(note)
    assert names(folder) == ["part-000001.parquet"]
    put(later, [{"id": 2, "tags": ["y"]}])
    later.flush()
    later.close()
    assert read_parquet(folder) == [
        {"id": 0, "tags": "[]"},
        {"id": 1, "tags": "[]"},
        {"id": 2, "tags": '["y"]'},
    ]


def test_a_part_that_is_gone_is_named(tmp_path: Path) -> None:
    sink = sink_of(tmp_path / "out")
    sink.open()
    put(sink, rows(0, 10))
    put(sink, rows(10, 20))
    note = sink.flush()
    sink.close()
    (tmp_path / "out/part-000001.parquet").unlink()
    with pytest.raises(SinkError, match=r"part-000001\.parquet is gone, but an earlier run committed"):
        sink_of(tmp_path / "out").resume(note)


def test_files_of_others_are_left_alone_and_refused(tmp_path: Path) -> None:
    import pyarrow
    from pyarrow import parquet as parquet_format

    for name in ("theirs.parquet", "part-000001.parquet"):
        folder = tmp_path / name
        folder.mkdir()
        parquet_format.write_table(pyarrow.table({"a": [1]}), folder / name)
        (folder / "notes.txt").write_text("kept")
        with pytest.raises(ConfigurationError, match=f"'{name}' that was not written by this product"):
            sink_of(folder).check()
        assert names(folder) == sorted([name, "notes.txt"])


@pytest.mark.parametrize("options", [{"part_rows": 0}, {"part_s": 0}, {"part_rows": 1.5}])
def test_a_bad_option_is_refused(tmp_path: Path, options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        parquet(f"{tmp_path}/", **options)


@pytest.mark.skipif(sys.platform == "win32", reason="has no limit on the size of files")
def test_a_part_that_cannot_be_written_is_never_committed(tmp_path: Path) -> None:
    sink = sink_of(tmp_path / "out", part_rows=10**9)
    sink.open()
    put(sink, rows(0, 100))
    assert sink.flush() == "1"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        with pytest.raises(SinkError, match="none of its rows are safe"):
            _fill(sink)
        with pytest.raises(SinkError, match="its rows are not safe"):
            sink.flush()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    sink.close()
    assert names(tmp_path / "out") == ["part-000001.parquet"]
    assert read_parquet(tmp_path / "out") == rows(0, 100)


def _fill(sink: ParquetFolderSink) -> None:
    for start in range(100, 10**6, 5_000):
        put(sink, rows(start, start + 5_000))


def run(folder: Path, seed: int, records: int, between: Callable[[Engine], None] | None = None) -> Engine:
    """A run under the deterministic driver that goes on where the one before it stood."""
    sink = sink_of(folder / "out", part_rows=700, part_s=0.5)
    pipeline = Pipeline("p").read(generated("sensors", records=records)).write(sink)
    clock = ManualClock()
    store = FileStore(folder / "state.db", "p")
    engine = Engine(pipeline, Options(batch_size=100), clock, EventBus(), store=store)
    driver = DeterministicDriver(engine, clock, seed)
    driver.run(None if between is None else lambda _: between(engine))
    return engine


@pytest.mark.parametrize("seed", range(6))
def test_runs_that_are_cut_off_leave_each_row_once(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)

    def maybe_abort(engine: Engine) -> None:
        if chance.random() < 0.005:
            engine.sink.flush = _fail  # type: ignore[method-assign]
            engine.abort()

    for attempt in range(4):
        run(tmp_path, seed + attempt, 5_000, maybe_abort)
    engine = run(tmp_path, seed, 5_000)
    counts = engine.ledger.counts()
    assert (counts.read, counts.delivered, counts.lost, counts.duplicated) == (5_000, 5_000, 0, 0)
    got = [row["sequence"] for row in read_parquet(tmp_path / "out")]
    assert len(got) == len(set(got)) == 5_000
    assert all(name.startswith("part-") for name in names(tmp_path / "out"))


def _fail() -> str:
    raise SinkError("cut off")


def test_commits_wait_for_a_part_of_a_fair_size(tmp_path: Path) -> None:
    run(tmp_path, 1, 5_000)
    # 700 rows are seven batches; parts may be smaller only where half a second was over.
    assert len(names(tmp_path / "out")) <= 12
