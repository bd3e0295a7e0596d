"""The command line: argv in, :class:`Settings` out."""

from __future__ import annotations

import argparse
import difflib
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from metrics import reporter
from pipeline.errors import ConfigurationError

COMMANDS = ("run",)
MOST_WORKERS = 256
"""Threads for one stage; more only take memory from each other."""
LONGEST_S = 366 * 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Settings:
    """What the user asked for. ``file`` is None for the demo; None elsewhere means "not said"."""

    file: str | None
    headless: bool
    read_only: bool
    json: str | None
    report: Path | None
    junit: Path | None
    limit: int | None
    duration: float | None
    rate: float | None
    batch_size: int | None
    workers: int | None
    seed: int
    fail_if: tuple[str, ...]
    state: Path | None = None
    fresh: bool = False


class _Parser(argparse.ArgumentParser):
    """Raises instead of leaving, and says what may have been meant."""

    def error(self, message: str) -> NoReturn:
        raise ConfigurationError(self._reworded(message))

    def _reworded(self, message: str) -> str:
        if found := re.match(r"unrecognized arguments: (\S+)", message):
            return self._unknown(found[1])
        if found := re.match(r"argument (\S+): expected one argument", message):
            action = self._option_string_actions[found[1]]
            return f"{found[1]} needs a value: {found[1]} {action.metavar}"
        if found := re.match(r"argument (\S+): ignored explicit argument (.+)", message):
            return f"{found[1]} takes no value, but {found[2]} was given"
        if "arguments are required: FILE" in message:
            return f"say which file defines the pipeline: {self.prog} FILE[:NAME]"
        return message

    def _unknown(self, word: str) -> str:
        if word in COMMANDS:
            return f"the command comes first: {self.prog} {word} ..."
        kind = "option" if word.startswith("-") else "argument"
        near = difflib.get_close_matches(word.partition("=")[0], list(self._option_string_actions), n=1)
        hint = f"did you mean {near[0]}?" if near and kind == "option" else f"see {self.prog} --help"
        return f"unknown {kind} {word!r}; {hint}"


def parse(argv: Sequence[str], program: str) -> Settings:
    """The settings of a command line (without the program's name).

    Raises :class:`~pipeline.errors.ConfigurationError`, and SystemExit after ``--help``.
    """
    words = list(argv)
    if words and words[0] == "run":
        parser = _run_parser(f"{program} run")
        words = words[1:]
    else:
        if words and not words[0].startswith("-"):
            raise ConfigurationError(_unknown_command(words[0], program))
        parser = _demo_parser(program)
    found = parser.parse_args(words)
    _check_distinct(found)
    return Settings(
        file=getattr(found, "file", None),
        headless=found.headless,
        read_only=found.read_only,
        json=found.json,
        report=found.report,
        junit=found.junit,
        limit=found.limit,
        duration=found.duration,
        rate=found.rate,
        batch_size=found.batch_size,
        workers=found.workers,
        seed=found.seed,
        fail_if=tuple(found.fail_if),
        state=found.state,
        fresh=found.fresh,
    )


def _check_distinct(found: argparse.Namespace) -> None:
    taken: dict[Path, str] = {}
    for option in ("json", "report", "junit"):
        place = getattr(found, option)
        if place in (None, "-"):
            continue
        other = taken.setdefault(Path(place).resolve(), option)
        if other != option:
            raise ConfigurationError(f"--{option} {place}: --{other} writes this file already; name another")


def _unknown_command(word: str, program: str) -> str:
    if word.partition(":")[0].endswith(".py"):
        return f"{word!r} is no command; to run a pipeline: {program} run {word}"
    near = difflib.get_close_matches(word, COMMANDS, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"there is: {', '.join(COMMANDS)} (none starts the demo)"
    return f"unknown command {word!r}; {hint}"


def _demo_parser(program: str) -> argparse.ArgumentParser:
    parser = _Parser(
        prog=program,
        description="See your data pipeline live, account for every record, and gate on it in CI.",
        epilog=f"Commands: {program} (the demo), {program} run FILE[:NAME] (your pipeline).",
        allow_abbrev=False,
    )
    _add_options(parser, "records that the demo generates (default: 1000)")
    return parser


def _run_parser(program: str) -> argparse.ArgumentParser:
    parser = _Parser(
        prog=program, description="Run the pipeline that a Python file defines.", allow_abbrev=False
    )
    parser.add_argument("file", metavar="FILE[:NAME]", help="the file, and which pipeline of it")
    _add_options(parser, "read at most so many records")
    return parser


def _add_options(parser: argparse.ArgumentParser, limit: str) -> None:
    add = parser.add_argument
    add("--headless", action="store_true", help="no screen: progress on stderr, the summary on stdout")
    add("--read-only", action="store_true", help="a screen without the keys that change the run")
    add(
        "--json",
        metavar="PATH|-",
        type=_json_target,
        help="write the report as JSON; - prints it, and nothing else, to stdout",
    )
    add("--report", metavar="PATH", type=_file_path("--report"), help="write the report as .md or .html")
    add("--junit", metavar="PATH", type=_file_path("--junit"), help="write the verdict as JUnit XML")
    add("--limit", metavar="N", type=_whole("--limit", 0), help=limit)
    add(
        "--duration",
        metavar="S",
        type=_positive("--duration", LONGEST_S),
        help="read for so many seconds, then finish",
    )
    add("--rate", metavar="R", type=_positive("--rate"), help="read at most so many records a second")
    add("--batch-size", metavar="N", type=_whole("--batch-size", 1), help="records in a batch, exactly")
    add(
        "--workers",
        metavar="N",
        type=_whole("--workers", 1, MOST_WORKERS),
        help="threads for each stage that may have several",
    )
    add(
        "--seed",
        metavar="N",
        type=_whole("--seed"),
        default=0,
        help="of generated records and random waits (default: 0)",
    )
    add(
        "--state",
        metavar="PATH",
        type=_file_path("--state"),
        help="where progress is kept (default: a file beside the sink)",
    )
    add("--fresh", action="store_true", help="start over: forget the progress of earlier runs")
    add(
        "--fail-if",
        metavar="EXPR",
        action="append",
        default=[],
        help="exit 4 if it holds, such as 'error_rate>1%%' or 'p95(transform)>200ms'; may be repeated",
    )


def _whole(option: str, least: int | None = None, most: int | None = None) -> Callable[[str], int]:
    def convert(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            raise ConfigurationError(f"{option} {text}: must be a whole number") from None
        if least is not None and number < least:
            raise ConfigurationError(f"{option} {text}: must be {least} or more")
        if most is not None and number > most:
            raise ConfigurationError(f"{option} {text}: must be {most} or less")
        return number

    return convert


def _positive(option: str, most: float = math.inf) -> Callable[[str], float]:
    def convert(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            raise ConfigurationError(f"{option} {text}: must be a number") from None
        if not math.isfinite(number):
            raise ConfigurationError(f"{option} {text}: must be a finite number")
        if number <= 0:
            raise ConfigurationError(f"{option} {text}: must be more than 0")
        if number > most:
            raise ConfigurationError(f"{option} {text}: must be {most:.0f} or less")
        return number

    return convert


def _file_path(option: str) -> Callable[[str], Path]:
    def convert(text: str) -> Path:
        if not text:
            raise ConfigurationError(f"{option} '': name a file")
        path = Path(text)
        reporter.check_target(path, option)
        if option == "--report":
            reporter.renderer(path, option)
        return path

    return convert


def _json_target(text: str) -> str:
    return text if text == "-" else str(_file_path("--json")(text))
