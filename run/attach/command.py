"""``attach [RUN]``: the full screen of a run that goes on in another terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from metrics.verdict import EXIT_FAILED
from pipeline.clock import SystemClock
from pipeline.errors import ConfigurationError
from run import exit_codes
from run.arguments import add_display_options, parse_for_screen
from run.attach.client import AttachedRun
from run.attach.runs import Entry, entries
from run.display import Show
from run.display import check as check_display
from run.narrator import say
from run.options import Parser
from run.streams import open_the_closed
from run.terminal import missing_for_screen


def main(words: Sequence[str], program: str, *, owns_process: bool, show: Show) -> int:
    """Carry out ``attach``; see :class:`run.commands.Main`."""
    parser = Parser(
        prog=f"{program} attach",
        description="Show a run that was started with --listen. To leave does not stop it.",
        allow_abbrev=False,
    )
    parser.add_argument("run", metavar="RUN", nargs="?", help="its process number or its pipeline's name")
    parser.add_argument("--read-only", action="store_true", help="without the keys that change the run")
    add_display_options(parser)
    wanted, display = parse_for_screen(parser, words)
    check_display(show, display)
    if owns_process:
        open_the_closed()
    entry = chosen(wanted.run, entries(), program)
    missing = missing_for_screen(display)
    if missing is not None:
        raise ConfigurationError(f"attach needs a terminal, and {missing}; `{program} ps` tells how runs are")
    attached = AttachedRun(Path(str(entry.socket)), SystemClock())
    try:
        number = show(attached, replace(display, read_only=wanted.read_only or attached.read_only))
        lost = attached.connection
    finally:
        attached.close()
    if attached.report is not None:
        say(f"The run has ended: {attached.report.snapshot.status}.")
        return attached.report.exit_code
    say(f"{entry.pipeline}: {lost}." if lost else f"The run goes on: {program} attach {entry.pid}")
    if attached.gone:
        return EXIT_FAILED
    return exit_codes.HEALTHY if number is None else exit_codes.of_signal(number)


def chosen(name: str | None, found: Sequence[Entry], program: str) -> Entry:
    """The run that is meant: the only one, or that with this process number or pipeline.

    Raises :class:`~pipeline.errors.ConfigurationError`.
    """
    if not found:
        raise ConfigurationError("no run is on this machine; start one with --listen")
    matching = [entry for entry in found if name is None or name in (str(entry.pid), entry.pipeline)]
    if not matching:
        raise ConfigurationError(f"no run is called {name!r}; there is {_listed(found)}")
    listening = [entry for entry in matching if entry.socket is not None]
    if not listening:
        raise ConfigurationError(
            f"{_listed(matching)} does not listen; a run must be started with --listen to be attached to"
        )
    if len(listening) > 1:
        raise ConfigurationError(
            f"several runs listen: {_listed(listening)}; say which: {program} attach {listening[0].pid}"
        )
    return listening[0]


def _listed(found: Sequence[Entry]) -> str:
    return ", ".join(f"{entry.pid} ({entry.pipeline})" for entry in found)
