"""Data Pipeline Monitor: see a Python data pipeline live, account for every record, gate on it in CI.

python monitor.py                   the demo, full screen
python monitor.py --headless        the same without a screen
python monitor.py run FILE[:NAME]   your own pipeline
python monitor.py replay RECORDING  a recorded run, as it was
python monitor.py attach [RUN]      the screen of a run that was started with --listen
python monitor.py serve [FILE]      a run with its screen in a browser
python monitor.py ps                the runs on this machine
python monitor.py config show|init|validate   settings, and where they come from
python monitor.py completion SHELL   completion for bash, zsh or fish
python monitor.py doctor            what this terminal and machine can do
python monitor.py keys              what the keys of the screen do
python monitor.py dlq list|show|replay   rejected records
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

if sys.version_info < (3, 11):  # noqa: UP036 - told in words, before an import fails without any
    sys.exit(f"The monitor needs Python 3.11 or newer; this is {sys.version.split()[0]}.")

try:
    import run.main
    from pipeline.errors import ConfigurationError
    from run import commands, exit_codes
    from run.arguments import parse
    from run.display import Display
    from run.live import LiveRun
    from run.narrator import say
except ModuleNotFoundError as missing:
    if missing.name is None or missing.name.partition(".")[0] in (
        "run",
        "diagnosis",
        "metrics",
        "pipeline",
        "data",
    ):
        raise
    print(  # noqa: T201 - nothing of the product could be imported
        f"The package {missing.name!r} is missing: run `make run`, or `pip install -r requirements.lock`.",
        file=sys.stderr,
    )
    sys.exit(2)


class Screen:
    """The full-screen front end, imported only when it is wanted."""

    def __call__(self, live: LiveRun, display: Display) -> int | None:
        from run.streams import speaks_utf8

        ascii = display.ascii if display.ascii is not None else not speaks_utf8(sys.stderr)
        if display.screen_reader:
            from tui.reader import read_out

            return read_out(live, replace(display, ascii=ascii))
        from tui.launch import show

        return show(live, replace(display, ascii=ascii))

    def check(self, display: Display) -> None:
        """Raise :class:`~pipeline.errors.ConfigurationError` for keys or a theme that are not there."""
        from tui.checking import check

        check(display)
        if not display.screen_reader:
            # Now, and not while the run is under way, which it would slow down.
            import tui.launch  # noqa: F401

    def stream(
        self, live: LiveRun, display: Display, size: tuple[int, int], commands: BinaryIO, frames: BinaryIO
    ) -> None:
        """The same screen, drawn elsewhere."""
        from tui.frames import stream

        stream(live, display, size, commands, frames)

    def actions(self) -> Sequence[str]:
        """The ids of all that keys do."""
        from tui.actions import ACTIONS

        return [action.id for action in ACTIONS]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    program = "monitor.py" if Path(sys.argv[0]).name == "monitor.py" else "pipeline-monitor"
    show = Screen()
    words = sys.argv[1:] if argv is None else argv
    try:
        command = commands.find(words)
        if command is not None:
            return command.load()(words[1:], program, owns_process=argv is None, show=show)
        return run.main.run(parse(words, program), show, owns_process=argv is None)
    except ConfigurationError as error:
        say(f"{program}: {error}")
        return exit_codes.USAGE
    except KeyboardInterrupt:
        return exit_codes.SIGINT
    except Exception:  # noqa: BLE001 - a fault of the monitor has an exit code of its own
        say(f"{traceback.format_exc()}{program}: the monitor itself failed; the lines above say where.")
        return exit_codes.MONITOR


if __name__ == "__main__":
    sys.exit(main())
