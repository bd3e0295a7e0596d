"""Settings by flag, environment, project file and user file: found, checked, and each with its origin."""

from __future__ import annotations

import argparse
import difflib
import os
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from pipeline.errors import ConfigurationError
from run.options import Several

PREFIX = "PIPELINE_MONITOR_"
PROJECT_FILE = "pipeline-monitor.toml"
PYPROJECT = "pyproject.toml"
TABLE = "pipeline-monitor"
USER_FILE = "config.toml"
DISPLAY, KEYS = "display", "keys"
NOT_KEPT = frozenset({"help", "file", "fresh", "fault"})
"""Options that are asked for anew each time: they name what is done, not how."""
NO_SETTINGS = frozenset({"PIPELINE_MONITOR_CONTEXT"})
"""Variables that begin alike and are something else, see :mod:`run.tampering`."""

Value: TypeAlias = "bool | int | float | str | tuple[str, ...]"


@dataclass(frozen=True, slots=True)
class Option:
    """What can be set: ``name`` is ``rate`` or ``display.theme``; ``action`` is its option on the command
    line."""

    name: str
    action: argparse.Action

    @property
    def variable(self) -> str:
        """Its name in the environment."""
        return PREFIX + self.action.dest.upper()

    @property
    def kind(self) -> str:
        """What a value must be."""
        if isinstance(self.action, Several):
            return "a text, or a list of texts"
        if self.is_switch:
            return "true or false"
        return "a text" if self.action.type is None else "a number or a text"

    @property
    def is_switch(self) -> bool:
        """Whether it is true or false."""
        return self.action.nargs == 0


@dataclass(frozen=True, slots=True)
class Setting:
    """A value and where it was set, in words. ``value`` is checked and as the option has it."""

    name: str
    given: Value
    value: object
    origin: str


@dataclass(frozen=True, slots=True)
class Source:
    """A place that was read: its settings as they are written there, tables with dots."""

    origin: str
    given: Mapping[str, object]


def options(run: argparse.ArgumentParser, display: argparse.ArgumentParser) -> dict[str, Option]:
    """Everything that can be set, by name: the options of a run, and in a table of their own those of the
    screen."""
    # argparse has no other way to ask.
    of_run = {each.dest: Option(each.dest, each) for each in run._actions if each.dest not in NOT_KEPT}
    of_screen = {each.dest for each in display._actions} - NOT_KEPT
    return {name: option for name, option in of_run.items() if name not in of_screen} | {
        f"{DISPLAY}.{name}": Option(f"{DISPLAY}.{name}", of_run[name].action) for name in sorted(of_screen)
    }


def files(environ: Mapping[str, str], folder: Path) -> list[Path]:
    """The files that are there, the one that counts least first."""
    home = environ.get("XDG_CONFIG_HOME") or str(Path(environ.get("HOME", "~")).expanduser() / ".config")
    candidates = [Path(home) / TABLE / USER_FILE]
    project, pyproject = folder / PROJECT_FILE, folder / PYPROJECT
    if project.is_file():
        candidates.append(project)
    elif pyproject.is_file() and _has_table(pyproject):
        candidates.append(pyproject)
    return [path for path in candidates if path.is_file()]


def sources(environ: Mapping[str, str], folder: Path) -> list[Source]:
    """All places, the one that counts least first. Raises :class:`~pipeline.errors.ConfigurationError`."""
    found = [read_file(path) for path in files(environ, folder)]
    given = {
        name: text for name, text in environ.items() if name.startswith(PREFIX) and name not in NO_SETTINGS
    }
    return [*found, Source("the environment", given)] if given else found


def read_file(path: Path) -> Source:
    """A file's settings. Raises :class:`~pipeline.errors.ConfigurationError`."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path}: is no text in UTF-8: {error.reason}") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path}: is no TOML: {error}") from error
    if path.name == PYPROJECT:
        document = document.get("tool", {}).get(TABLE, {})
    return Source(str(path), dict(_flat(document)))


def _has_table(path: Path) -> bool:
    try:
        return TABLE in tomllib.loads(path.read_text(encoding="utf-8")).get("tool", {})
    except (OSError, ValueError, AttributeError):
        # Somebody else's file; whoever it concerns will say what is wrong with it.
        return False


def _flat(table: Mapping[str, object], before: str = "") -> Iterator[tuple[str, object]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value


def settings(
    known: Mapping[str, Option], found: Sequence[Source], actions: Sequence[str] | None = None
) -> tuple[dict[str, Setting], list[str]]:
    """What is set, by name, later sources over earlier ones; and everything that is wrong, in words.

    ``actions`` are the ids that keys can be given to; None leaves that unchecked.
    """
    merged: dict[str, Setting] = {}
    problems = []
    for source in found:
        for key, given in source.given.items():
            try:
                setting = _setting(known, source, key, given, actions)
            except ConfigurationError as error:
                problems.append(str(error))
            else:
                merged[setting.name] = setting
    return merged, problems


def _setting(
    known: Mapping[str, Option], source: Source, key: str, given: object, actions: Sequence[str] | None
) -> Setting:
    if key.startswith(PREFIX):
        option = next((each for each in known.values() if each.variable == key), None)
        if option is None:
            names = [each.variable for each in known.values()]
            raise ConfigurationError(f"{source.origin}: {key}: no such setting{_near(key, names)}")
        return Setting(option.name, str(given), _from_text(option, key, str(given)), key)
    if key.startswith(f"{KEYS}."):
        return _key(source.origin, key, given, actions)
    name = key.replace("-", "_")
    if name not in known:
        raise ConfigurationError(f"{source.origin}: {key}: no such setting{_near(name, [*known])}")
    value = _from_file(known[name], f"{source.origin}: {key} = {_shown(given)}", given)
    return Setting(name, _plain(given), value, source.origin)


def _key(origin: str, key: str, given: object, actions: Sequence[str] | None) -> Setting:
    action = key.removeprefix(f"{KEYS}.")
    if actions is not None and action not in actions:
        raise ConfigurationError(f"{origin}: {key}: no such action{_near(action, [*actions])}")
    keys = [given] if isinstance(given, str) else given
    if not isinstance(keys, list) or not all(isinstance(each, str) and each for each in keys):
        raise ConfigurationError(
            f'{origin}: {key} = {_shown(given)}: must be a key or a list of keys, as in "ctrl+x"'
        )
    return Setting(key, tuple(keys), ",".join(keys), origin)


def _from_text(option: Option, variable: str, text: str) -> object:
    where = f"{variable}={text}"
    if option.is_switch:
        value = _SWITCH.get(text.lower())
        if value is None:
            raise ConfigurationError(f"{where}: must be one of 1, 0, true, false, yes, no, on, off")
        return value
    if isinstance(option.action, Several):
        return [_converted(option, where, part.strip()) for part in text.split(";") if part.strip()]
    return _converted(option, where, text)


_SWITCH = {
    **dict.fromkeys(("1", "true", "yes", "on"), True),
    **dict.fromkeys(("0", "false", "no", "off", ""), False),
}


def _from_file(option: Option, where: str, given: object) -> object:
    wrong = ConfigurationError(f"{where}: must be {option.kind}")
    if option.is_switch:
        if not isinstance(given, bool):
            raise wrong
        return given
    if isinstance(option.action, Several):
        texts = [given] if isinstance(given, str) else given
        if not isinstance(texts, list) or not all(isinstance(each, str) for each in texts):
            raise wrong
        return [_converted(option, where, each) for each in texts]
    if isinstance(given, bool) or not isinstance(given, int | float | str):
        raise wrong
    if option.action.type is None and not isinstance(given, str):
        raise wrong
    return _converted(option, where, str(given))


def _converted(option: Option, where: str, text: str) -> object:
    """What the option itself makes of the text; its complaint, with the place instead of the option."""
    flag = next(iter(option.action.option_strings), option.name)
    convert = option.action.type
    try:
        value = convert(text) if callable(convert) else text
    except ConfigurationError as error:
        told = str(error).removeprefix(f"{flag} {text}: ").removeprefix(f"{flag} {text!r}: ")
        raise ConfigurationError(f"{where}: {told}") from error
    choices = option.action.choices
    if choices is not None and value not in choices:
        names = [str(each) for each in choices]
        raise ConfigurationError(f"{where}: there is {', '.join(names)}{_near(text, names)}")
    return value


def _near(name: str, names: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, names, n=1)
    return f"; did you mean {near[0]!r}?" if near else "; `config init` writes a file with all there is"


def _plain(given: object) -> Value:
    if isinstance(given, list):
        return tuple(str(each) for each in given)
    return given if isinstance(given, bool | int | float | str) else str(given)


def _shown(given: object) -> str:
    if isinstance(given, bool):
        return str(given).lower()
    return repr(given) if not isinstance(given, str) else f'"{given}"'


def apply(
    known: Mapping[str, Option], parser: argparse.ArgumentParser, *, screen_only: bool = False
) -> dict[str, Setting]:
    """What is set below the command line, by name; where the parser has such an option, it becomes its
    default; with ``screen_only`` that is so for the options of the screen alone.

    Raises :class:`~pipeline.errors.ConfigurationError` where anything in it is wrong.
    """
    merged, problems = settings(known, sources(os.environ, Path.cwd()))
    if problems:
        raise ConfigurationError("\n".join(problems))
    offered = {action.dest for action in parser._actions}
    wanted = [name for name in merged if name in known and (not screen_only or name.startswith(DISPLAY))]
    defaults = {known[name].action.dest: merged[name].value for name in wanted}
    parser.set_defaults(**{name: value for name, value in defaults.items() if name in offered})
    return merged


def keys(merged: Mapping[str, Setting]) -> tuple[tuple[tuple[str, str], ...], str]:
    """The actions that are to have other keys, and those; and where that was set."""
    of_keys = {name: each for name, each in merged.items() if name.startswith(f"{KEYS}.")}
    pairs = tuple((name.removeprefix(f"{KEYS}."), str(each.value)) for name, each in of_keys.items())
    return pairs, ", ".join(dict.fromkeys(each.origin for each in of_keys.values()))
