"""What command lines have in common: a parser that says what may have been meant, and checked values."""

from __future__ import annotations

import argparse
import difflib
import math
import re
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Any, NoReturn

from metrics import reporter
from pipeline.errors import ConfigurationError
from run.commands import find

_asked: ContextVar[bool] = ContextVar("asked", default=False)


class _Made(BaseException):
    """Carries a parser out of the command that made it, instead of its parsing anything."""

    def __init__(self, parser: Parser) -> None:
        self.parser = parser


def parser_of(command: Callable[[], object]) -> Parser | None:
    """The parser that a command makes, which does nothing else then; None where it makes none."""
    before = _asked.set(True)
    try:
        command()
    except _Made as made:
        return made.parser
    except (ConfigurationError, SystemExit):
        return None
    finally:
        _asked.reset(before)
    return None


class Parser(argparse.ArgumentParser):
    """Raises instead of leaving, and says what may have been meant."""

    def parse_known_args(self, args: Any = None, namespace: Any = None, *given: Any) -> Any:
        if _asked.get():
            raise _Made(self)
        return super().parse_known_args(args, namespace, *given)

    def parse_known_intermixed_args(self, args: Any = None, namespace: Any = None) -> Any:
        # From Python 3.13 on, this does not come by the one above.
        if _asked.get():
            raise _Made(self)
        return super().parse_known_intermixed_args(args, namespace)

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
        if find([word]) is not None:
            return f"the command comes first: {self.prog} {word} ..."
        kind = "option" if word.startswith("-") else "argument"
        near = difflib.get_close_matches(word.partition("=")[0], list(self._option_string_actions), n=1)
        hint = f"did you mean {near[0]}?" if near and kind == "option" else f"see {self.prog} --help"
        return f"unknown {kind} {word!r}; {hint}"


class Several(argparse.Action):
    """May be repeated. What is said on the command line replaces the default, all of it."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,  # noqa: ARG002 - argparse calls it so
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,  # noqa: ARG002
    ) -> None:
        before = getattr(namespace, self.dest)
        given = [] if before is self.default else list(before)
        setattr(namespace, self.dest, [*given, values])


def whole(option: str, least: int | None = None, most: int | None = None) -> Callable[[str], int]:
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


def positive(option: str, most: float = math.inf, least: float = 0.0) -> Callable[[str], float]:
    def convert(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            raise ConfigurationError(f"{option} {text}: must be a number") from None
        if not math.isfinite(number):
            raise ConfigurationError(f"{option} {text}: must be a finite number")
        if number <= 0:
            raise ConfigurationError(f"{option} {text}: must be more than 0")
        if number < least:
            raise ConfigurationError(f"{option} {text}: must be {least:g} or more")
        if number > most:
            raise ConfigurationError(f"{option} {text}: must be {most:.0f} or less")
        return number

    return convert


def file_path(option: str) -> Callable[[str], Path]:
    def convert(text: str) -> Path:
        if not text:
            raise ConfigurationError(f"{option} '': name a file")
        path = Path(text)
        reporter.check_target(path, option)
        if option == "--report":
            reporter.renderer(path, option)
        return path

    return convert


def json_target(text: str) -> str:
    return text if text == "-" else str(file_path("--json")(text))
