"""The command line: argv in, :class:`Settings` out."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pipeline.errors import ConfigurationError
from run import config
from run.commands import COMMANDS, summary
from run.display import Display
from run.options import Parser, Several, file_path, json_target, positive, whole

MOST_WORKERS = 256
"""Threads for one stage; more only take memory from each other."""
SHORTEST_S, SLOWEST_S = 0.05, 60.0
"""Between two looks at a run."""
LONGEST_S = 366 * 24 * 3600.0
DRAIN_S = 60.0
"""How long a run that is to end may take over what is in flight."""


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
    drain_timeout: float = DRAIN_S
    record: Path | None = None
    listen: bool = False
    metrics_port: int | None = None
    faults: tuple[str, ...] = ()
    diagnose: bool = False
    baseline: Path | None = None
    display: Display = field(default_factory=Display)


def parse(argv: Sequence[str], program: str) -> Settings:
    """The settings of a command line (without the program's name).

    Raises :class:`~pipeline.errors.ConfigurationError`, and SystemExit after ``--help``.
    """
    words = list(argv)
    if words[:1] == ["run"]:
        return _configured(run_parser(f"{program} run"), words[1:])
    if words and not words[0].startswith("-"):
        raise ConfigurationError(_unknown_command(words[0], program))
    return _configured(demo_parser(program), words)


def _configured(parser: Parser, words: Sequence[str]) -> Settings:
    merged = config.apply(known_options(), parser)
    found = parser.parse_args(list(words))
    return replace(settings_of(found), display=display_of(found, merged, read_only=found.read_only))


def parse_served(words: Sequence[str], program: str) -> tuple[Settings, int, bool]:
    """The settings of ``serve``, the port (0: any that is free), and whether viewers may steer."""
    parser = Parser(
        prog=f"{program} serve",
        description="Run a pipeline (the demo without one), its screen in a browser on this machine.",
        allow_abbrev=False,
    )
    parser.add_argument("file", metavar="FILE[:NAME]", nargs="?", help="the file, and which pipeline of it")
    add = parser.add_argument
    add("--port", metavar="N", type=whole("--port", 0, 65535), default=0, help="default: any that is free")
    add("--allow-control", action="store_true", help="let the run be steered from the browser")
    _add_options(parser, "read at most so many records")
    merged = config.apply(known_options(), parser)
    found = parser.parse_args(list(words))
    settings = replace(settings_of(found), display=display_of(found, merged, read_only=found.read_only))
    return settings, found.port, found.allow_control


def parse_for_screen(parser: Parser, words: Sequence[str]) -> tuple[argparse.Namespace, Display]:
    """The options of a command that shows a screen, among them how that is to be; a read-only one so far."""
    merged = config.apply(known_options(), parser, screen_only=True)
    found = parser.parse_args(list(words))
    return found, display_of(found, merged, read_only=True)


def known_options() -> dict[str, config.Option]:
    """Everything that can be set in a file or the environment."""
    screen = Parser(add_help=False)
    add_display_options(screen)
    return config.options(run_parser(""), screen)


def display_of(
    found: argparse.Namespace, merged: Mapping[str, config.Setting], *, read_only: bool
) -> Display:
    """How the screen is to be: of the options that were parsed, and the keys that were set elsewhere."""
    keys, origin = config.keys(merged)
    return Display(
        read_only=read_only,
        interval=found.interval,
        theme=found.theme,
        ascii=found.ascii,
        mouse=found.mouse,
        reduced_motion=found.reduced_motion,
        screen_reader=found.screen_reader,
        keys=keys,
        keys_from=origin,
    )


def settings_of(found: argparse.Namespace) -> Settings:
    """The settings that were parsed; options that the command does not have stay as they are.

    Raises :class:`~pipeline.errors.ConfigurationError` where two of them do not go together.
    """
    check_distinct(found)
    return Settings(
        file=getattr(found, "file", None),
        headless=getattr(found, "headless", True),
        read_only=getattr(found, "read_only", False),
        json=found.json,
        report=found.report,
        junit=found.junit,
        limit=getattr(found, "limit", None),
        duration=getattr(found, "duration", None),
        rate=getattr(found, "rate", None),
        batch_size=found.batch_size,
        workers=found.workers,
        seed=found.seed,
        fail_if=tuple(found.fail_if),
        state=found.state,
        fresh=getattr(found, "fresh", False),
        drain_timeout=found.drain_timeout,
        record=getattr(found, "record", None),
        listen=getattr(found, "listen", False),
        metrics_port=getattr(found, "metrics_port", None),
        faults=tuple(getattr(found, "fault", ())),
        diagnose=getattr(found, "diagnose", False),
        baseline=getattr(found, "baseline", None),
    )


def check_distinct(found: argparse.Namespace) -> None:
    """Raise :class:`~pipeline.errors.ConfigurationError` where two options would write one file."""
    taken: dict[Path, str] = {}
    for option in ("json", "report", "junit", "record"):
        place = getattr(found, option, None)
        if place in (None, "-"):
            continue
        other = taken.setdefault(Path(place).resolve(), option)
        if other != option:
            raise ConfigurationError(f"--{option} {place}: --{other} writes this file already; name another")


def _unknown_command(word: str, program: str) -> str:
    if word.partition(":")[0].endswith(".py"):
        return f"{word!r} is no command; to run a pipeline: {program} run {word}"
    names = [command.name for command in COMMANDS]
    near = difflib.get_close_matches(word, names, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"there is: {', '.join(names)} (none starts the demo)"
    return f"unknown command {word!r}; {hint}"


def demo_parser(program: str) -> Parser:
    """The options of the demo."""
    parser = Parser(
        prog=program,
        description="See your data pipeline live, account for every record, and gate on it in CI.",
        epilog=summary(program),
        allow_abbrev=False,
    )
    _add_options(parser, "records that the demo generates (default: 1000)")
    return parser


def run_parser(program: str) -> Parser:
    """The options of ``run``."""
    parser = Parser(
        prog=program, description="Run the pipeline that a Python file defines.", allow_abbrev=False
    )
    parser.add_argument("file", metavar="FILE[:NAME]", help="the file, and which pipeline of it")
    parser.add_argument(
        "--diagnose",
        action="store_true",
        help="look for the cause where the run was sick (exit 1, 3 or 4), by trials in other processes",
    )
    _add_options(parser, "read at most so many records")
    return parser


def _add_options(parser: argparse.ArgumentParser, limit: str) -> None:
    add = parser.add_argument
    add("--headless", action="store_true", help="no screen: progress on stderr, the summary on stdout")
    add("--read-only", action="store_true", help="a screen without the keys that change the run")
    add_display_options(parser)
    add_report_options(parser)
    add(
        "--record",
        metavar="PATH",
        type=file_path("--record"),
        help="record the whole run, for `replay`, also where it crashes",
    )
    add(
        "--baseline",
        metavar="PATH",
        type=Path,
        help="the JSON report of an earlier run: say what changed, and exit 4 where it is much worse",
    )
    add("--limit", metavar="N", type=whole("--limit", 0), help=limit)
    add(
        "--duration",
        metavar="S",
        type=positive("--duration", LONGEST_S),
        help="read for so many seconds, then finish",
    )
    add("--rate", metavar="R", type=positive("--rate"), help="read at most so many records a second")
    add_work_options(parser)
    add("--listen", action="store_true", help="let `attach` show the run in other terminals, to you alone")
    add(
        "--metrics-port",
        metavar="PORT",
        type=whole("--metrics-port", 0, 65_535),
        help="serve /metrics for Prometheus, and /healthz, on 127.0.0.1 (0: a free port)",
    )
    add(
        "--fault",
        metavar="NAME[@STAGE][,KEY=VALUE...]",
        action="append",
        default=[],
        help="put a bug in on purpose, such as leak.dict@transform,after=10s,for=30s (the command faults "
        "lists them); may be repeated",
    )
    add("--fresh", action="store_true", help="start over: forget the progress of earlier runs")


def add_display_options(parser: argparse.ArgumentParser) -> None:
    """How the full screen looks and behaves."""
    add = parser.add_argument
    both = argparse.BooleanOptionalAction
    add("--theme", metavar="NAME", help="the colours of the screen")
    add(
        "--interval",
        metavar="S",
        type=positive("--interval", SLOWEST_S, SHORTEST_S),
        default=Display().interval,
        help="seconds between two looks at the run (default: 0.25)",
    )
    add("--ascii", action=both, help="draw with ASCII alone (default: where the terminal knows no more)")
    add("--mouse", action=both, default=True, help="take the mouse; without it the terminal selects text")
    add("--reduced-motion", action=both, default=False, help="nothing on the screen moves by itself")
    add("--screen-reader", action=both, default=False, help="plain labelled lines, only what changes")


def add_report_options(parser: argparse.ArgumentParser) -> None:
    """What is written when a run is over, and what makes it fail."""
    add = parser.add_argument
    add(
        "--json",
        metavar="PATH|-",
        type=json_target,
        help="write the report as JSON; - prints it, and nothing else, to stdout",
    )
    add("--report", metavar="PATH", type=file_path("--report"), help="write the report as .md or .html")
    add("--junit", metavar="PATH", type=file_path("--junit"), help="write the verdict as JUnit XML")
    add(
        "--fail-if",
        metavar="EXPR",
        action=Several,
        default=[],
        help="exit 4 if it holds, such as 'error_rate>1%%' or 'p95(transform)>200ms'; may be repeated",
    )


def add_work_options(parser: argparse.ArgumentParser) -> None:
    """How records are worked on, and where progress is kept."""
    add = parser.add_argument
    add("--batch-size", metavar="N", type=whole("--batch-size", 1), help="records in a batch, exactly")
    add(
        "--workers",
        metavar="N",
        type=whole("--workers", 1, MOST_WORKERS),
        help="threads for each stage that may have several",
    )
    add(
        "--seed",
        metavar="N",
        type=whole("--seed"),
        default=0,
        help="of generated records and random waits (default: 0)",
    )
    add(
        "--state",
        metavar="PATH",
        type=file_path("--state"),
        help="where progress is kept (default: a file beside the sink)",
    )
    add(
        "--drain-timeout",
        metavar="S",
        type=positive("--drain-timeout", LONGEST_S),
        default=DRAIN_S,
        help="how long the end may take over what is in flight (default: 60)",
    )
