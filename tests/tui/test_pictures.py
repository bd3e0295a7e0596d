"""What the screen looks like, pinned: text and styles of whole screens, drawn from fed snapshots.

After a change that is meant, `PICTURES=write python -m pytest tests/tui/test_pictures.py` writes them anew.
"""

from __future__ import annotations

import os
import time
from itertools import groupby
from pathlib import Path

import pytest
from rich.style import Style
from textual.pilot import Pilot

from run.display import Display
from tests.tui.full import full
from tests.tui.made import FakeRecording, FakeRun, ended, records
from tests.tui.piloting import drive
from tui.app import MonitorApp

FOLDER = Path(__file__).parent / "pictures"
WRITES = os.environ.get("PICTURES") == "write"
DEADLINE_S = 20.0
SETTLED_S = 2.0
STILL = 3
"""Pictures in a row that are the same."""

LOST = ended(
    status="unhealthy",
    records=records(read=1000, delivered=998, lost=2, lost_ids=("orders/a:17", "orders/b:42"), in_flight=0),
)
# Size, snapshot (None: a recording), the display, keys.
CASES: dict[str, tuple[tuple[int, int], object, Display, tuple[str, ...]]] = {
    "home-120x40": ((120, 40), full(), Display(), ()),
    "home-80x24": ((80, 24), full(), Display(), ()),
    "home-60x16": ((60, 16), full(), Display(), ()),
    "home-light": ((80, 24), full(), Display(theme="light"), ()),
    "home-safe-ascii": ((80, 24), full(), Display(theme="safe", ascii=True), ()),
    "lost": ((80, 24), LOST, Display(), ()),
    "recording": ((80, 24), None, Display(), ("space",)),
    "stage": ((120, 40), full(), Display(), ("2",)),
    "ledger": ((120, 40), full(), Display(), ("3",)),
    "memory": ((120, 40), full(), Display(), ("4",)),
    "records": ((120, 40), full(), Display(), ("5", "down", "enter")),
    "timeline": ((120, 40), full(), Display(), ("7", "enter")),
    "diagnosis": ((120, 40), full(), Display(), ("8", "down", "enter")),
    "log": ((60, 16), full(), Display(), ("9",)),
}


def picture(app: MonitorApp) -> str:
    """Each line of the screen, and below it where which style begins."""
    lines = []
    for strip in app.screen._compositor.render_strips():
        cells = [
            (style, char) for segment in strip for char in segment.text for style in [_name(segment.style)]
        ]
        runs = [(style, len(list(group))) for style, group in groupby(cells, key=lambda cell: cell[0])]
        at, marks = 0, []
        for style, length in runs:
            marks.append(f"{at}:{style}")
            at += length
        lines += [strip.text.rstrip(), f"  {' '.join(marks)}"]
    return "\n".join(lines) + "\n"


def _name(style: Style | None) -> str:
    if style is None:
        return "-"
    colour = style.color.name if style.color is not None else ""
    ground = style.bgcolor.name if style.bgcolor is not None else ""
    return f"{colour}{'*' if style.bold else ''}{'!' if style.reverse else ''}/{ground}"


@pytest.mark.parametrize("name", CASES)
def test_the_screen_looks_as_it_did(name: str) -> None:
    size, state, display, keys = CASES[name]
    run = FakeRecording() if state is None else FakeRun(state)  # type: ignore[arg-type]
    path = FOLDER / f"{name}.txt"
    pinned = "" if WRITES else path.read_text(encoding="utf-8")
    drawn: list[str] = []

    async def script(app: MonitorApp, pilot: Pilot[int]) -> None:
        await pilot.press(*keys)
        await pilot.pause(0.2)
        app.clear_notifications()
        # On a busy machine the last layout takes its time: it has to come, and then to stay.
        end = time.monotonic() + (SETTLED_S if WRITES else DEADLINE_S)
        while time.monotonic() < end and drawn[-STILL:] != [pinned] * STILL:
            await pilot.pause(0.05)
            drawn.append(picture(app))
        assert len(set(drawn[-STILL:])) == 1, "a screen that does not stand still"

    drive(MonitorApp(run, display), script, size)
    if WRITES:
        FOLDER.mkdir(exist_ok=True)
        path.write_text(drawn[-1], encoding="utf-8")
        return
    lines = zip(pinned.split("\n"), drawn[-1].split("\n"), strict=True)
    for number, (old, new) in enumerate(lines):
        assert new == old, f"{name}, line {number // 2 + 1}; if it is meant: PICTURES=write"
