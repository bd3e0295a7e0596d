"""Parquet: native types, row groups, progress, damage."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pipeline.sources import files
from tests.pipeline.sources.reading import read

pyarrow: Any = pytest.importorskip("pyarrow")
parquet: Any = pytest.importorskip("pyarrow.parquet")


class Trade(msgspec.Struct):
    id: int
    at: datetime
    price: Decimal
    tags: list[str]
    note: str | None = None


def _write(path: Path, rows: list[dict[str, Any]], **options: Any) -> None:
    parquet.write_table(pyarrow.Table.from_pylist(rows), path, **options)


def test_typed_columns_become_typed_values(tmp_path: Path) -> None:
    at = datetime(2024, 2, 29, 12, 30)  # noqa: DTZ001 - a column without a time zone
    row = {"id": 1, "at": at, "price": Decimal("9.50"), "tags": ["a", "b"], "note": None}
    _write(tmp_path / "a.parquet", [row])
    assert read(files(tmp_path / "a.parquet"), Trade).values == {0: Trade(1, at, Decimal("9.50"), ["a", "b"])}


def test_a_row_that_does_not_fit_is_rejected_by_field(tmp_path: Path) -> None:
    class Item(msgspec.Struct):
        id: int
        name: str

    _write(tmp_path / "a.parquet", [{"id": 1, "name": "x"}, {"id": 2, "name": None}])
    seen = read(files(tmp_path / "a.parquet"), Item)
    assert seen.values == {0: Item(1, "x")}
    assert seen.reasons == {1: "`$.name`: expected `str`, got `null`"}


def test_progress_is_held_against_the_stored_size(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    _write(path, [{"id": n, "text": f"{n:090d}"} for n in range(50_000)], row_group_size=10_000)
    source = files(path)
    source.check()
    (spec,) = source.partitions()
    assert (spec.total, spec.size) == (50_000, path.stat().st_size)
    chunks = list(source.read("a.parquet", 25_000, None))
    assert sum(len(chunk.ids) for chunk in chunks) == 25_000
    assert max(chunk.size for chunk in chunks) < 2 << 20
    positions = [chunk.position for chunk in chunks if chunk.position is not None]
    assert positions == sorted(positions)
    assert 0.4 * path.stat().st_size < positions[0] < positions[-1] <= path.stat().st_size


def test_damage_in_a_row_group_keeps_the_rows_before_it(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    _write(path, [{"id": n, "text": f"{n:040d}"} for n in range(4_000)], row_group_size=1_000)
    data = bytearray(path.read_bytes())
    start = parquet.ParquetFile(path).metadata.row_group(2).column(0).dictionary_page_offset
    data[start : start + 200] = b"\xff" * 200
    path.write_bytes(data)
    seen = read(files(path))
    assert list(seen.values) == list(range(2_000))
    assert "row group 2 cannot be read" in str(seen.error)
    assert "2,000 rows before it are kept" in str(seen.error)
