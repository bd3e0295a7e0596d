"""Runs the command line, in a process of its own or in this one, and keeps what came of it."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

import monitor
from pipeline.dead_letters import DeadLetter, read
from tests.house.project import ROOT

DEADLINE_S = 60.0
DOOR = ROOT / "monitor.py"

Report = dict[str, Any]


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str
    report: Report | None = None

    @property
    def told(self) -> str:
        """All of the output, for a failed assertion to show."""
        return f"exit {self.code}\n{self.out}{self.err}"


@cache
def schema() -> Report:
    """The JSON schema of the report."""
    loaded: Report = json.loads((ROOT / "docs/report.schema.json").read_text(encoding="utf-8"))
    return loaded


def parsed(text: str) -> Report:
    """A report, which must be one document that fits its schema."""
    report: Report = json.loads(text)
    jsonschema.validate(report, schema())
    return report


def settled(report: Report) -> int:
    """Records that are accounted for."""
    records = report["records"]
    return int(
        records["delivered"]
        + records["filtered"]
        + records["rejected"]
        + records["in_flight"]
        + records["lost"]
    )


def environment(**changes: str | None) -> dict[str, str]:
    """This process's environment with some variables changed; None removes one."""
    merged: dict[str, str | None] = {**os.environ, **changes}
    return {name: value for name, value in merged.items() if value is not None}


def call(
    *arguments: str | Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: str | None = None,
) -> Done:
    """Run the command in a process of its own, without a terminal."""
    done = subprocess.run(
        [sys.executable, str(DOOR), *map(str, arguments)],
        cwd=cwd,
        env=env,
        input=stdin.encode() if stdin is not None else None,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        check=False,
        timeout=DEADLINE_S,
    )
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


def shell(script: str, *, cwd: Path, env: Mapping[str, str] | None = None) -> Done:
    """Run a line of shell, in which ``$MONITOR`` is the command."""
    command = f"'{sys.executable}' '{DOOR}'"
    done = subprocess.run(
        ["sh", "-c", script.replace("$MONITOR", command)],
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=DEADLINE_S,
    )
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


class _Text(io.TextIOWrapper):
    """Text in memory that has an encoding, as a terminal has."""

    def __init__(self) -> None:
        self._bytes = io.BytesIO()
        super().__init__(self._bytes, encoding="utf-8", newline="\n")

    def text(self) -> str:
        self.flush()
        return self._bytes.getvalue().decode()


def here(*arguments: str | Path) -> Done:
    """Run the command in this process, which is much faster."""
    out, err = _Text(), _Text()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = monitor.main([str(argument) for argument in arguments])
        except SystemExit as end:  # --help
            code = int(end.code or 0)
    return Done(code, out.text(), err.text())


def run_here(file: Path, *options: str) -> Done:
    """Run a pipeline file in this process, and read its JSON report where there is one."""
    done = here("run", file, "--headless", "--json", "-", *options)
    return Done(done.code, done.out, done.err, parsed(done.out) if done.out else None)


def report_of(done: Done) -> Report:
    """The report of a run that must have one."""
    assert done.report is not None, done.told
    return done.report


def write(path: Path, text: str) -> Path:
    """Write a Python file, given as an indented block."""
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return path


def letters(report: Report) -> list[DeadLetter]:
    """The dead letters that a report points to."""
    return list(read(report["dead_letters"])) if report["dead_letters"] else []


class Running:
    """A run in a process of its own that has begun to read, and is to be interrupted."""

    def __init__(self, process: subprocess.Popen[bytes], ready: Path) -> None:
        self._process = process
        self._ready = ready

    def until_ready(self) -> None:
        """Wait until the pipeline has made the file that says it is under way."""
        end = time.monotonic() + DEADLINE_S
        while not self._ready.exists():
            assert self._process.poll() is None, self.done().told
            assert time.monotonic() < end, "the run did not begin"
            time.sleep(0.01)

    @property
    def pid(self) -> int:
        """Its process number."""
        return self._process.pid

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        self._process.send_signal(number)

    def until_told(self, text: str) -> None:
        """Read stderr up to a line with this text."""
        self.line_with(text)

    def line_with(self, text: str) -> str:
        """The next line of stderr with this text."""
        assert self._process.stderr is not None
        for line in self._process.stderr:
            if text in line.decode():
                return line.decode()
        raise AssertionError(f"{text!r} was not told")

    def done(self) -> Done:
        """Wait for the end."""
        out, err = self._process.communicate(timeout=DEADLINE_S)
        return Done(self._process.returncode, out.decode(), err.decode())


@contextlib.contextmanager
def running(*arguments: str | Path, ready: Path) -> Iterator[Running]:
    """Start the command; whatever happens, it does not outlive this."""
    process = subprocess.Popen(
        [sys.executable, str(DOOR), *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # Whoever started the tests in the background may have had these ignored, which is inherited.
        preexec_fn=_default_signals if os.name == "posix" else None,  # noqa: PLW1509 - no thread runs
    )
    try:
        yield Running(process, ready)
    finally:
        process.kill()
        process.wait(DEADLINE_S)
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def _default_signals() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
