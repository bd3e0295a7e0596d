"""``keys`` on the command line, with a user's own keys."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.tui.test_terminal import ROOT
from tui.actions import ACTIONS


def keys(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "monitor.py"), "keys", *words],
        cwd=folder, capture_output=True, text=True, encoding="utf-8", timeout=60, check=False,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip


def test_it_lists_every_action(tmp_path: Path) -> None:
    done = keys(tmp_path)
    assert done.returncode == 0, done.stderr
    assert all(action.id in done.stdout for action in ACTIONS)


def test_keys_of_ones_own_are_listed_and_a_clash_is_told(tmp_path: Path) -> None:
    (tmp_path / "pipeline-monitor.toml").write_text('[keys]\n"run.drain" = ["ctrl+x", "p"]\n')
    done = keys(tmp_path, "--json")
    listed = {each["id"]: each["keys"] for each in json.loads(done.stdout)["keys"]}
    assert listed["run.drain"] == ["ctrl+x", "p"]
    assert done.returncode == 2
    assert "p: run.pause and run.drain" in done.stderr
