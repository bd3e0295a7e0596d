"""The installed tool: one folder in site-packages, one command, from any working directory."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.house.project import ROOT, packages, settings

pytestmark = pytest.mark.timeout(600)

UNREACHABLE = (
    "Temporary failure in name resolution",
    "Name or service not known",
    "Failed to establish a new connection",
    "Network is unreachable",
    "Connection refused",
    "error sending request",
    "dns error",
    "ConnectTimeoutError",
)


@dataclass(frozen=True)
class Environment:
    """A virtual environment; ``added`` are the entries that the wheel alone put into site-packages."""

    python: Path
    added: frozenset[str]

    def run(self, *arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
        """Run a command of this environment, named as in its ``bin`` folder."""
        name, *rest = map(str, arguments)
        return call([str(self.python.parent / name), *rest], cwd=cwd)


def call(command: Sequence[str], cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    environment = {
        name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}
    }
    return subprocess.run(
        command,
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=300,
    )


def must(command: Sequence[str]) -> None:
    done = call(command)
    if done.returncode == 0:
        return
    if not os.environ.get("CI") and any(sign in done.stderr + done.stdout for sign in UNREACHABLE):
        pytest.skip("no package registry can be reached from here")
    pytest.fail(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")


def build(kind: str, folder: Path) -> Path:
    must([sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(folder)])
    return next(folder.glob("*.whl"))


def make_environment(folder: Path, wheel: Path) -> Environment:
    uv = shutil.which("uv")
    python = folder / "bin" / "python"
    if uv:
        must([uv, "venv", "--quiet", "--python", sys.executable, str(folder)])
        install = [uv, "pip", "install", "--quiet", "--python", str(python)]
    else:
        must([sys.executable, "-m", "venv", str(folder)])
        install = [str(python), "-m", "pip", "install", "--quiet"]
    must([*install, "--require-hashes", "-r", str(ROOT / "requirements.lock")])
    before = site_packages(folder)
    must([*install, "--no-deps", "--no-index", str(wheel)])
    return Environment(python, frozenset(site_packages(folder) - before))


def site_packages(folder: Path) -> set[str]:
    (place,) = folder.glob("lib/python*/site-packages")
    return {path.name for path in place.iterdir()} - {"__pycache__"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return make_environment(tmp_path_factory.mktemp("installed") / "venv", wheel)


def test_the_wheel_holds_the_whole_house_in_one_folder(wheel: Path) -> None:
    names = ZipFile(wheel).namelist()
    version = settings()["project"]["version"]
    tops = {name.partition("/")[0] for name in names}
    assert tops == {"pipeline_monitor", f"pipeline_monitor-{version}.dist-info"}
    inside = {name.split("/")[1] for name in names if name.startswith("pipeline_monitor/")}
    assert inside == packages() | {"monitor.py", "__init__.py", "__main__.py"}
    for package in packages():
        for path in (ROOT / package).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                assert f"pipeline_monitor/{path.relative_to(ROOT)}" in names


def test_installing_adds_one_folder(installed: Environment) -> None:
    version = settings()["project"]["version"]
    assert installed.added == {"pipeline_monitor", f"pipeline_monitor-{version}.dist-info"}


def test_the_pinned_packages_are_all_it_needs(installed: Environment) -> None:
    program = (
        "from importlib.metadata import requires, version\n"
        "from re import match\n"
        "for text in requires('pipeline-monitor'):\n"
        "    if 'extra ==' not in text:\n"
        "        print(version(match(r'[\\w-]+', text)[0]))\n"
    )
    done = installed.run("python", "-c", program, cwd=Path("/"))
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.split()) == len(settings()["project"]["dependencies"])


@pytest.mark.parametrize(
    "command", [["pipeline-monitor"], ["python", "-m", "pipeline_monitor"]], ids=" ".join
)
def test_the_command_runs_from_the_root_folder(installed: Environment, command: list[str]) -> None:
    root = Path("/")
    before = set(root.iterdir())
    helped = installed.run(*command, "--help", cwd=root)
    assert helped.returncode == 0, helped.stderr
    assert "usage" in helped.stdout.lower()
    done = installed.run(*command, "--headless", "--limit", "50", cwd=root)
    assert done.returncode == 0, done.stderr
    assert "50" in done.stdout
    assert set(root.iterdir()) == before


def test_folders_of_the_same_names_do_not_get_in_the_way(installed: Environment, tmp_path: Path) -> None:
    for package in packages():
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text(
            f"raise ImportError('{package} of the working directory')\n"
        )
    (tmp_path / "monitor.py").write_text("raise ImportError('monitor of the working directory')\n")
    for command in (["pipeline-monitor"], ["python", "-m", "pipeline_monitor"]):
        done = installed.run(*command, "--headless", "--limit", "20", cwd=tmp_path)
        assert done.returncode == 0, done.stderr


def test_an_editable_install_runs_the_checkout(tmp_path: Path) -> None:
    environment = make_environment(tmp_path / "venv", build("wheel:editable", tmp_path / "dist"))
    for command in (["pipeline-monitor"], ["python", "-m", "pipeline_monitor"]):
        done = environment.run(*command, "--help", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    where = environment.run("python", "-c", "import pipeline; print(pipeline.__file__)", cwd=tmp_path)
    assert where.stdout.strip() == str(ROOT / "pipeline/__init__.py")
