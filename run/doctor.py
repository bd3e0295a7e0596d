"""``doctor``: what this terminal and this machine can do, line by line, and what to do about the rest."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from metrics.format import number, printable, size
from pipeline.clock import Clock, SystemClock
from pipeline.errors import ConfigurationError
from run import exit_codes
from run.attach import runtime_folder
from run.config import files
from run.display import Show
from run.options import Parser
from run.product import NAME, VERSION
from run.streams import open_the_closed, reserved_stdout, speaks_utf8
from run.terminal import is_terminal

Level = Literal["ok", "warn", "fail"]
SCHEMA = 1
SMALLEST = (60, 16)
"""Columns and rows below which the screen is only a card."""
USUAL = (80, 24)
LOW_DISK = 1_000_000_000
PACKAGES = (
    ("fsspec", True),
    ("msgspec", True),
    ("psutil", True),
    ("pympler", True),
    ("pyroaring", True),
    ("textual", True),
    ("wcwidth", True),
    ("zstandard", True),
    ("pyarrow", False),
    ("polars", False),
    ("psycopg", False),
    ("pydantic", False),
)
"""Those that are needed, and those of the extras; a test holds them to pyproject.toml."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A line: ``advice`` says what to do where it is not ``ok``."""

    name: str
    level: Level
    text: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Machine:
    """Where the doctor looks; tests give it other places."""

    environ: dict[str, str] = field(default_factory=lambda: dict(os.environ))
    clock: Clock = field(default_factory=SystemClock)
    proc: Path = Path("/proc")
    folder: Path = Path()
    terminal: Callable[[], bool] = lambda: is_terminal(sys.stdin) and is_terminal(sys.stderr)
    columns: Callable[[], tuple[int, int]] = lambda: tuple(shutil.get_terminal_size())  # type: ignore[assignment, return-value]
    utf8: Callable[[], bool] = lambda: speaks_utf8(sys.stderr)
    version_of: Callable[[str], str] = version


def main(words: Sequence[str], program: str, *, owns_process: bool, show: Show) -> int:  # noqa: ARG001 - no screen
    """Carry out ``doctor``; see :class:`run.commands.Main`. Exits with 2 where anything fails."""
    parser = Parser(
        prog=f"{program} doctor",
        description="What this terminal and this machine can do, and what to do about the rest.",
        allow_abbrev=False,
    )
    parser.add_argument("--json", action="store_true", help="as JSON")
    wanted = parser.parse_args(list(words))
    if owns_process:
        open_the_closed()
    with reserved_stdout(for_good=owns_process) as data:
        found = examine(Machine())
        with contextlib.suppress(BrokenPipeError):
            data.write(to_json(found) if wanted.json else to_text(found))
    return exit_codes.USAGE if any(each.level == "fail" for each in found) else exit_codes.HEALTHY


def examine(machine: Machine) -> list[Finding]:
    """All findings, in the order in which they are told."""
    found: list[Finding] = []
    for check in _CHECKS:
        try:
            found += check(machine)
        except Exception as error:  # noqa: BLE001 - one check that fails says so, and the others go on
            name = check.__name__.strip("_").replace("_", " ")
            text = f"could not be looked at: {type(error).__name__}: {error}"
            found.append(Finding(name, "warn", text, "the monitor does without"))
    return found


def to_text(found: Sequence[Finding]) -> str:
    """A line for each finding, and one for each advice."""
    width = max(len(each.name) for each in found)
    lines = []
    for each in found:
        lines.append(f"{each.level:<4}  {each.name:<{width}}  {printable(each.text)}")
        if each.advice:
            lines.append(f"{'':<4}  {'':<{width}}  > {printable(each.advice)}")
    wrong = sum(each.level == "fail" for each in found)
    doubtful = sum(each.level == "warn" for each in found)
    lines += ["", f"{len(found)} looked at: {wrong} to mend, {doubtful} to know of."]
    return "\n".join(lines)


def to_json(found: Sequence[Finding]) -> str:
    """``{"schema": 1, "findings": [{"name", "level", "text", "advice"}]}``."""
    rows = [
        {"name": each.name, "level": each.level, "text": each.text, "advice": each.advice or None}
        for each in found
    ]
    return json.dumps({"schema": SCHEMA, "findings": rows}, indent=2)


def _product(machine: Machine) -> Iterator[Finding]:
    given = ".".join(map(str, sys.version_info[:3]))
    free = getattr(sys, "_is_gil_enabled", None)
    gil = "" if free is None or free() else ", without the GIL"
    yield Finding("monitor", "ok", f"{NAME} {VERSION}")
    yield Finding("python", "ok", f"{given}{gil} ({sys.executable})")
    for name, needed in PACKAGES:
        try:
            yield Finding(name, "ok", machine.version_of(name))
        except PackageNotFoundError:
            if needed:
                yield Finding(name, "fail", "is not installed", "pip install -r requirements.lock")
            else:
                yield Finding(name, "ok", "not installed; an extra that nothing here needs")


def _terminal(machine: Machine) -> Iterator[Finding]:
    if not machine.terminal():
        yield Finding(
            "terminal",
            "warn",
            "stdin or stderr is none: runs are headless",
            "run it in a terminal for the screen",
        )
        return
    term = machine.environ.get("TERM", "")
    if term in ("", "dumb"):
        yield Finding(
            "terminal",
            "warn",
            f"TERM={term or '(empty)'}: it cannot move its cursor",
            "export TERM=xterm-256color",
        )
    else:
        yield Finding("terminal", "ok", term)
    columns, rows = machine.columns()
    if columns < SMALLEST[0] or rows < SMALLEST[1]:
        told = f"make it {SMALLEST[0]}x{SMALLEST[1]} or larger"
        yield Finding("size", "warn", f"{columns}x{rows}: too small for the screen", told)
    elif columns < USUAL[0] or rows < USUAL[1]:
        yield Finding(
            "size", "warn", f"{columns}x{rows}: room for a summary", f"{USUAL[0]}x{USUAL[1]} shows all"
        )
    else:
        yield Finding("size", "ok", f"{columns}x{rows}")
    yield _colours(machine.environ, term)
    multiplexer = "tmux" if "TMUX" in machine.environ else "screen" if "STY" in machine.environ else ""
    mouse = (
        f"through {multiplexer}: its own mouse mode must be on"
        if multiplexer
        else "taken; --no-mouse gives it back"
    )
    yield Finding("mouse", "ok", mouse)


def _colours(environ: dict[str, str], term: str) -> Finding:
    if "NO_COLOR" in environ:
        return Finding("colours", "ok", "none, as NO_COLOR asks")
    if environ.get("COLORTERM") in ("truecolor", "24bit"):
        return Finding("colours", "ok", "16 million")
    if "256color" in term:
        return Finding("colours", "ok", "256")
    advice = "export COLORTERM=truecolor, if the terminal can show it"
    return Finding("colours", "warn", "few, as far as it tells", advice)


def _text(machine: Machine) -> Iterator[Finding]:
    if machine.utf8():
        yield Finding("text", "ok", "UTF-8")
    else:
        yield Finding("text", "warn", "no UTF-8: drawn with ASCII alone", "export LC_ALL=C.UTF-8")


def _fork(_machine: Machine) -> Iterator[Finding]:
    if hasattr(os, "fork"):
        yield Finding("fork", "ok", "a census of the heap is taken in a child, beside the run")
    else:
        yield Finding("fork", "warn", "there is none: a census stops the run", "take one seldom")


def _proc(machine: Machine) -> Iterator[Finding]:
    if (machine.proc / "self/statm").exists():
        yield Finding("/proc", "ok", "memory is read in microseconds")
    else:
        yield Finding("/proc", "warn", "is not there: memory is read more slowly", "nothing; macOS has none")
    try:
        (machine.proc / "pressure/cpu").read_text()
    except OSError as error:
        text = f"is not told ({error.strerror}): noisy neighbours are harder to tell from slow stages"
        yield Finding("pressure (PSI)", "warn", text, "boot Linux with psi=1")
    else:
        yield Finding("pressure (PSI)", "ok", "of processor, memory and disk")


def _clock(machine: Machine) -> Iterator[Finding]:
    reads = 20_000
    began = machine.clock.monotonic()
    for _ in range(reads):
        machine.clock.monotonic()
    each = (machine.clock.monotonic() - began) / reads * 1e9
    # The clock is read per batch, not per record: only one that leaves to the kernel is felt.
    if each < 1000:
        yield Finding("clock", "ok", f"{number(round(each))} ns a reading")
    else:
        advice = "use the tsc clock source, where the machine has it"
        yield Finding("clock", "warn", f"{number(round(each))} ns a reading: slow", advice)


def _processors(_machine: Machine) -> Iterator[Finding]:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    yield Finding("processors", "ok", f"{usable} may be used")


def _folders(machine: Machine) -> Iterator[Finding]:
    for name, path in (("disk here", machine.folder.resolve()), ("disk for /tmp", Path("/tmp"))):
        try:
            free = shutil.disk_usage(path).free
        except OSError as error:
            yield Finding(name, "warn", f"{path}: {error.strerror}", "give outputs another place")
            continue
        if free < LOW_DISK:
            yield Finding(name, "warn", f"{size(free)} free in {path}", "make room before a long run")
        else:
            yield Finding(name, "ok", f"{size(free)} free in {path}")
    if not os.access(machine.folder.resolve(), os.W_OK):
        yield Finding("this folder", "warn", "cannot be written to", "give reports another place")
    try:
        yield Finding("runtime folder", "ok", str(runtime_folder.made()))
    except ConfigurationError as error:
        yield Finding("runtime folder", "fail", str(error), "without it there is no `ps`, and no `attach`")


def _settings(machine: Machine) -> Iterator[Finding]:
    found = files(machine.environ, machine.folder)
    names = ", ".join(str(path) for path in found)
    yield Finding("settings", "ok", f"{names}; `config show` tells more" if found else "no file of them")


_CHECKS: tuple[Callable[[Machine], Iterator[Finding]], ...] = (
    _product,
    _terminal,
    _text,
    _processors,
    _clock,
    _fork,
    _proc,
    _folders,
    _settings,
)
