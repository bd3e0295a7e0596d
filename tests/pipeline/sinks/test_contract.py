"""What every sink has to do."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import ConfigurationError
from pipeline.ids import Ids
from pipeline.sinks import SINKS, count
from tests.pipeline.sinks.cases import COUNTING, FILES, WRITING, Case
from tests.pipeline.sinks.delivery import Delivery, deliver, run

TEXTS = [
    'quo"te',
    "new\nline",
    "re\rturn",
    "both\r\n",
    "comma,semi;",
    " spaces ",
    "Zürich 東京 🛫",
    "\t",
    "'",
    "NULL",
]


@pytest.fixture(params=WRITING, ids=str)
def case(request: pytest.FixtureRequest) -> Case:
    chosen: Case = request.param
    return chosen


@pytest.fixture(params=FILES, ids=str)
def file_case(request: pytest.FixtureRequest) -> Case:
    chosen: Case = request.param
    return chosen


def rows(count: int, start: int = 0) -> list[dict[str, Any]]:
    return [{"id": start + index, "text": TEXTS[(start + index) % len(TEXTS)]} for index in range(count)]


def same(read: list[dict[str, Any]], expected: list[dict[str, Any]]) -> bool:
    """CSV knows text only."""
    return [{"id": int(row["id"]), "text": row["text"]} for row in read] == expected


def test_every_sink_is_held_to_this() -> None:
    assert {case.factory for case in WRITING} | {COUNTING} == set(SINKS)


def test_rows_read_back_are_the_ids_written_in_order(case: Case, tmp_path: Path) -> None:
    path = tmp_path / f"out.{case.ending}"
    values = rows(23)
    delivery = run(case.make(path), [values[:10], values[10:11], values[11:]])
    assert delivery.offsets == list(range(23))
    assert not delivery.rejected
    assert same(case.read(path), values)


@pytest.mark.parametrize("position", [0, 4, 9])
@pytest.mark.parametrize("batch", [0, 1])
def test_a_value_that_cannot_be_written_is_rejected_alone(
    case: Case, tmp_path: Path, position: int, batch: int
) -> None:
    path = tmp_path / f"out.{case.ending}"
    batches: list[list[Any]] = [rows(10), rows(10, start=10)]
    batches[batch][position] = case.bad
    offset = 10 * batch + position
    delivery = run(case.make(path), batches)
    assert list(delivery.rejected) == [offset]
    assert len(delivery.rejected[offset]) > 10
    assert delivery.offsets == [at for at in range(20) if at != offset]
    assert same(case.read(path), [row for row in rows(20) if row["id"] != offset])


def test_a_batch_of_nothing_but_bad_values_does_not_stop_the_next(case: Case, tmp_path: Path) -> None:
    path = tmp_path / f"out.{case.ending}"
    # Parquet takes the types of the first batch, so that something good has to come first.
    delivery = run(case.make(path), [rows(2), [case.bad, case.bad], rows(2, start=2)])
    assert sorted(delivery.rejected) == [2, 3]
    assert delivery.offsets == [0, 1, 4, 5]
    assert same(case.read(path), rows(4))


def test_a_run_writes_its_output_anew(case: Case, tmp_path: Path) -> None:
    path = tmp_path / f"out.{case.ending}"
    run(case.make(path), [rows(9)])
    run(case.make(path), [rows(2, start=5)])
    assert same(case.read(path), rows(2, start=5))


def test_the_same_sink_can_run_again(case: Case, tmp_path: Path) -> None:
    path = tmp_path / f"out.{case.ending}"
    sink = case.make(path)
    run(sink, [rows(9)])
    run(sink, [rows(2, start=5)])
    assert same(case.read(path), rows(2, start=5))


def test_a_run_without_a_record_leaves_readable_output(case: Case, tmp_path: Path) -> None:
    path = tmp_path / f"out.{case.ending}"
    run(case.make(path), [])
    assert case.read(path) == []


def test_closing_twice_and_closing_unopened_is_fine(case: Case, tmp_path: Path) -> None:
    sink = case.make(tmp_path / f"out.{case.ending}")
    sink.close()
    sink.open()
    sink.close()
    sink.close()


def test_encoding_ahead_of_writing_changes_nothing(file_case: Case, tmp_path: Path) -> None:
    path = tmp_path / f"out.{file_case.ending}"
    sink = file_case.make(path)
    sink.open()
    assert sink.encode is not None
    later = sink.encode([{"other": "later"}])
    delivery = Delivery()
    deliver(sink, Ids.span(0, 3), rows(3), delivery)
    assert later is not None
    sink.close()
    assert same(file_case.read(path), rows(3))


def test_it_says_where_it_writes(file_case: Case, tmp_path: Path) -> None:
    sink = file_case.make(tmp_path / f"out.{file_case.ending}")
    assert sink.folder == str(tmp_path)
    assert str(tmp_path / f"out.{file_case.ending}") in sink.name


def test_check_leaves_nothing_behind(file_case: Case, tmp_path: Path) -> None:
    path = tmp_path / f"out.{file_case.ending}"
    file_case.make(path).check()
    assert list(tmp_path.iterdir()) == []
    run(file_case.make(path), [rows(2)])
    before = sorted(tmp_path.iterdir())
    file_case.make(path).check()
    assert sorted(tmp_path.iterdir()) == before == [path]


def test_a_missing_folder_is_named(file_case: Case, tmp_path: Path) -> None:
    path = tmp_path / "missing" / f"out.{file_case.ending}"
    with pytest.raises(ConfigurationError, match="does not exist; create it") as caught:
        file_case.make(path).check()
    assert str(path) in str(caught.value)
    assert not path.parent.exists()


def test_a_folder_in_the_place_of_the_file_is_named(file_case: Case, tmp_path: Path) -> None:
    path = tmp_path / f"out.{file_case.ending}"
    sink = file_case.make(path)
    path.mkdir()
    if file_case.label == "parquet/":
        sink.check()
        return
    with pytest.raises(ConfigurationError, match="it is a folder"):
        sink.check()


def test_a_file_in_the_place_of_the_folder_is_named(file_case: Case, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="is a file, not a folder"):
        file_case.make(tmp_path / "file" / f"out.{file_case.ending}").check()


@pytest.mark.parametrize(
    ("name", "message"), [("x" * 300, "too long"), ("nul\0", "null"), ("s3://bucket/out", "local files only")]
)
def test_an_impossible_path_is_named(file_case: Case, name: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        file_case.make(Path(name)).check()


@pytest.fixture
def open_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder that other users, too, can reach."""
    folder = tmp_path_factory.mktemp("shared")
    # Only pytest's own folders are opened, and only where root has to act as somebody else.
    own = tmp_path_factory.getbasetemp().parent
    reach = [parent for parent in folder.parents if os.geteuid() == 0 and parent.is_relative_to(own)]
    modes = {parent: parent.stat().st_mode for parent in reach}
    for parent, mode in modes.items():
        parent.chmod(mode | 0o011)
    yield folder
    folder.chmod(0o755)
    for parent, mode in modes.items():
        parent.chmod(mode)


def test_a_read_only_folder_is_named(file_case: Case, open_folder: Path) -> None:
    path = open_folder / f"out.{file_case.ending}"
    open_folder.chmod(0o555)
    message = _as_ordinary_user(file_case.make(path).check)
    assert "is not writable" in message
    assert str(path) in message


def test_a_read_only_file_is_named(file_case: Case, open_folder: Path) -> None:
    path = open_folder / f"out.{file_case.ending}"
    path.write_bytes(b"")
    path.chmod(0o444)
    open_folder.chmod(0o777)
    assert "the file is read-only" in _as_ordinary_user(file_case.make(path).check)


def _as_ordinary_user(check: Callable[[], None]) -> str:
    """The message of the error; permissions do not bind root, so a child does it as nobody then."""
    if os.geteuid() != 0:
        with pytest.raises(ConfigurationError) as caught:
            check()
        return str(caught.value)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        message = "no error"
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            check()
        except BaseException as error:  # noqa: BLE001 - the parent judges it
            message = f"{type(error).__name__}: {error}"
        os.write(writer, message.encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, encoding="utf-8") as pipe:
        message = pipe.read()
    os.waitpid(child, 0)
    assert message.startswith("ConfigurationError"), message
    return message


def test_count_counts() -> None:
    sink = count()
    delivery = run(sink, [rows(3), ["a", 5]])
    assert sink.rows == 5
    assert delivery.offsets == [0, 1, 2, 3, 4]
    run(sink, [rows(1)])
    assert sink.rows == 1
