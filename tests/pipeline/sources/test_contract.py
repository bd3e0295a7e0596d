"""What every format keeps to, under every compression: exact values, rising ids, resuming anywhere."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.sources import files
from tests.pipeline.sources.reading import COMPRESS, read

Records = list[dict[str, Any]]

_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
_ROWS = st.lists(
    st.fixed_dictionaries({"number": st.integers(-(2**53), 2**53), "text": _TEXT, "other": _TEXT}),
    max_size=12,
)
_LINES = st.lists(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\n\r"), min_size=1, max_size=12),
    max_size=12,
)


def _jsonl(rows: Records) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def _csv(rows: Records, delimiter: str = ",") -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, ["number", "text", "other"], delimiter=delimiter, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def _tsv(rows: Records) -> bytes:
    return _csv(rows, "\t")


def _cells(rows: Records) -> Records:
    """Rows as a CSV file without a schema gives them: text, or None where it is empty."""
    return [{key: None if value == "" else str(value) for key, value in row.items()} for row in rows]


def _same(rows: Records) -> Records:
    return rows


FORMATS: dict[str, tuple[Callable[[Records], bytes], Callable[[Records], Records]]] = {
    ".jsonl": (_jsonl, _same),
    ".csv": (_csv, _cells),
    ".tsv": (_tsv, _cells),
}

_relaxed = settings(
    max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)


@pytest.mark.parametrize("compression", COMPRESS)
@pytest.mark.parametrize("ending", FORMATS)
@_relaxed
@given(rows=_ROWS, data=st.data())
def test_rows_come_back_exactly_from_any_offset(
    ending: str, compression: str, rows: Records, data: st.DataObject
) -> None:
    write, expect = FORMATS[ending]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"rows{ending}{compression}"
        path.write_bytes(COMPRESS[compression](write(rows)))
        source = files(path)
        whole = read(source)
        assert whole.error is None
        assert whole.reasons == {}
        assert whole.values == dict(enumerate(expect(rows)))
        if whole.positions:
            assert whole.positions[-1] <= path.stat().st_size
        start = data.draw(st.integers(0, len(rows) + 1))
        resumed = read(source, start=start)
        assert resumed.values == {at: value for at, value in whole.values.items() if at >= start}


@pytest.mark.parametrize("compression", COMPRESS)
@_relaxed
@given(lines=_LINES, data=st.data())
def test_lines_come_back_exactly_from_any_offset(
    compression: str, lines: list[str], data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"lines.log{compression}"
        path.write_bytes(COMPRESS[compression]("\n".join(lines).encode()))
        source = files(path)
        assert read(source).values == dict(enumerate(lines))
        start = data.draw(st.integers(0, len(lines) + 1))
        assert read(source, start=start).values == dict(list(enumerate(lines))[start:])


@_relaxed
@given(rows=_ROWS, group=st.integers(1, 5), data=st.data())
def test_parquet_rows_come_back_exactly_from_any_offset(
    rows: Records, group: int, data: st.DataObject
) -> None:
    pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    schema = pyarrow.schema(
        [("number", pyarrow.int64()), ("text", pyarrow.string()), ("other", pyarrow.string())]
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.parquet"
        parquet.write_table(pyarrow.Table.from_pylist(rows, schema), path, row_group_size=group)
        source = files(path)
        source.check()
        assert source.partitions()[0].total == len(rows)
        assert read(source).values == dict(enumerate(rows))
        start = data.draw(st.integers(0, len(rows) + 1))
        assert read(source, start=start).values == dict(list(enumerate(rows))[start:])


@pytest.mark.parametrize("compression", COMPRESS)
def test_a_large_file_is_read_in_chunks_of_about_a_mebibyte(tmp_path: Path, compression: str) -> None:
    count = 60_000
    body = b"".join(b'{"id":%d,"text":"%s"}\n' % (i, b"x" * (i % 97)) for i in range(count))
    path = tmp_path / f"big.jsonl{compression}"
    path.write_bytes(COMPRESS[compression](body))
    source = files(path)
    source.check()
    sizes = [chunk.size for chunk in source.read(path.name, 0, None)]
    assert max(sizes) < 2 << 20
    assert sum(sizes) <= len(body)
    seen = read(source)
    assert [value["id"] for value in seen.values.values()] == list(range(count))
    assert seen.positions[-1] <= path.stat().st_size


@pytest.mark.parametrize("ending", [*FORMATS, ".log"])
@pytest.mark.parametrize("compression", COMPRESS)
def test_an_empty_file_holds_no_records(tmp_path: Path, ending: str, compression: str) -> None:
    (tmp_path / f"stored{ending}{compression}").write_bytes(b"")
    (tmp_path / f"packed{ending}{compression}").write_bytes(COMPRESS[compression](b""))
    if compression != ".zip":
        assert read(files(tmp_path / f"stored{ending}{compression}")).offsets == []
    assert read(files(tmp_path / f"packed{ending}{compression}")).offsets == []


def test_each_file_is_a_partition_and_they_are_read_apart(tmp_path: Path) -> None:
    for name in ("b", "a", "c"):
        (tmp_path / f"{name}.jsonl").write_text(f'{{"file": "{name}"}}\n')
    source = files(f"{tmp_path}/*.jsonl")
    source.check()
    specs = source.partitions()
    assert [spec.name for spec in specs] == ["a.jsonl", "b.jsonl", "c.jsonl"]
    assert [spec.size for spec in specs] == [14, 14, 14]
    assert read(source, partition="b.jsonl").values == {0: {"file": "b"}}


def test_files_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    for folder in ("ewr", "jfk"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "day.log").write_text(folder)
    (tmp_path / "lga.log").write_text("lga")
    source = files(f"{tmp_path}/**/*.log", name="airports")
    source.check()
    assert [spec.name for spec in source.partitions()] == ["ewr/day.log", "jfk/day.log", "lga.log"]
    assert read(source, partition="jfk/day.log").values == {0: "jfk"}


def test_a_file_named_by_two_patterns_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("x")
    source = files([tmp_path / "*.log", tmp_path / "a.log"])
    source.check()
    assert len(source.partitions()) == 1


def test_the_source_is_named_after_the_pattern(tmp_path: Path) -> None:
    assert files("data/orders-*.jsonl.gz").name == "orders"
    assert files("flights/*.csv.gz").name == "flights"
    assert files(tmp_path / "clicks.log").name == "clicks"
    assert files("*.csv", name="mine").name == "mine"


def test_a_url_is_read_through_its_driver() -> None:
    memory = pytest.importorskip("fsspec").filesystem("memory")
    memory.pipe("/bucket/part-1.jsonl.gz", COMPRESS[".gz"](b'{"a":1}\n{"a":2}\n'))
    memory.pipe("/bucket/part-2.jsonl.gz", COMPRESS[".gz"](b'{"a":3}\n'))
    source = files("memory://bucket/*.jsonl.gz")
    assert source.blocking
    source.check()
    assert [spec.name for spec in source.partitions()] == ["part-1.jsonl.gz", "part-2.jsonl.gz"]
    assert read(source, partition="part-1.jsonl.gz", start=1).values == {1: {"a": 2}}


def test_closing_the_iterator_closes_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"a\n" + b"1\n" * (3 << 20))
    descriptors = Path("/proc/self/fd")
    if not descriptors.exists():
        pytest.skip("open files are counted through /proc")
    source = files(path)
    before = len(list(descriptors.iterdir()))
    chunks = source.read("a.csv", 0, None)
    next(chunks)
    assert len(list(descriptors.iterdir())) == before + 1
    chunks.close()  # type: ignore[attr-defined]
    assert len(list(descriptors.iterdir())) == before
