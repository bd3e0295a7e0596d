"""Takes the screenshot of the README from a real run: `python -m docs.screenshot`, half a minute.

It runs `examples/orders.py` as `python monitor.py run examples/flights.py --rate 10000` does, shows it on a
screen without a terminal, and writes what is on it as an SVG that loads no font from anywhere.
"""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
from pathlib import Path

from pipeline.engine import Options
from run import loader
from run.narrator import say
from run.session import Session
from tui.app import MonitorApp

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "images" / "screen.svg"
EXAMPLE = ROOT / "examples" / "flights.py"
SIZE = (118, 29)
"""Columns and lines."""
RATE = 10_000.0
AT_SHARE = 0.64
"""How far the run is when the picture is taken."""
DEADLINE_S = 120.0
FONTS = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"


async def take(session: Session) -> str:
    """The screen of a run under way, as SVG."""
    app = MonitorApp(session)
    async with app.run_test(size=SIZE) as pilot:
        while (session.snapshot.progress or 0.0) < AT_SHARE:
            if session.finished:
                raise RuntimeError(f"the run ended too early: {session.snapshot.reasons}")
            await pilot.pause(0.1)
        app.tick()
        await pilot.pause()
        return app.export_screenshot(title="Data Pipeline Monitor")


def self_contained(svg: str) -> str:
    """The same picture with the reader's own fonts: nothing is loaded from the network."""
    svg = re.sub(r"@font-face\s*\{[^}]*\}\s*", "", svg)
    svg = re.sub(r"font-variant-east-asian:[^;]*;\s*", "", svg)
    svg = re.sub(r"<!--.*?-->\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r"font-family:[^;}]*(?=[;}])", f"font-family: {FONTS}", svg)
    return "\n".join(line.rstrip() for line in svg.splitlines()) + "\n"


def main() -> None:
    """Write the picture."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["EXAMPLES_OUT"] = folder
        session = Session(loader.load(str(EXAMPLE)), Options(rate=RATE))
        session.start()
        try:
            svg = asyncio.run(asyncio.wait_for(take(session), DEADLINE_S))
        finally:
            session.abort()
            session.wait(DEADLINE_S)
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(self_contained(svg), encoding="utf-8")
    say(f"Wrote {TARGET.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
