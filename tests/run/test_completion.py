"""Completion: what may come next is known, and the scripts of the three shells really complete."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pexpect
import pytest

import monitor
from pipeline.faults.catalogue import VARIANTS
from run.commands import COMMANDS
from run.completion.stage_names import stage_names
from run.completion.words import FILES, following
from run.options import parser_of
from tests.house.project import ROOT
from tests.run.command import DEADLINE_S, DOOR, here, write

ORDERS = """
    from pipeline import Pipeline, Stage, count, generated

    orders = Pipeline("orders")
    orders.read(generated("orders"))
    raise SystemExit("this file must not be run to complete a word")

    @orders.stage
    def check(order): return order

    @orders.stage(workers=2, name="pricing")
    def price(order): return order

    @orders.stage()
    class Window(Stage): ...

    orders.stage(helpers.clean)
    orders.stage(Late(30), name="late")
    orders.stage(name=computed)(other)
    orders.write(count())
"""
STAGES = ("ingestion", "check", "pricing", "Window", "clean", "late", "output")


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    return write(tmp_path / "orders.py", ORDERS)


def after(*words: str | Path) -> list[str]:
    return [word.text for word in following([str(word) for word in words], "monitor.py", monitor.Screen())]


def test_stages_are_read_without_running_the_file(orders: Path, tmp_path: Path) -> None:
    assert stage_names(orders) == STAGES
    assert stage_names(tmp_path / "missing.py") == ()
    assert stage_names(write(tmp_path / "broken.py", "def (")) == ()
    assert stage_names(ROOT / "examples/flights.py") == ("ingestion", "departed", "enrich", "output")


def test_commands_and_options() -> None:
    assert after("") == [command.name for command in COMMANDS]
    assert after("rep") == ["replay"]
    assert "--headless" in after("--he")
    assert {"--json", "--record"} <= {*after("run", "orders.py", "--")}
    assert after("run", "--headless", "--headl") == []
    assert after("run", "--fail-if", "rate<1", "--fail-") == ["--fail-if"]
    assert after("dlq", "") == ["list", "show", "replay"]
    assert "--reason" in after("dlq", "list", "--")
    assert "--workers" in after("dlq", "replay", "orders.py", "--wo")
    assert after("config", "v") == ["validate"]
    assert after("completion", "") == ["bash", "zsh", "fish"]
    assert after("nonsense", "") == []
    assert after("run", "--limit", "") == []


@pytest.mark.parametrize(
    "words", [("run",), ("replay",), ("replay", "a.rec"), ("run", "--json"), ("--report",)]
)
def test_files_are_left_to_the_shell(words: tuple[str, ...]) -> None:
    assert after(*words, "") == [FILES]


def test_faults_and_measures_know_the_stages(orders: Path) -> None:
    assert after("run", orders, "--fault", "leak.d") == [
        each.name for each in VARIANTS if each.name.startswith("leak.d")
    ]
    assert after("run", orders, "--fault", "leak.dict@") == [f"leak.dict@{stage}" for stage in STAGES]
    assert after("run", orders, "--fault", "leak.dict@pr") == ["leak.dict@pricing"]
    assert "leak.dict@pricing,after=" in after("run", orders, "--fault", "leak.dict@pricing,a")
    assert after("--fault", "leak.dict@tr") == ["leak.dict@transform"]
    assert after("--fault", "leak.dict,intensity=h") == ["leak.dict,intensity=high"]
    assert after("run", orders, "--fail-if", "p95(p") == ["p95(pricing)"]
    assert after("run", f"{orders}:orders", "--fail-if", "p95(L") == []
    assert "leak.dict" in after("faults", "leak.")


def test_every_command_tells_its_options() -> None:
    for command in COMMANDS:
        words = ["list"] if command.name == "dlq" else []

        def call(words: list[str] = words, command: object = command) -> object:
            return command.load()(words, "monitor.py", owns_process=False, show=monitor.Screen())  # type: ignore[attr-defined]

        assert parser_of(call) is not None, command.name


def test_the_command_prints_words_with_their_help() -> None:
    assert here("completion", "words", "run", "--headl").out == (
        "--headless\tno screen: progress on stderr, the summary on stdout\n"
    )
    assert here("completion").code == 2
    assert here("completion", "tcsh").code == 2


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str], Path]:
    def made(shell: str) -> Path:
        if shutil.which(shell) is None:
            pytest.skip(f"{shell} is not installed")
        text = subprocess.run(
            [sys.executable, str(DOOR), "completion", shell],
            capture_output=True, check=True, text=True, timeout=DEADLINE_S,
        ).stdout  # fmt: skip
        path = tmp_path / f"completion.{shell}"
        path.write_text(text)
        parsed = subprocess.run([shell, "-n", str(path)], capture_output=True, text=True, check=False)
        assert parsed.returncode == 0, parsed.stderr
        return path

    return made


@pytest.mark.usefixtures("orders")
def test_bash_completes(script: Callable[[str], Path], tmp_path: Path) -> None:
    path = script("bash")
    shell = _shell("bash", ["--norc", "--noprofile", "-i"], tmp_path)
    shell.sendline(f"source {shlex.quote(str(path))}; echo rea''dy")
    shell.expect("ready")
    _complete(shell, "pipeline-monitor run orders.py --fault leak.dict@pric", "pricing ")
    _complete(shell, "pipeline-monitor confi", "config ")
    _complete(shell, "pipeline-monitor run --rec", "--record ")
    _complete(shell, "pipeline-monitor run ord", "orders.py")
    _complete(shell, "pipeline-monitor run orders.py --fail-if 'p95(pri", "pricing)")
    shell.close()


@pytest.mark.usefixtures("orders")
def test_zsh_completes(script: Callable[[str], Path], tmp_path: Path) -> None:
    path = script("zsh")
    shell = _shell("zsh", ["-f", "-i"], tmp_path)
    shell.sendline(f"autoload -U compinit; compinit -u -D; source {shlex.quote(str(path))}; echo rea''dy")
    shell.expect("ready")
    _complete(shell, "pipeline-monitor run orders.py --fault leak.dict@pric", "leak.dict@pricing")
    _complete(shell, "pipeline-monitor confi", "config ")
    _complete(shell, "pipeline-monitor run --rec", "--record ")
    _complete(shell, "pipeline-monitor run ord", "orders.py")
    shell.close()


@pytest.mark.usefixtures("orders")
def test_fish_completes(script: Callable[[str], Path], tmp_path: Path) -> None:
    path = script("fish")
    for line, wanted in (
        ("pipeline-monitor run orders.py --fault leak.dict@pric", "leak.dict@pricing"),
        ("pipeline-monitor confi", "config\tsettings"),
        ("pipeline-monitor run --rec", "--record\trecord the whole run"),
        ("pipeline-monitor run ord", "orders.py"),
    ):
        done = subprocess.run(
            ["fish", "--no-config", "-c", f"source {path}; complete -C {shlex.quote(line)}"],
            capture_output=True, text=True, check=True, cwd=tmp_path, timeout=DEADLINE_S,
            env={**os.environ, "HOME": str(tmp_path)},
        )  # fmt: skip
        assert wanted in done.stdout, done.stdout + done.stderr


def _shell(name: str, words: list[str], folder: Path) -> pexpect.spawn[str]:
    environment = {**os.environ, "TERM": "dumb", "PS1": "$ ", "HOME": str(folder), "INPUTRC": "/dev/null"}
    return pexpect.spawn(
        name,
        words,
        cwd=str(folder),
        env=environment,
        encoding="utf-8",
        timeout=DEADLINE_S,
        dimensions=(24, 200),
    )


def _complete(shell: pexpect.spawn[str], line: str, wanted: str) -> None:
    shell.send(f"{line}\t")
    # Bells and backspaces may stand between what was typed and what was completed.
    shell.expect("[\x07\x08]*".join(map(re.escape, wanted)))
    # Not ctrl+c: while the shell still completes, that is a signal and keeps the line.
    shell.sendcontrol("u")
    shell.sendline("echo rea''dy")
    shell.expect("ready")
