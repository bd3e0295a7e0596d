"""What may come next on a command line: commands, options, their values; stages and faults by name."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from metrics.definitions.measures import MEASURES
from pipeline.faults import catalogue
from pipeline.faults.order import COMMON
from pipeline.faults.spec import INTENSITIES
from run.arguments import demo_parser
from run.attach.runs import entries
from run.commands import COMMANDS, Command, find
from run.completion.stage_names import stage_names
from run.display import Show
from run.options import Parser, Several, parser_of

FILES = ":files"
"""Says that the shell is to offer files."""

_FILE_OPTIONS = frozenset({"json", "report", "junit", "record", "state", "file"})
_DEMO_STAGES = ("ingestion", "validation", "transform", "output")


@dataclass(frozen=True, slots=True)
class Word:
    """A word that may come next, and what it is."""

    text: str
    help: str = ""


def following(words: Sequence[str], program: str, show: Show) -> list[Word]:
    """What may stand in the place of the last word, of which a part may be there already; the program's
    name is not among the words. Only :data:`FILES` where the shell is to offer files."""
    *before, part = words or [""]
    command = find(before)
    actions = _actions_of(command)
    if command is None and before and not before[0].startswith("-"):
        return []
    if actions and len(before) == 1 and not part.startswith("-"):
        return [Word(each) for each in actions if each.startswith(part)]
    parser = _parser(command, before, program, show)
    if parser is None:
        return []
    last = _option(parser, before[-1]) if before else None
    if last is not None and last.nargs != 0:
        return _matching(_values(last, part, before), part)
    if part.startswith("-"):
        return _matching(_options(parser, before), part)
    if command is None:
        return _matching((Word(each.name, each.help) for each in COMMANDS), part)
    return _matching(_positional(parser, command, before[1 + bool(actions) :]), part)


def _matching(found: Iterator[Word], part: str) -> list[Word]:
    return [word for word in found if word.text == FILES or word.text.startswith(part)]


def _actions_of(command: Command | None) -> tuple[str, ...]:
    """The words of which a command wants one at once, as in ``list|show|replay``."""
    if command is None or not re.fullmatch(r"[a-z]+(\|[a-z]+)+", command.arguments):
        return ()
    return tuple(command.arguments.split("|"))


def _parser(command: Command | None, before: Sequence[str], program: str, show: Show) -> Parser | None:
    if command is None:
        return demo_parser(program)
    main = command.load()
    return parser_of(partial(main, [*before[1:]], program, owns_process=False, show=show))


def _option(parser: Parser, word: str) -> argparse.Action | None:
    return parser._option_string_actions.get(word)


def _options(parser: Parser, before: Sequence[str]) -> Iterator[Word]:
    for action in parser._actions:
        repeatable = isinstance(action, Several | argparse._AppendAction)
        if not repeatable and any(each in before for each in action.option_strings):
            continue
        help = (action.help or "").replace("%%", "%").partition("\n")[0]
        for text in action.option_strings:
            if text.startswith("--"):
                yield Word(text, help)


def _values(action: argparse.Action, part: str, before: Sequence[str]) -> Iterator[Word]:
    if action.choices is not None:
        yield from (Word(str(each)) for each in action.choices)
    elif action.dest == "fault":
        yield from _faults(part, _stages(before))
    elif action.dest == "fail_if":
        yield from _measures(_stages(before))
    elif action.dest == "stage":
        yield from (Word(each) for each in _stages(before))
    elif action.dest in _FILE_OPTIONS or "FILE" in str(action.metavar):
        yield Word(FILES)


def _stages(before: Sequence[str]) -> tuple[str, ...]:
    """The stages of the pipeline that the words name; without one, those of the demo."""
    for word in before:
        path, _, _ = word.rpartition(":")
        for name in (word, path):
            if name.endswith(".py"):
                return stage_names(Path(name).expanduser())
    return _DEMO_STAGES if not before or before[0].startswith("-") else ()


def _faults(part: str, stages: Sequence[str]) -> Iterator[Word]:
    head, comma, tail = part.rpartition(",")
    if comma:
        key, equals, _ = tail.partition("=")
        fault = catalogue.find(head.partition(",")[0].partition("@")[0])
        if equals:
            yield from (Word(f"{head},{key}={each}") for each in INTENSITIES if key == "intensity")
            return
        own = [(param.name, param.help) for param in fault.params] if fault is not None else []
        for name, help in [*own, *((name, help) for name, _, help in COMMON)]:
            yield Word(f"{head},{name}=", help)
        return
    name, at, _ = part.partition("@")
    if at:
        yield from (Word(f"{name}@{stage}") for stage in stages)
        return
    yield from (Word(each.name, each.help) for each in catalogue.VARIANTS)


def _measures(stages: Sequence[str]) -> Iterator[Word]:
    for name, measure in MEASURES.items():
        if measure.of_run is not None:
            yield Word(name, "of the whole run")
        if measure.of_stage is not None:
            yield from (Word(f"{name}({stage})", "of this stage") for stage in stages)


def _positional(parser: Parser, command: Command, given: Sequence[str]) -> Iterator[Word]:
    positional = [action for action in parser._actions if not action.option_strings]
    # Words that are values of options are no positionals; files and runs are told by what they are.
    taken = [word for word in given if not word.startswith("-")]
    place = min(len(taken), len(positional) - 1)
    if place < 0:
        return
    action = positional[place]
    wanted = str(action.metavar or action.dest)
    if action.choices is not None:
        yield from (Word(str(each)) for each in action.choices)
    elif command.name == "faults":
        yield from (Word(each.name, each.help) for each in catalogue.VARIANTS)
    elif wanted == "RUN":
        for entry in entries():
            if entry.socket is not None:
                yield Word(str(entry.pid), entry.pipeline)
    elif "FILE" in wanted or wanted in ("RECORDING", "OTHER"):
        yield Word(FILES)
