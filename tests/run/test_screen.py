"""The full screen from the command line to the exit code, on a terminal of the tests' own."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest

from tests.run import files
from tests.run.command import DEADLINE_S, DOOR, environment, parsed, write

RESTORED = "\x1b[?1049l"


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[pexpect.spawn[str]]:
    """A run on a terminal, at a pace that leaves time to look."""
    file = write(tmp_path / "p.py", files.ENDLESS)
    child = pexpect.spawn(
        sys.executable,
        [str(DOOR), "run", str(file), "--rate", "300", "--limit", "400", "--json", str(tmp_path / "r.json")],
        cwd=str(tmp_path),
        env=environment(TERM="xterm-256color", PYTHONIOENCODING="utf-8", NO_COLOR=None),
        encoding="utf-8",
        dimensions=(40, 120),
        timeout=DEADLINE_S,
    )
    try:
        yield child
    finally:
        child.close(force=True)


def ended(child: pexpect.spawn[str]) -> str:
    """What follows the screen, once the process is over."""
    child.expect_exact(RESTORED)
    child.expect(pexpect.EOF)
    child.close()
    return child.before or ""


def test_it_stays_with_its_verdict_until_the_user_leaves(
    terminal: pexpect.spawn[str], tmp_path: Path
) -> None:
    terminal.expect_exact("RUNNING")
    terminal.expect_exact("ENDED")
    terminal.send("q")
    told = ended(terminal)
    assert "PIPELINE STATUS: ● HEALTHY" in told
    assert terminal.exitstatus == 0
    assert parsed((tmp_path / "r.json").read_text())["records"]["delivered"] == 400


def test_sigterm_gives_the_terminal_back_and_drains(terminal: pexpect.spawn[str], tmp_path: Path) -> None:
    terminal.expect_exact("RUNNING")
    terminal.kill(signal.SIGTERM)
    told = ended(terminal)
    assert "INTERRUPTED" in told
    assert terminal.exitstatus == 143
    report = parsed((tmp_path / "r.json").read_text())
    lines = (tmp_path / "out.jsonl").read_text().splitlines()
    assert report["records"]["read"] == report["records"]["delivered"] == len(lines)
    assert report["records"]["in_flight"] == 0
