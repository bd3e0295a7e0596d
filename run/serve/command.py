"""``serve``: a run whose screen is in a browser on this machine."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, Protocol, runtime_checkable

import msgspec

from pipeline.clock import SystemClock
from pipeline.errors import ConfigurationError
from run import main as run_main
from run.arguments import Settings, parse_served
from run.attach.client import AttachedRun
from run.attach.presence import Presence
from run.display import Display, Show
from run.live import LiveRun
from run.narrator import say
from run.serve.http import WebServer
from run.signals import noted

VIEWER = "viewer"
"""With this in the place of a file, the command is a viewer's process; the server starts it so."""
POLL_S = 0.2


@runtime_checkable
class Streams(Protocol):
    """A screen that can be drawn elsewhere; see :func:`tui.frames.stream`."""

    def stream(
        self, live: LiveRun, display: Display, size: tuple[int, int], commands: BinaryIO, frames: BinaryIO
    ) -> None: ...


def main(words: Sequence[str], program: str, *, owns_process: bool, show: Show) -> int:
    """Carry out ``serve``; see :class:`run.commands.Main`."""
    if words[:1] == [VIEWER]:
        return _view(words[1:], show)
    settings, port, allow_control = parse_served(words, program)
    settings = replace(settings, headless=True, listen=True)

    @contextlib.contextmanager
    def beside(presence: Presence) -> Iterator[None]:
        with _served(presence, settings, port, allow_control=allow_control):
            yield

    return run_main.run(settings, show, owns_process=owns_process, beside=beside)


@contextlib.contextmanager
def _served(presence: Presence, settings: Settings, port: int, *, allow_control: bool) -> Iterator[None]:
    socket = presence.socket
    assert socket is not None
    # Who may only look is not to leave exported views in the folder of the run.
    folder = tempfile.mkdtemp(prefix="pipeline-monitor-view-")
    # Drawn by a browser, it is always in UTF-8.
    display = replace(settings.display, read_only=not allow_control, ascii=bool(settings.display.ascii))
    asked = msgspec.json.encode(display).decode()

    def start(columns: int, rows: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [*_self(), "serve", VIEWER, socket, str(columns), str(rows), asked],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Ctrl+C is meant for the server, which ends them.
            start_new_session=True,
        )

    try:
        server = WebServer(port, start)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    try:
        may = (
            "It may be steered from there"
            if allow_control
            else "View only (--allow-control lets it be steered)"
        )
        say(f"{may}: {server.link}")
        yield
        if not presence.run.cut_short:
            _until_signal()
    finally:
        server.close()
        shutil.rmtree(folder, ignore_errors=True)


def _until_signal() -> None:
    """Go on showing a run that is over."""
    say("The run is over. Ctrl+C stops serving.")
    clock, never = SystemClock(), threading.Event()
    with noted() as signals:
        while not signals.waiting:
            clock.sleep(never, POLL_S)


def _view(words: Sequence[str], show: Show) -> int:
    """The process of a viewer: attached to the run, commands on stdin, frames on stdout."""
    socket, columns, rows, asked = words
    if not isinstance(show, Streams):
        raise ConfigurationError("this screen cannot be drawn in a browser")
    # What anything prints is not to get between the frames.
    frames = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    # Ended at once: an exception from a handler, in the middle of the screen's tasks, can leave them waiting.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    display = msgspec.json.decode(asked, type=Display)
    attached = AttachedRun(Path(socket), SystemClock(), read_only=display.read_only)
    display = replace(display, read_only=attached.read_only)
    with contextlib.suppress(BrokenPipeError):
        show.stream(attached, display, (int(columns), int(rows)), sys.stdin.buffer, frames)
    # Without waiting for threads that listen to a run which goes on.
    os._exit(0)


def _self() -> list[str]:
    door = Path(sys.argv[0]).resolve()
    if door.name == "__main__.py":
        return [sys.executable, "-m", door.parent.name]
    return [sys.executable, str(door)]
