"""The command line of ``dlq``: which dead letters, and what is to be done with them."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import ConfigurationError
from run.arguments import Settings, add_report_options, add_work_options, settings_of
from run.options import Parser, file_path

ACTIONS = ("list", "show", "replay")


@dataclass(frozen=True, slots=True)
class Place:
    """Where dead letters are: those of a pipeline, or a file of them; neither: wherever some are."""

    pipeline: str | None
    file: Path | None
    state: Path | None = None


@dataclass(frozen=True, slots=True)
class List:
    """``dlq list``; without a ``stage`` or a ``reason`` all are listed."""

    place: Place
    stage: str | None
    reason: str | None
    json: bool


@dataclass(frozen=True, slots=True)
class Show:
    """``dlq show``."""

    id: str
    place: Place
    json: bool


@dataclass(frozen=True, slots=True)
class Replay:
    """``dlq replay``; without ``ids`` all are replayed."""

    settings: Settings
    ids: tuple[str, ...]


def parse(words: Sequence[str], program: str) -> List | Show | Replay:
    """What the words behind ``dlq`` ask for.

    Raises :class:`~pipeline.errors.ConfigurationError`, and SystemExit after ``--help``.
    """
    if words and words[0] in ACTIONS:
        prog, rest = f"{program} dlq {words[0]}", list(words[1:])
        if words[0] == "list":
            return _list(prog, rest)
        return _show(prog, rest) if words[0] == "show" else _replay(prog, rest)
    if words and words[0] not in ("-h", "--help"):
        near = difflib.get_close_matches(words[0], ACTIONS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there is: {', '.join(ACTIONS)}"
        raise ConfigurationError(f"unknown command 'dlq {words[0]}'; {hint}")
    _help(program).parse_args(["--help"] if words else [])
    raise ConfigurationError(f"say what to do: {program} dlq {'|'.join(ACTIONS)}")


def _help(program: str) -> argparse.ArgumentParser:
    return Parser(
        prog=f"{program} dlq",
        description="Records that were rejected: list them, look at one, send them through the mended code.",
        usage=f"{program} dlq list|show|replay ... (each has a --help of its own)",
    )


def _list(prog: str, words: list[str]) -> List:
    parser = Parser(prog=prog, description="List the dead letters, the oldest first.", allow_abbrev=False)
    _add_place(parser, "?")
    parser.add_argument("--stage", metavar="NAME", help="only those that this stage rejected")
    parser.add_argument("--reason", metavar="TEXT", help="only those with this text in their reason")
    parser.add_argument("--json", action="store_true", help="as one JSON document")
    found = parser.parse_args(words)
    place = _place(found)
    if place.pipeline is None and place.file is None:
        raise ConfigurationError(f"say whose dead letters: {prog} FILE[:NAME], or {prog} --file PATH")
    return List(place, found.stage, found.reason, found.json)


def _show(prog: str, words: list[str]) -> Show:
    parser = Parser(prog=prog, description="Show all that is known about a dead letter.", allow_abbrev=False)
    parser.add_argument("id", metavar="ID", help="SOURCE/PARTITION:OFFSET, as `dlq list` tells it")
    _add_place(parser, "?")
    parser.add_argument("--json", action="store_true", help="as it stands in the file")
    found = parser.parse_args(words)
    return Show(found.id, _place(found), found.json)


def _replay(prog: str, words: list[str]) -> Replay:
    parser = Parser(
        prog=prog,
        description="Send dead letters through the pipeline as it is now, into the same sink. Those that "
        "come through leave the list, in one commit with their rows; the others stay.",
        allow_abbrev=False,
    )
    parser.add_argument("file", metavar="FILE[:NAME]", help="the file, and which pipeline of it")
    parser.add_argument("ids", metavar="ID", nargs="*", help="which dead letters (default: all)")
    add_report_options(parser)
    add_work_options(parser)
    found = parser.parse_intermixed_args(words)
    return Replay(settings_of(found), tuple(found.ids))


def _add_place(parser: argparse.ArgumentParser, times: str) -> None:
    parser.add_argument("pipeline", metavar="FILE[:NAME]", nargs=times, help="the file of the pipeline")
    parser.add_argument(
        "--file", metavar="PATH", type=Path, help="a file of dead letters, in the place of a pipeline"
    )
    parser.add_argument(
        "--state", metavar="PATH", type=file_path("--state"), help="the --state of the pipeline's runs"
    )


def _place(found: argparse.Namespace) -> Place:
    if found.pipeline is not None and found.file is not None:
        raise ConfigurationError(f"--file {found.file}: give it or {found.pipeline}, not both")
    return Place(found.pipeline, found.file, found.state)
