"""``config show|init|validate``: what is set, where, and what could be."""

from __future__ import annotations

import contextlib
import json
import os
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from metrics.format import plural, printable
from pipeline.errors import ConfigurationError
from run import config, exit_codes
from run.arguments import known_options
from run.config import DISPLAY, KEYS, PROJECT_FILE, Option, Setting
from run.display import Checks, Display, Show
from run.options import Parser
from run.streams import DataStream, open_the_closed, reserved_stdout

ACTIONS = ("show", "init", "validate")
SCHEMA = 1


@runtime_checkable
class KnowsActions(Protocol):
    """A screen that tells the ids of its actions, to which keys can be given."""

    def actions(self) -> Sequence[str]: ...


def main(words: Sequence[str], program: str, *, owns_process: bool, show: Show) -> int:
    """Carry out ``config``; see :class:`run.commands.Main`."""
    parser = Parser(
        prog=f"{program} config",
        description="Settings: a flag goes before the environment, that before ./pipeline-monitor.toml (or "
        "[tool.pipeline-monitor] of ./pyproject.toml), and that before the user's own file.",
        allow_abbrev=False,
    )
    parser.add_argument("action", metavar="show|init|validate", choices=ACTIONS)
    parser.add_argument("file", metavar="FILE", nargs="?", type=Path, help="for init and validate")
    parser.add_argument("--json", action="store_true", help="show as JSON")
    wanted = parser.parse_args(list(words))
    if wanted.action == "show" and wanted.file is not None:
        raise ConfigurationError(f"config show: takes no file; `{program} config validate {wanted.file}`")
    if wanted.json and wanted.action != "show":
        raise ConfigurationError("--json: only `config show` has it")
    if owns_process:
        open_the_closed()
    with reserved_stdout(for_good=owns_process) as data, contextlib.suppress(BrokenPipeError):
        if wanted.action == "init":
            return _init(wanted.file or Path(PROJECT_FILE), data)
        actions = show.actions if isinstance(show, KnowsActions) else None
        if wanted.action == "validate":
            return _validate(wanted.file, data, show, actions() if actions is not None else None)
        return _show(data, as_json=wanted.json)
    return exit_codes.HEALTHY


def _show(data: DataStream, *, as_json: bool) -> int:
    known = known_options()
    merged, problems = config.settings(known, config.sources(os.environ, Path.cwd()))
    if problems:
        raise ConfigurationError("\n".join(problems))
    rows = [*_rows(known, merged)]
    if as_json:
        listed = [{"name": name, "value": value, "from": origin} for name, value, origin in rows]
        data.write(json.dumps({"schema": SCHEMA, "settings": listed}, indent=2))
        return exit_codes.HEALTHY
    shown = [(name, printable(_toml(value)), printable(origin)) for name, value, origin in rows]
    widths = [max(len(row[column]) for row in shown) for column in range(2)]
    data.write(
        "\n".join(f"{name:<{widths[0]}}  {value:<{widths[1]}}  {origin}" for name, value, origin in shown)
    )
    return exit_codes.HEALTHY


def _rows(known: Mapping[str, Option], merged: Mapping[str, Setting]) -> Iterator[tuple[str, object, str]]:
    for name, option in known.items():
        if name in merged:
            yield name, merged[name].given, merged[name].origin
        else:
            yield name, _default(option), "default"
    for name, setting in merged.items():
        if name.startswith(f"{KEYS}."):
            yield name, setting.given, setting.origin


def _default(option: Option) -> object:
    default = option.action.default
    return default if default is None or isinstance(default, bool | int | float | list) else str(default)


def _toml(value: object) -> str:
    if value is None:
        return "-"
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)


def _validate(file: Path | None, data: DataStream, show: Show, actions: Sequence[str] | None) -> int:
    found = config.sources(os.environ, Path.cwd()) if file is None else [config.read_file(file)]
    if not found:
        data.write(f"No file, and nothing in the environment; `config init` writes {PROJECT_FILE}.")
        return exit_codes.HEALTHY
    merged, problems = config.settings(known_options(), found, actions)
    if not problems and isinstance(show, Checks):
        try:
            show.check(_display(merged))
        except ConfigurationError as error:
            problems.append(f"{', '.join(source.origin for source in found)}: {error}")
    if problems:
        raise ConfigurationError("\n".join(problems))
    for source in found:
        data.write(f"{source.origin}: {plural(len(source.given), 'setting')}, nothing wrong")
    return exit_codes.HEALTHY


def _display(merged: Mapping[str, Setting]) -> Display:
    theme = merged.get(f"{DISPLAY}.theme")
    keys, origin = config.keys(merged)
    return Display(theme=None if theme is None else str(theme.value), keys=keys, keys_from=origin)


def _init(path: Path, data: DataStream) -> int:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(template())
    except FileExistsError:
        raise ConfigurationError(f"{path}: is there already; remove it, or name another file") from None
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be written: {error.strerror or error}") from error
    data.write(f"Wrote {path}")
    return exit_codes.HEALTHY


def template() -> str:
    """A file with every setting, each commented out with its help and its default."""
    known = known_options()
    lines = [
        "# Settings of the Data Pipeline Monitor. A flag on the command line and a variable such as",
        f"# {config.PREFIX}RATE go before this file; it goes before the user's own.",
    ]
    of_run = [option for name, option in known.items() if not name.startswith(f"{DISPLAY}.")]
    of_screen = [option for name, option in known.items() if name.startswith(f"{DISPLAY}.")]
    for option in of_run:
        lines += _commented(option, option.name)
    lines += ["", f"[{DISPLAY}]"]
    for option in of_screen:
        lines += _commented(option, option.name.partition(".")[2])
    lines += ["", f"[{KEYS}]", "# An action's id and the key or keys that it is to have, for example:"]
    lines += ['# "run.pause" = "p"', '# "app.quit" = ["q", "ctrl+q"]', ""]
    return "\n".join(lines)


def _commented(option: Option, key: str) -> list[str]:
    told = (option.action.help or "").replace("%%", "%")
    help = [f"# {line}" for line in textwrap.wrap(told[:1].upper() + told[1:] + ".", 100)]
    return ["", *help, f"# {key} = {_example(option)}"]


_EXAMPLES = {
    "json": '"report.json"',
    "report": '"report.html"',
    "junit": '"junit.xml"',
    "record": '"run.rec"',
    "fail_if": "[\"error_rate>1%\", \"p95(transform)>200ms\"]",
    "limit": "1000",
    "duration": "60",
    "rate": "1000",
    "batch_size": "500",
    "workers": "4",
    "state": '"state.db"',
    "display.theme": '"dark"',
}  # fmt: skip


_BY_METAVAR = {"N": "1000", "S": "60", "R": "1000", "PORT": "9000"}


def _example(option: Option) -> str:
    default = _default(option)
    if option.name in _EXAMPLES:
        return _EXAMPLES[option.name]
    if default is not None:
        return _toml(default)
    return "true" if option.is_switch else _BY_METAVAR.get(str(option.action.metavar), '"..."')
