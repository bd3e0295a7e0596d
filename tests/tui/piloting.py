"""Drives the app without a terminal; whatever is waited for has a deadline."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from textual.pilot import Pilot

from tui.app import MonitorApp
from tui.panel import Panel

DEADLINE_S = 10.0
Check = Callable[[], bool]
Script = Callable[[MonitorApp, Pilot[int]], Awaitable[None]]


def drive(app: MonitorApp, script: Script, size: tuple[int, int] = (120, 40)) -> int | None:
    """Run a script against the app; returns what the app returned."""

    async def main() -> int | None:
        async with app.run_test(size=size) as pilot:
            await script(app, pilot)
        return app.return_value

    return asyncio.run(asyncio.wait_for(main(), 60))


async def until(pilot: Pilot[int], check: Check, what: str) -> None:
    """Wait until something is so."""
    end = time.monotonic() + DEADLINE_S
    while not check():
        assert time.monotonic() < end, f"{what}: not within {DEADLINE_S} s\n{screen_text(pilot.app)}"
        await pilot.pause(0.02)


def screen_text(app: object) -> str:
    """What the whole screen shows, line by line."""
    assert isinstance(app, MonitorApp)
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())


def panel_text(app: MonitorApp, id: str) -> str:
    """All lines of a panel of the board, also those out of sight."""
    return "\n".join(app.screen_stack[0].query_one(f"#{id}", Panel).lines)
