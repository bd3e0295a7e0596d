"""``keys``: what each key does, with the user's own keys, and which of them clash."""

from __future__ import annotations

import json
from collections.abc import Sequence

from run import exit_codes
from run.arguments import add_display_options, parse_for_screen
from run.display import Show
from run.narrator import say
from run.options import Parser
from run.streams import open_the_closed, reserved_stdout
from tui.actions import GROUPS, Action
from tui.keymap import conflicts, table


def main(words: Sequence[str], program: str, *, owns_process: bool, show: Show) -> int:  # noqa: ARG001
    """Carry out ``keys``; see :class:`run.commands.Main`. Exit code 2 where two actions share a key."""
    parser = Parser(
        prog=f"{program} keys",
        description="List what the keys of the screen do. Other keys are set in pipeline-monitor.toml: "
        '[keys] "run.drain" = ["ctrl+x"].',
        allow_abbrev=False,
    )
    parser.add_argument("--json", action="store_true", help="as one JSON document")
    add_display_options(parser)
    wanted, display = parse_for_screen(parser, words)
    actions = table(display.keys, display.keys_from)
    found = conflicts(actions)
    if owns_process:
        open_the_closed()
    with reserved_stdout(for_good=owns_process) as data:
        data.write(_as_json(actions, found) if wanted.json else _as_text(actions))
    for conflict in found:
        say(f"The same key for two actions: {conflict}")
    return exit_codes.USAGE if found else exit_codes.HEALTHY


def _as_text(actions: Sequence[Action]) -> str:
    keys = max(len(action.shown) for action in actions)
    ids = max(len(action.id) for action in actions)
    lines: list[str] = []
    for group, title in GROUPS:
        lines += ["", title] if lines else [title]
        lines += [
            f"  {action.shown:<{keys}}  {action.id:<{ids}}  {action.title}"
            for action in actions
            if action.group == group
        ]
    return "\n".join(lines)


def _as_json(actions: Sequence[Action], found: Sequence[str]) -> str:
    listed = [
        {
            "id": action.id,
            "keys": action.keys.split(","),
            "title": action.title,
            "help": action.help,
            "changes_run": action.changes_run,
        }
        for action in actions
    ]
    return json.dumps({"schema": 1, "keys": listed, "conflicts": list(found)}, ensure_ascii=False, indent=2)
