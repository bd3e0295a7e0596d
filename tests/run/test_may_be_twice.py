"""A sink that writes at least once: after a kill, the report names what may be there twice."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from tests.run.command import call, environment

RECORDS = 900
FILE = """
import os
from pathlib import Path
from pipeline import Pipeline, files

HERE = Path(__file__).parent
twice = Pipeline("twice", batch_size=50)
twice.read(files(str(HERE / "in.txt"), name="in"))
out = (HERE / "out.txt").open("a", buffering=1)

def append(line: str) -> None:
    out.write(line + "\\\\n")
    if line == os.environ.get("DIE_AT"):
        os.kill(os.getpid(), 9)

twice.write(append)
"""


@pytest.mark.parametrize("deaths", [["345"], ["20", "21", "899"]])
def test_what_was_written_twice_is_named(deaths: list[str], tmp_path: Path) -> None:
    (tmp_path / "twice.py").write_text(FILE.replace("\\\\", "\\"))
    (tmp_path / "in.txt").write_text("".join(f"{n}\n" for n in range(RECORDS)))
    arguments = ["run", "twice.py", "--headless", "--state", "state.db", "--json", "report.json"]
    for death in deaths:
        assert call(*arguments, cwd=tmp_path, env=environment(DIE_AT=death)).code == -9
    done = call(*arguments, cwd=tmp_path)
    assert done.code == 0, done.err
    assert "may be written twice" in done.err
    written = Counter((tmp_path / "out.txt").read_text().split())
    assert written.keys() == {str(n) for n in range(RECORDS)}, "at least once"
    twice = {f"in/in.txt:{number}" for number, times in written.items() if times > 1}
    sink = json.loads((tmp_path / "report.json").read_text())["sink"]
    assert sink["guarantee"] == "at least once"
    named = set(sink["may_be_twice_ids"])
    assert twice <= named
    assert len(named) == sink["may_be_twice"]
    assert "May be there twice: " in done.out
