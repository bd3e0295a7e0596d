"""``make`` finds a Python that works, sets up once, and the documents name only targets that exist."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.project import ROOT

MAKE = shutil.which("make") or ""
pytestmark = pytest.mark.skipif(not MAKE, reason="make is not installed")

FAKE_UV = """#!/bin/sh
echo "$@" >> "{log}"
if [ "$1" = venv ]; then
    for folder; do :; done
    mkdir -p "$folder/bin" && ln -s "{python}" "$folder/bin/python"
fi
"""


def script(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def make(folder: Path, *arguments: str, bin: Path) -> subprocess.CompletedProcess[str]:
    """Run make with ``bin`` in front of the bare system's programs."""
    unwanted = {"PYTHON", "UV", "VENV", "VIRTUAL_ENV", "MAKEFLAGS", "MAKELEVEL", "MFLAGS"}
    environment = {name: value for name, value in os.environ.items() if name not in unwanted}
    tools = {
        str(Path(tool).parent)
        for name in ("sh", "rm", "touch", "ln", "mkdir")
        if (tool := shutil.which(name))
    }
    environment["PATH"] = os.pathsep.join([str(bin), *sorted(tools)])
    return subprocess.run(
        [MAKE, "--no-print-directory", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=60,
    )


@pytest.fixture
def bin(tmp_path: Path) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    return folder


def targets() -> set[str]:
    text = (ROOT / "Makefile").read_text()
    (phony,) = re.findall(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    return set(phony.split())


def test_a_shim_that_fails_and_a_python_that_is_too_old_are_passed_over(tmp_path: Path, bin: Path) -> None:
    script(bin / "python3.13", "#!/bin/sh\necho 'command not found' >&2\nexit 127\n")
    script(bin / "python3.12", "#!/bin/sh\nexit 1\n")
    (bin / "python3.11").symlink_to(sys.executable)
    (tmp_path / "Makefile").write_text(f"include {ROOT}/Makefile\nchosen:\n\t@echo $(PYTHON)\n")
    assert make(tmp_path, "-s", "chosen", bin=bin).stdout == "python3.11\n"


def test_no_python_at_all_is_said_in_one_line(tmp_path: Path, bin: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "requirements.lock").touch()
    done = make(tmp_path, "run", "PYTHON=", bin=bin)
    assert done.returncode == 2
    (line, *_) = done.stderr.splitlines()
    assert line.startswith("Python 3.11 or newer is needed")


def test_setting_up_happens_once_and_again_when_a_lock_changes(tmp_path: Path, bin: Path) -> None:
    log = tmp_path / "uv.log"
    script(bin / "uv", FAKE_UV.format(log=log, python=sys.executable))
    (bin / "python3").symlink_to(sys.executable)
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "monitor.py").write_text("import sys\nprint('ran', *sys.argv[1:])\n")
    lock = tmp_path / "requirements.lock"
    lock.touch()

    def run() -> list[str]:
        log.write_text("")
        done = make(tmp_path, "run", "ARGS=--headless --limit 3", "PYTHON=python3", bin=bin)
        assert done.stdout == "ran --headless --limit 3\n", done.stderr
        return [line.split()[0] for line in log.read_text().splitlines()]

    assert run() == ["venv", "pip"]
    assert run() == []
    ahead = (tmp_path / ".venv/.set-up-run").stat().st_mtime + 5
    os.utime(lock, (ahead, ahead))
    assert run() == ["pip"]
    (tmp_path / ".venv/bin/python").unlink()
    assert run() == ["venv", "pip"]


def test_help_names_every_target(bin: Path) -> None:
    printed = make(ROOT, "help", bin=bin).stdout
    assert set(re.findall(r"^make ([\w-]+)", printed, re.MULTILINE)) == targets() - {"help"}


def test_documents_name_only_targets_that_exist() -> None:
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
    assert documents
    for document in documents:
        named = re.findall(r"(?:`|^ {4}|^\$ |^)make ([a-z]+)(?=[`\s])", document.read_text(), re.MULTILINE)
        assert set(named) <= targets(), document


def test_the_check_of_a_commit_stands_by_itself() -> None:
    text = (ROOT / ".ci/run").read_text()
    assert os.access(ROOT / ".ci/run", os.X_OK)
    assert text.startswith("#!/usr/bin/env bash\n")
    assert "set -euo pipefail" in text
    assert ".." not in text.replace('"${BASH_SOURCE[0]}")/.."', "")
