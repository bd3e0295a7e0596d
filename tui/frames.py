"""The screen without a terminal: its lines as styled text, frame by frame, for a browser to draw."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import Callable, Iterable
from typing import Any, BinaryIO, Final

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.app import App
from textual.drivers.headless_driver import HeadlessDriver
from textual.geometry import Size
from textual.keys import _character_to_key

from run.display import Display
from run.live import LiveRun
from tui.app import MonitorApp

LOOK_S: Final = 0.1
ALIVE_S: Final = 5.0
"""So often a frame is sent though nothing changed, to notice that nobody reads any more."""
SMALLEST: Final = (20, 5)
LARGEST: Final = (400, 150)
_KEY: Final = re.compile(r"(?:(?:ctrl|shift|alt)\+)*[a-z0-9_]{1,20}")

Run = tuple[int, str, str]
"""A piece of a line: its column, its text, its style as CSS."""


def stream(
    run: LiveRun, display: Display, size: tuple[int, int], commands: BinaryIO, frames: BinaryIO
) -> None:
    """Show a run until the user leaves, or nobody reads any more; call it in the main thread.

    ``frames`` is given JSON, a document a line: ``{"size": [columns, rows], "lines": {row: [[column, text,
    css]]}}`` with the lines that changed, at last ``{"over": true}``. ``commands`` has, a line each:
    ``{"key": name or character}``, ``{"size": [columns, rows]}``, ``{"click": [column, row]}``,
    ``{"scroll": [column, row, lines]}``; what is none of these is left out.
    """
    asyncio.run(_stream(MonitorApp(run, display), size, commands, frames))


async def _stream(app: App[Any], size: tuple[int, int], commands: BinaryIO, frames: BinaryIO) -> None:
    showing = asyncio.create_task(app.run_async(headless=True, size=_bounded(size)))
    changed = asyncio.Event()
    heard = asyncio.create_task(_listen(app, commands, changed.set))
    sender = _Sender(frames)
    try:
        while not showing.done() and not heard.done():
            sender.send(app)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), LOOK_S)
                # Time for what was asked to be drawn.
                await asyncio.sleep(LOOK_S / 5)
            changed.clear()
        sender.end()
    except (BrokenPipeError, ConnectionError):
        pass
    finally:
        heard.cancel()
        if not showing.done():
            app.exit()
            await showing


class _Sender:
    """Sends the lines that differ from those that were sent."""

    def __init__(self, frames: BinaryIO) -> None:
        self._frames = frames
        self._lines: list[list[Run]] = []
        self._size = (0, 0)
        self._quiet = 0.0

    def send(self, app: App[Any]) -> None:
        """Raises OSError where nobody reads any more."""
        if app._driver is None or not app.screen_stack:
            return
        size = (app.size.width, app.size.height)
        lines = [_runs(line) for line in _segments(app)]
        before = self._lines if size == self._size else []
        different = {row: line for row, line in enumerate(lines) if row >= len(before) or before[row] != line}
        self._quiet += LOOK_S
        if not different and self._quiet < ALIVE_S:
            return
        self._quiet = 0.0
        self._lines, self._size = lines, size
        self._write({"size": size, "lines": different})

    def end(self) -> None:
        self._write({"over": True})

    def _write(self, document: dict[str, object]) -> None:
        self._frames.write(json.dumps(document).encode() + b"\n")
        self._frames.flush()


def _segments(app: App[Any]) -> Iterable[list[Segment]]:
    update = app.screen._compositor.render_update(full=True, screen_stack=app._background_screens)
    for line in getattr(update, "strips", ()):
        yield [segment for strip in line for segment in strip if not segment.control]


def _runs(segments: Iterable[Segment]) -> list[Run]:
    """A line's pieces; neighbours of one style are one piece."""
    runs: list[Run] = []
    column = 0
    for segment in segments:
        css = _css(segment.style)
        if runs and runs[-1][2] == css:
            runs[-1] = (runs[-1][0], runs[-1][1] + segment.text, css)
        else:
            runs.append((column, segment.text, css))
        column += segment.cell_length
    return runs


def _css(style: Style | None) -> str:
    return "" if style is None else style.get_html_style()


async def _listen(app: App[Any], commands: BinaryIO, done: Callable[[], object]) -> None:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), commands)
    try:
        while line := await reader.readline():
            try:
                _obey(app, json.loads(line))
            except (ValueError, TypeError, KeyError):
                continue
            done()
    finally:
        transport.close()


def _obey(app: App[Any], command: dict[str, Any]) -> None:
    driver = app._driver
    if driver is None:
        return
    if "key" in command:
        key = _key(str(command["key"]))
        if key is not None:
            driver.send_message(key)
    elif "size" in command:
        columns, rows = _bounded((int(command["size"][0]), int(command["size"][1])))
        if isinstance(driver, HeadlessDriver):
            driver._size = (columns, rows)
        app.post_message(events.Resize(Size(columns, rows), Size(columns, rows)))
    elif "click" in command:
        column, row = (int(each) for each in command["click"])
        for kind in (events.MouseDown, events.MouseUp):
            driver.send_message(_mouse(kind, column, row, button=1))
    elif "scroll" in command:
        column, row, lines = (int(each) for each in command["scroll"])
        wheel = events.MouseScrollDown if lines > 0 else events.MouseScrollUp
        driver.send_message(_mouse(wheel, column, row, button=0))


def _key(text: str) -> events.Key | None:
    if len(text) == 1 and text.isprintable():
        return events.Key(text if text.isalnum() else _character_to_key(text), text)
    return events.Key(text, None) if _KEY.fullmatch(text) else None


def _mouse(kind: type[events.MouseEvent], column: int, row: int, *, button: int) -> events.MouseEvent:
    return kind(None, column, row, 0, 0, button, False, False, False, column, row)


def _bounded(size: tuple[int, int]) -> tuple[int, int]:
    columns, rows = size
    return (
        min(LARGEST[0], max(SMALLEST[0], columns)),
        min(LARGEST[1], max(SMALLEST[1], rows)),
    )
