"""Two processes never write to the same outputs at once."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from tests.run import files
from tests.run.command import call, here, report_of, run_here, running, write

SLOW = """
    import time
    from pathlib import Path
    from pipeline import Pipeline, generated, jsonl

    here = Path(__file__)
    p = Pipeline("slow", batch_size=1)
    p.read(generated("orders", records=2000))

    @p.stage
    def slow(order):
        if order["id"] == 4:
            here.with_name("ready").touch()
        time.sleep(0.05)
        return order["id"]

    p.write(jsonl(here.with_name("out.jsonl")))
"""


@pytest.mark.parametrize(
    "command", [("run", "p.py", "--headless"), ("run", "p.py", "--fresh"), ("dlq", "replay", "p.py")]
)
def test_a_second_one_is_refused_and_leaves_the_first_alone(tmp_path: Path, command: tuple[str, ...]) -> None:
    file = write(tmp_path / "p.py", SLOW)
    with running("run", file, "--headless", ready=tmp_path / "ready") as first:
        first.until_ready()
        second = call(*command, cwd=tmp_path)
        assert second.code == 2, second.told
        assert "is being run by another process (process " in second.err
        first.send(signal.SIGKILL)
        assert first.done().code == -signal.SIGKILL, "it went on until now"
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert rows == list(range(1, len(rows) + 1))
    assert rows


def test_a_killed_one_is_in_nobodys_way(tmp_path: Path) -> None:
    file = write(tmp_path / "p.py", SLOW)
    with running("run", file, "--headless", ready=tmp_path / "ready") as first:
        first.until_ready()
        first.send(signal.SIGKILL)
        first.done()
    assert run_here(file, "--limit", "20").code == 0


def test_one_after_another_is_fine(tmp_path: Path) -> None:
    file = write(tmp_path / "p.py", files.HEALTHY)
    for _ in range(2):
        assert report_of(run_here(file))["records"]["read"] == 100


def test_lists_may_be_looked_at_meanwhile(tmp_path: Path) -> None:
    file = write(tmp_path / "p.py", SLOW)
    with running("run", file, "--headless", ready=tmp_path / "ready") as first:
        first.until_ready()
        assert here("dlq", "list", file).code == 0
