"""A disk that is full: the error names the file, and what was written before stays whole."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipeline.dead_letters import read
from pipeline.errors import SinkError
from pipeline.ids import Ids
from pipeline.sinks import csv, jsonl, parquet
from tests.pipeline.sinks.cases import FILES, Case

# Parquet and SQLite write headers and logs of some kilobytes before the first record.
LIMIT = 100_000

PROGRAM = """
import json, resource, sys
from pathlib import Path
from pipeline.errors import SinkError
from pipeline.ids import Ids
from tests.pipeline.sinks.cases import FILES
label, path = sys.argv[1:]
sink = next(case for case in FILES if case.label == label).make(Path(path))
sink.check()
sink.open()
resource.setrlimit(resource.RLIMIT_FSIZE, (BYTES, BYTES))
written, error = 0, None
try:
    for start in range(0, 10**6, 500):
        values = [{"id": number, "text": f"{number * 7919:x}" * 4} for number in range(start, start + 500)]
        written += len(list(sink.write(Ids.span(start, start + 500), [sink.encode(values)])))
except SinkError as caught:
    error = str(caught)
sink.close()
sink.close()
print(json.dumps([written, error]))
""".replace("BYTES", str(LIMIT))

DEAD_LETTERS = """
import resource, sys
from pipeline.batch import Partition, Rejection
from pipeline.dead_letters import DeadLetters
from pipeline.errors import SinkError
from pipeline.ids import Id
letters = DeadLetters(sys.argv[1])
letters.open()
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
try:
    while True:
        letters.write(Partition("s", "p"), [Rejection(Id(7), "parse", "bad", b"x" * 50)] * 10)
except SinkError as caught:
    assert sys.argv[1] in str(caught), caught
letters.close()
print(letters.written)
"""


def _python(code: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="has no limit on the size of files")
@pytest.mark.parametrize("case", [case for case in FILES if case.label != "parquet/"], ids=str)
def test_a_full_disk_ends_the_run_with_the_path_and_keeps_whole_batches(case: Case, tmp_path: Path) -> None:
    path = tmp_path / f"out.{case.ending}"
    written, error = json.loads(_python(PROGRAM, case.label, str(path)))
    assert error is not None
    assert str(path) in error
    if case.factory is parquet:
        assert "none of its rows are safe" in error
        return
    assert written > 0
    read_back: list[Any] = case.read(path)
    assert [int(row["id"]) for row in read_back] == list(range(written))


@pytest.mark.skipif(sys.platform == "win32", reason="has no limit on the size of files")
def test_dead_letters_on_a_full_disk_keep_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "dead.jsonl"
    written = int(_python(DEAD_LETTERS, str(path)))
    assert written > 0
    assert len(list(read(path))) == written
    assert path.read_bytes().endswith(b"\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="has no /dev/full")
@pytest.mark.parametrize("factory", [jsonl, csv])
def test_a_device_without_room(factory: Any) -> None:
    sink = factory("/dev/full")
    sink.check()
    sink.open()
    with pytest.raises(SinkError, match=r"cannot write /dev/full: No space left on device; make room"):
        sink.write(Ids.span(0, 1), [sink.encode([{"a": 1}])])
    sink.close()
