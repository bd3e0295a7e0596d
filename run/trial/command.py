"""One experiment: runs a pipeline with one thing changed and prints what it showed, as one JSON document.

The pipeline's own sink, dead letters and progress are left alone, and stdin is not read.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence

from diagnosis.change import from_json
from diagnosis.observation import (
    nothing,
    to_json,
)
from pipeline.errors import ConfigurationError
from run import exit_codes
from run.display import Show
from run.narrator import say
from run.options import Parser, positive
from run.streams import open_the_closed, reserved_stdout
from run.trial.experiment import STALLED_S, Trial


def main(words: Sequence[str], program: str, *, owns_process: bool, show: Show) -> int:  # noqa: ARG001
    """Carry out ``trial FILE``; see :class:`run.commands.Main`."""
    return run_trial(words, program, owns_process=owns_process)


def run_trial(words: Sequence[str], program: str, *, owns_process: bool) -> int:
    """Run one trial and print its document. Raises ConfigurationError for a wrong command line."""
    parser = Parser(
        prog=f"{program} trial",
        description="Run a pipeline once with one thing changed, write nothing, and print what it showed.",
        allow_abbrev=False,
    )
    parser.add_argument("file", metavar="FILE[:NAME]", help="the file, and which pipeline of it")
    parser.add_argument("--change", metavar="JSON", default="{}", help="what is different")
    parser.add_argument(
        "--stalled-after",
        metavar="S",
        type=positive("--stalled-after"),
        default=STALLED_S,
        help="so many seconds without any progress end it (default: 4)",
    )
    found = parser.parse_args(words)
    try:
        change = from_json(found.change)
    except ValueError as error:
        raise ConfigurationError(f"--change {found.change}: {error}") from None
    if owns_process:
        open_the_closed()
    with reserved_stdout(for_good=owns_process) as data:
        try:
            observation = Trial(found.file, change, found.stalled_after).run()
        except ConfigurationError as error:
            observation = nothing("refused", str(error), 0.0)
        data.write(to_json(observation))
    if owns_process:
        # What the pipeline left running is not waited for.
        sys.stderr.flush()
        os._exit(exit_codes.HEALTHY)
    return exit_codes.HEALTHY


def child() -> int:
    """The same for a process that does nothing else; returns its exit code."""
    try:
        return run_trial(sys.argv[1:], "trial", owns_process=True)
    except ConfigurationError as error:
        say(f"trial: {error}")
        return exit_codes.USAGE
    except Exception:  # noqa: BLE001 - a fault of the monitor has an exit code of its own
        say(traceback.format_exc())
        return exit_codes.MONITOR
