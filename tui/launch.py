"""Runs the screen and gives the terminal back, however it ends."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from typing import Final

from textual.app import App
from textual.driver import Driver

from run.display import Display
from run.live import LiveRun
from tui.app import MonitorApp
from tui.capture import Capture, Terminal

SWITCH_S: Final = 0.001
"""For so long a thread may keep the interpreter while the screen waits for it; 5 ms without a screen."""

PARENT_S: Final = 0.5

_SIGNALS: Final = ("SIGINT", "SIGTERM", "SIGHUP", "SIGTSTP", "SIGCONT", "SIGWINCH")


def show(run: LiveRun, display: Display) -> int | None:
    """Show a run full screen until the user leaves; call it in the main thread.

    Needs a terminal on stdin and stderr. Returns the number of the signal that ended the screen
    (Ctrl+C counts as SIGINT), or None where the user left. On SIGINT the run drains before the
    screen closes, and the second one aborts it; on SIGTERM and SIGHUP it is told to drain and the
    screen closes at once, so that the caller waits for the run. A read-only screen leaves the
    run alone. An error of the screen is raised when the terminal is as it was before; the run is
    not touched by it.
    """
    with _signal_handlers(), _terminal_mode(), _quick_turns(), contextlib.ExitStack() as stack:
        capture = Capture()
        app = MonitorApp(run, display, output=capture)
        if sys.platform != "win32":
            app.driver_class = _driver(stack.enter_context(capture.descriptors()))
        result = asyncio.run(_show(app, mouse=display.mouse))
    if app.failure is not None:
        raise app.failure
    return result


def _driver(terminal: Terminal) -> type[Driver]:
    """The driver for a terminal that is not file descriptor 2 any more."""
    from textual.drivers.linux_driver import LinuxDriver

    class TerminalDriver(LinuxDriver):
        def __init__(
            self,
            app: App[object],
            *,
            debug: bool = False,
            mouse: bool = True,
            size: tuple[int, int] | None = None,
        ) -> None:
            super().__init__(app, debug=debug, mouse=mouse, size=size)
            self._file = terminal

        def _get_terminal_size(self) -> tuple[int, int]:
            # Textual asks stdout, which may be a pipe or a file.
            with contextlib.suppress(OSError):
                width, height = os.get_terminal_size(terminal.fileno())
                if width and height:
                    return width, height
            return super()._get_terminal_size()

    return TerminalDriver


async def _show(app: MonitorApp, *, mouse: bool) -> int | None:
    loop = asyncio.get_running_loop()
    # Not before the loop runs and not in a handler of Python's own: the screen is drawn by this loop,
    # and only it can leave in good order.
    with contextlib.suppress(NotImplementedError):
        loop.add_signal_handler(signal.SIGINT, app.interrupt)
        for name in ("SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)
            if number is not None:
                loop.add_signal_handler(number, app.terminate, number)
    watching = asyncio.create_task(_watch_parent(app))
    try:
        return await app.run_async(mouse=mouse)
    finally:
        watching.cancel()


async def _watch_parent(app: MonitorApp) -> None:
    """Leave when whoever started this is gone: nobody else gives the terminal back to its next user."""
    parent = os.getppid()
    while os.getppid() == parent:
        await asyncio.sleep(PARENT_S)
    app.terminate(signal.SIGHUP)


@contextlib.contextmanager
def _quick_turns() -> Iterator[None]:
    """Let a key come through sooner while the engine's threads never rest."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(min(before, SWITCH_S))
    try:
        yield
    finally:
        sys.setswitchinterval(before)


@contextlib.contextmanager
def _signal_handlers() -> Iterator[None]:
    """Put every handler back that the loop or the terminal's driver replaces."""
    numbers = [getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            if handler is not None:
                signal.signal(number, handler)


@contextlib.contextmanager
def _terminal_mode() -> Iterator[None]:
    """Put the terminal's line settings back, also where the driver could not."""
    if sys.platform == "win32" or not sys.stdin.isatty():
        yield
        return
    import termios

    fd = sys.stdin.fileno()
    before = termios.tcgetattr(fd)
    try:
        yield
    finally:
        with contextlib.suppress(termios.error):
            termios.tcsetattr(fd, termios.TCSANOW, before)
