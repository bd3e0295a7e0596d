"""Started on a pseudo-terminal by test_terminal.py: shows a run made by hand, then says how that ended.

Usage: python -m tests.tui.screen_program SCENARIO
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence

from metrics.snapshot import LogLine, Snapshot, TapSample
from run.display import Display
from run.streams import speaks_utf8
from tests.tui.full import full
from tests.tui.made import FakeRun, ended, snapshot
from tui.launch import show

NASTY = "[red]x[/red] \x1b]0;owned\x07\x1b[31m\x9b5n\r\n\u202e"
"""Markup, a window title, a colour, a question to the terminal, and text that runs backwards."""


class Run(FakeRun):
    """Ends as soon as it is aborted; ``drains`` tells whether it also ends when it is drained."""

    def __init__(self, *, drains: bool) -> None:
        super().__init__()
        self._drains = drains

    def printed(self, lines: Sequence[str]) -> None:
        self.show(log=(*self.snapshot.log, *(LogLine(1.0, "print", "", line) for line in lines)))

    def drain(self) -> None:
        super().drain()
        if self._drains:
            self.end()

    def abort(self) -> None:
        super().abort()
        self.end()


class BrokenRun(Run):
    """Its snapshots cannot be drawn after a while, as if a view had a fault."""

    def __init__(self) -> None:
        self._asked = 0
        super().__init__(drains=True)

    @property
    def snapshot(self) -> Snapshot:
        self._asked += 1
        if self._asked > 8:
            return snapshot(records=None)
        return snapshot()

    @snapshot.setter
    def snapshot(self, _value: Snapshot) -> None:
        return


def chatter() -> None:
    """Write to the terminal in every way that a stage might."""
    time.sleep(0.5)
    sys.stdout.write("STRAY print\n")
    sys.stderr.write("STRAY stderr\n")
    logging.getLogger("stage").warning("STRAY logging")
    os.write(1, b"STRAY fd1\n")
    os.write(2, b"STRAY fd2\n")
    subprocess.run(["sh", "-c", "echo STRAY child; echo STRAY child2 >&2"], check=False)


def main() -> None:
    scenario = sys.argv[1]
    # Bound to the terminal's own stream before the screen is up, as in a user's file.
    logging.basicConfig(format="%(message)s")
    run = BrokenRun() if scenario == "broken" else Run(drains=scenario != "stubborn")
    if scenario == "ended":
        run.end(ended())
    if scenario == "full":
        run.show(
            **{name: getattr(full(), name) for name in ("faults", "anomalies", "taps", "log", "diagnosis")}
        )
    if scenario == "nasty":
        run.show(pipeline=NASTY, taps=(TapSample(1.0, NASTY, NASTY, NASTY, NASTY, "given"),))
    if scenario == "orphan":
        parent = os.getppid()
        threading.Timer(2.0, lambda: os.kill(parent, signal.SIGKILL)).start()
    if scenario == "chatter":
        threading.Thread(target=chatter, daemon=True).start()
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    result = show(run, Display(mouse=scenario != "mouseless", ascii=not speaks_utf8(sys.stderr)))
    after = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    sys.stderr.write(f"RESULT {result} {run.calls} handlers {'kept' if before == after else 'changed'}\n")
    sys.stdout.write("STDOUT WORKS\n")


if __name__ == "__main__":
    main()
