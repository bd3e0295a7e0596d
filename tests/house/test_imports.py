"""The floors of the house: what is checked by the import linter is everything, and the door stays thin."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.project import ROOT, packages, settings

RUN_THE_DOOR = """
import contextlib, io, runpy, sys
sys.argv = ["monitor.py", *{arguments!r}]
code = 0
with contextlib.redirect_stdout(io.StringIO()):
    try:
        runpy.run_path("monitor.py", run_name="__main__")
    except SystemExit as end:
        code = end.code or 0
front = sorted(name for name in sys.modules if name.partition(".")[0] in ("textual", "tui"))
print(code, *front)
"""


def imports(path: Path) -> list[tuple[ast.stmt, str]]:
    """Each import statement of a file, with the top-level name that it imports."""
    found: list[tuple[ast.stmt, str]] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [(node, alias.name.partition(".")[0]) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.append((node, node.module.partition(".")[0]))
    return found


def test_every_folder_of_the_product_is_checked_and_shipped() -> None:
    everything = settings()["tool"]
    linted = set(everything["importlinter"]["root_packages"])
    shipped = set(everything["hatch"]["build"]["targets"]["wheel"]["only-include"])
    layers = {
        name.strip("() ")
        for contract in everything["importlinter"]["contracts"]
        if contract["type"] == "layers"
        for name in contract["layers"]
    }
    assert packages() == linted
    assert packages() <= layers
    assert packages() | {"monitor.py"} <= shipped


def test_nothing_below_imports_the_door() -> None:
    for package in packages():
        for path in (ROOT / package).rglob("*.py"):
            names = {name for _, name in imports(path)}
            assert "monitor" not in names, path
            assert not names & {"tests", "benchmarks", "examples"}, path


def test_only_the_screen_names_textual() -> None:
    others = [ROOT / "monitor.py"]
    for package in packages() - {"tui"}:
        others += (ROOT / package).rglob("*.py")
    for path in others:
        assert "textual" not in {name for _, name in imports(path)}, path


def test_made_records_need_the_standard_library_alone() -> None:
    for path in (ROOT / "data").rglob("*.py"):
        for _, name in imports(path):
            assert name in sys.stdlib_module_names, f"{path} imports {name}"
            assert name not in {"threading", "time", "random"}, f"{path} imports {name}"


@pytest.mark.parametrize("arguments", [["--help"], ["--headless", "--limit", "5"]], ids=" ".join)
def test_headless_never_imports_the_screen(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", RUN_THE_DOOR.format(arguments=arguments)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
    )
    assert done.stdout.split() == ["0"], done.stdout + done.stderr


@pytest.mark.parametrize(
    "arguments", [[], ["--headless"], ["run", "pipeline.py", "--headless"]], ids=" ".join
)
def test_without_its_packages_it_says_in_one_line_what_to_run(arguments: list[str], tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        # Without `site`, an interpreter finds the standard library and the script's own folder, no more.
        [sys.executable, "-S", str(ROOT / "monitor.py"), *arguments],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=60,
    )
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert "make run" in done.stderr


def test_the_start_leaves_out_what_few_runs_need() -> None:
    script = "import sys; sys.argv = ['monitor.py']; import monitor; print(*sys.modules)"
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, timeout=60, check=True)
    names = done.stdout.split()
    assert "run.session" in names
    left_out = ("diagnosis", "tkinter", "numpy", "metrics.report.html", "http.server")
    assert [name for name in names if name.startswith(left_out)] == []
