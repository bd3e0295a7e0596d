"""Our own sources and sinks pass the conformance kit that users get, and bad ones do not."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from pipeline import Id, Ids, Sink, Source, files, generated, values
from pipeline.sinks import SINKS
from pipeline.testing import SinkContract, SourceContract
from tests.pipeline.plans import Listed
from tests.pipeline.sinks.cases import COUNTING, WRITING, Case, read_jsonl

# Sinks


class _CaseContract(SinkContract):
    case: Case

    def make(self, folder: Path) -> Sink:
        return self.case.make(folder / f"out.{self.case.ending}")

    def rows(self, folder: Path) -> list[Any]:
        # CSV knows text only.
        rows = self.case.read(folder / f"out.{self.case.ending}")
        return [{"id": int(row["id"]), "text": row["text"]} for row in rows]

    def bad(self) -> Any:
        return self.case.bad


def _contract(case: Case) -> type[_CaseContract]:
    return type(f"Test{case.label.title()}", (_CaseContract,), {"case": case})


for _case in WRITING:
    globals()[f"Test_{_case.label}"] = _contract(_case)


def test_every_sink_is_run_through_the_kit() -> None:
    assert {case.factory for case in WRITING} | {COUNTING} == set(SINKS)


# Sources

ROWS = [{"id": number, "text": f"row {number}"} for number in range(9)]


def _write_lines(path: Path, rows: Sequence[object], *, more: bool = False) -> None:
    data = "".join(json.dumps(row) + "\n" for row in rows).encode()
    with path.open("ab" if more else "wb") as file:
        file.write(gzip.compress(data) if path.suffix == ".gz" else data)


class TestJsonLines(SourceContract):
    ending = ".jsonl"

    def make(self, folder: Path) -> Source:
        if not list(folder.glob(f"*{self.ending}")):
            _write_lines(folder / f"a{self.ending}", ROWS)
            _write_lines(folder / f"b{self.ending}", ["other", *ROWS[:3]])
        return files(f"{folder}/*{self.ending}", name="rows")

    def swap(self, folder: Path) -> bool:
        _write_lines(folder / f"a{self.ending}", ["quite", "another", *ROWS, *ROWS])
        return True

    def grow(self, folder: Path) -> bool:
        _write_lines(folder / f"a{self.ending}", ["later"], more=True)
        return True


class TestGzippedJsonLines(TestJsonLines):
    ending = ".jsonl.gz"


class TestPlainLines(TestJsonLines):
    ending = ".log"


class TestFollowedLines(TestJsonLines):
    def make(self, folder: Path) -> Source:
        super().make(folder)
        return files(f"{folder}/*{self.ending}", name="rows", follow=True)


class TestCsv(SourceContract):
    def make(self, folder: Path) -> Source:
        path = folder / "rows.csv"
        if not path.exists():
            path.write_text("id,text\n" + "".join(f'{n},"a\nb {n}"\n' for n in range(7)), encoding="utf-8")
        return files(path)

    def swap(self, folder: Path) -> bool:
        (folder / "rows.csv").write_text("id,other\n" + "1,2\n" * 50, encoding="utf-8")
        return True

    def grow(self, folder: Path) -> bool:
        with (folder / "rows.csv").open("a", encoding="utf-8") as file:
            file.write("8,more\n")
        return True


class TestParquet(SourceContract):
    def make(self, folder: Path) -> Source:
        pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
        path = folder / "rows.parquet"
        if not path.exists():
            parquet.write_table(pyarrow.Table.from_pylist(ROWS), path, row_group_size=4)
        return files(path)


class TestGenerated(SourceContract):
    def make(self, folder: Path) -> Source:  # noqa: ARG002
        return generated("orders", records=40, seed=3)


class TestEndlesslyGenerated(SourceContract):
    def make(self, folder: Path) -> Source:  # noqa: ARG002
        return generated("broken_orders", seed=3)

    def test_it_goes_on_at_every_offset(self, tmp_path: Path) -> None:
        source = self.make(tmp_path)
        (spec,) = source.partitions()
        first = self._read(source, spec.name, 0)
        for start in (1, 511, 512, 513, 4_000):
            found = self._read(source, spec.name, start)
            assert all(found[offset] == first[offset] for offset in range(start, 10_000))


class TestValuesFromAStart(SourceContract):
    def make(self, folder: Path) -> Source:  # noqa: ARG002
        def pairs(start: int = 0) -> Iterator[tuple[int, str]]:
            return ((offset, f"value {offset}") for offset in range(0, 30, 3) if offset >= start)

        return values(pairs)


class TestValuesOnce(SourceContract):
    def make(self, folder: Path) -> Source:  # noqa: ARG002
        return values((offset, offset * offset) for offset in range(5))


class TestWritten(SourceContract):
    """A user's own source."""

    def make(self, folder: Path) -> Source:  # noqa: ARG002
        awkward: list[tuple[int, int | str]] = [(0, 1), (1, "uncut"), (4, 5), (5, "unreadable"), (9, 8)]
        return Listed("mine", {"p": awkward, "q": [(0, 0), (1, 1), (2, 2)]}, 2)


# The kit finds what is wrong


class _Forgetful(Sink):
    """Says that it goes on, and writes at the end of what is there instead."""

    guarantee = "exactly once"
    resumes = True

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = "forgetful"

    def open(self) -> None:
        self.path.write_bytes(b"")

    def resume(self, note: str) -> None:  # noqa: ARG002
        return

    def flush(self) -> str:
        return "somewhere"

    def write(self, ids: Ids, payloads: list[Any]) -> Iterable[Id]:
        with self.path.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(value) + "\n" for value in payloads)
        return ids


class _Forgetting(SinkContract):
    def make(self, folder: Path) -> Sink:
        return _Forgetful(folder / "out.jsonl")

    def rows(self, folder: Path) -> list[Any]:
        return read_jsonl(folder / "out.jsonl")


class _Unnoted(_Forgetful):
    def flush(self) -> None:  # type: ignore[override]
        return None


class _Boasting(_Forgetting):
    def make(self, folder: Path) -> Sink:
        return _Unnoted(folder / "out.jsonl")


class _Shifting(SourceContract):
    def make(self, folder: Path) -> Source:  # noqa: ARG002
        return _OffByOne("shifting", {"p": [(0, 1), (1, 2), (2, 3), (3, 4)]}, 2)


class _OffByOne(Listed):
    def read(self, partition: str, start: int, schema: type | None) -> Iterator[Any]:
        return super().read(partition, max(0, start - 1), schema)


@pytest.mark.parametrize(
    "test",
    [
        _Forgetting().test_it_goes_on_at_every_batch_boundary,
        _Forgetting().test_what_was_flushed_but_not_acknowledged_is_gone,
        _Boasting().test_the_guarantee_is_one_that_it_can_keep,
        _Shifting().test_it_goes_on_at_every_offset,
    ],
    ids=lambda test: test.__qualname__,
)
def test_what_does_not_conform_is_found(test: Callable[[Path], None], tmp_path: Path) -> None:
    with pytest.raises(AssertionError):
        test(tmp_path)


def test_the_kit_itself_needs_no_pytest() -> None:
    program = "import sys; sys.modules['pytest'] = None; import pipeline.testing"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
