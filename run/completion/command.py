"""``completion bash|zsh|fish``: lets a shell complete commands, options, stages and faults."""

from __future__ import annotations

import contextlib
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from metrics.format import printable
from run import exit_codes
from run.completion.scripts import SCRIPTS
from run.completion.words import following
from run.display import Show
from run.options import Parser
from run.streams import DataStream, open_the_closed, reserved_stdout

WORDS = "words"
"""With this in the place of a shell's name, the command tells what may come next; the scripts ask so."""


def main(words: Sequence[str], program: str, *, owns_process: bool, show: Show) -> int:
    """Carry out ``completion``; see :class:`run.commands.Main`."""
    if words[:1] == [WORDS]:
        return _answer(words[1:], program, show, owns_process=owns_process)
    parser = Parser(
        prog=f"{program} completion",
        description="Print what a shell must run to complete this command's words: put "
        f'eval "$({program} completion bash)" into ~/.bashrc, the same with zsh into ~/.zshrc, or '
        f"{program} completion fish | source into ~/.config/fish/config.fish.",
        allow_abbrev=False,
    )
    parser.add_argument("shell", metavar="bash|zsh|fish", choices=sorted(SCRIPTS))
    wanted = parser.parse_args(list(words))
    if owns_process:
        open_the_closed()
    with reserved_stdout(for_good=owns_process) as data:
        _write(data, SCRIPTS[wanted.shell].replace("@COMMAND@", _command()))
    return exit_codes.HEALTHY


def _answer(words: Sequence[str], program: str, show: Show, *, owns_process: bool) -> int:
    if owns_process:
        open_the_closed()
    with reserved_stdout(for_good=owns_process) as data:
        found = following(words, program, show)
        _write(data, "\n".join(f"{printable(word.text)}\t{printable(word.help)}" for word in found))
    return exit_codes.HEALTHY


def _write(data: DataStream, text: str) -> None:
    with contextlib.suppress(BrokenPipeError):
        if text:
            data.write(text)


def _command() -> str:
    """How this program is called from anywhere: a shell may stand in another folder by then."""
    door = Path(sys.argv[0]).resolve()
    if door.name == "__main__.py":
        return f"{shlex.quote(sys.executable)} -m {shlex.quote(door.parent.name)}"
    return f"{shlex.quote(sys.executable)} {shlex.quote(str(door))}"
