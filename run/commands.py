"""The commands beside the demo: one table, from which come the dispatch, the help and the hints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol

from run.display import Show


class Main(Protocol):
    """Carries out a command; returns the exit code.

    ``words`` are those behind the command's name. With ``owns_process`` the process ends afterwards.
    ``show`` is the full-screen front end. Raises :class:`~pipeline.errors.ConfigurationError` before
    anything was changed.
    """

    def __call__(self, words: Sequence[str], program: str, *, owns_process: bool, show: Show) -> int: ...


@dataclass(frozen=True, slots=True)
class Command:
    """``module`` defines ``main``; it is imported only when the command is called."""

    name: str
    arguments: str
    help: str
    module: str

    def load(self) -> Main:
        main: Main = import_module(self.module).main
        return main


COMMANDS = (
    Command("run", "FILE[:NAME]", "your own pipeline", "run.main"),
    Command("replay", "RECORDING", "a recorded run, as it was", "run.replay.command"),
    Command("attach", "[RUN]", "the screen of a run elsewhere", "run.attach.command"),
    Command("ps", "", "the runs on this machine", "run.attach.runs"),
    Command("serve", "[FILE[:NAME]]", "a run with its screen in a browser", "run.serve.command"),
    Command("faults", "[NAME]", "what --fault can put in", "run.faults"),
    Command("config", "show|init|validate", "settings, and where they come from", "run.config.command"),
    Command("diagnose", "FILE[:NAME]", "why it is sick", "run.diagnose.command"),
    Command("trial", "FILE[:NAME]", "one experiment of a diagnosis", "run.trial.command"),
    Command("completion", "bash|zsh|fish", "completion for a shell", "run.completion.command"),
    Command("doctor", "", "what this terminal and machine can do", "run.doctor"),
    Command("keys", "", "what the keys of the screen do, and which clash", "tui.keys_command"),
    Command("dlq", "list|show|replay", "rejected records", "run.dlq.command"),
)


def find(words: Sequence[str]) -> Command | None:
    """The command that a command line begins with."""
    return next((command for command in COMMANDS if words[:1] == [command.name]), None)


def summary(program: str) -> str:
    """All commands in a line, for a help text."""
    listed = ", ".join(f"{_usage(program, each)} ({each.help})" for each in COMMANDS)
    return f"Commands: {program} (the demo), {listed}."


def _usage(program: str, command: Command) -> str:
    return f"{program} {command.name} {command.arguments}".rstrip()
