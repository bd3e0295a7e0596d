"""Takes the pictures of the documents from recorded runs: `python -m docs.screenshot`, some minutes.

It runs `examples/flights.py` as `python monitor.py run examples/flights.py --rate 10000 --record FILE` does,
with a leak put in after a while, and `examples/buggy/leak.py`, which it diagnoses; shows the recordings on a
screen without a terminal, and writes what is on it as SVGs that load no font from anywhere.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from metrics.findings import Diagnosis
from metrics.snapshot import Snapshot
from pipeline.clock import SystemClock
from pipeline.engine import Options
from run import loader
from run.narrator import say
from run.replay.recorded_run import RecordedRun
from run.session import Session
from tui.app import MonitorApp
from tui.svg import self_contained

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
EXAMPLE = ROOT / "examples" / "flights.py"
LEAKY = ROOT / "examples" / "buggy" / "leak.py"
LEAKY_RATE = 60.0
LEAKY_AFTER_S = 15.0
SIZE = (118, 31)
"""Columns and lines."""
RATE = 10_000.0
LEAK_AFTER_S = 12.0
LEAK = "leak.dict@enrich,after=12s"
AT_SHARE = 0.85
"""How far the run is when it is ended."""
DEADLINE_S = 180.0


@dataclass(frozen=True, slots=True)
class Picture:
    """``wanted`` is what the moment of it must have; ``keys`` are pressed there."""

    name: str
    run: str
    wanted: Callable[[Snapshot], bool]
    keys: tuple[str, ...]


PICTURES = (
    Picture(
        "home", "flights", lambda now: 8.0 < now.elapsed_s < LEAK_AFTER_S and len(now.rate_history) > 5, ()
    ),
    Picture("memory", "flights", lambda now: now.elapsed_s > LEAK_AFTER_S + 6, ("4",)),
    Picture("records", "flights", lambda now: any(tap.followed for tap in now.taps), ("5", "down", "enter")),
    Picture("diagnosis", "leak", lambda now: _is_told(now.diagnosis), ("8",)),
)


def _is_told(found: Diagnosis | None) -> bool:
    return found is not None and bool(found.conclusions)


def diagnose(path: Path) -> None:
    """A run with a bug, whose cause is looked for while it goes on."""
    session = Session(loader.load(str(LEAKY)), Options(rate=LEAKY_RATE), record=path, target=str(LEAKY))
    session.start()
    end = time.monotonic() + DEADLINE_S
    try:
        while not session.finished and session.snapshot.elapsed_s < LEAKY_AFTER_S:
            time.sleep(0.1)
        session.diagnose()
        while not session.finished and time.monotonic() < end and not _is_told(session.snapshot.diagnosis):
            time.sleep(0.1)
        # So that the recording has it.
        time.sleep(1.0)
        session.drain()
        session.wait(DEADLINE_S)
        session.recorder.finish(session.report())
    finally:
        session.abort()
        session.wait(DEADLINE_S)


def record(path: Path) -> None:
    """A run with a leak, one record of which is followed, and whose objects are counted."""
    session = Session(loader.load(str(EXAMPLE)), Options(rate=RATE), record=path, faults=(LEAK,))
    session.start()
    end = time.monotonic() + DEADLINE_S
    session.tap(True)
    asked: set[str] = set()
    try:
        while (session.snapshot.progress or 0.0) < AT_SHARE and time.monotonic() < end:
            if session.finished:
                raise RuntimeError(f"the run ended too early: {session.snapshot.reasons}")
            _ask(session, asked)
            time.sleep(0.1)
        session.drain()
        session.wait(DEADLINE_S)
        session.recorder.finish(session.report())
    finally:
        session.abort()
        session.wait(DEADLINE_S)


def _ask(session: Session, asked: set[str]) -> None:
    now = session.snapshot
    steps: tuple[tuple[str, float, Callable[[], None]], ...] = (
        ("census", 6.0, session.take_census),
        ("census again", LEAK_AFTER_S + 5, session.take_census),
        ("follow", 8.0, lambda: session.follow(_next(now))),
    )
    powers = {"census": "census", "census again": "census", "follow": "tap"}
    for name, at_s, step in steps:
        if name not in asked and now.elapsed_s >= at_s and powers[name] in session.powers:
            asked.add(name)
            step()


def _next(now: Snapshot) -> str:
    """A record that is still to be read: some seconds on in the file that is being read."""
    source = max((each for each in now.sources if not each.ended), key=lambda each: each.read)
    return f"{source.name}/{source.partition}:{source.read + int(RATE)}"


async def take(folder: Path) -> list[Picture]:
    """The pictures that the recordings have; gives those that they have not."""
    missing = []
    for picture in PICTURES:
        recorded = RecordedRun(folder / f"{picture.run}.rec", SystemClock())
        recorded.play(False)
        at = _moment(recorded, picture)
        if at is None:
            missing.append(picture)
            continue
        recorded.seek(at)
        app = MonitorApp(recorded)
        async with app.run_test(size=SIZE) as pilot:
            await pilot.pause(0.3)
            await pilot.press(*picture.keys)
            await pilot.pause(0.6)
            app.clear_notifications()
            await pilot.pause(0.3)
            svg = app.export_screenshot(title="Data Pipeline Monitor")
        target = IMAGES / f"{picture.name}.svg"
        target.write_text(self_contained(svg), encoding="utf-8")
        say(f"Wrote {target.relative_to(ROOT)}")
    return missing


def _moment(recorded: RecordedRun, picture: Picture) -> float | None:
    """The last moment that has what the picture wants."""
    tape = recorded.tape
    for number in range(len(tape) - 1, -1, -1):
        if picture.wanted(tape.snapshot(number)):
            return tape.times[number]
    return None


def main() -> None:
    """Record, and write the pictures."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["EXAMPLES_OUT"] = folder
        record(Path(folder) / "flights.rec")
        diagnose(Path(folder) / "leak.rec")
        IMAGES.mkdir(exist_ok=True)
        for picture in asyncio.run(asyncio.wait_for(take(Path(folder)), DEADLINE_S)):
            say(f"The run has nothing to show for {picture.name}.svg")


if __name__ == "__main__":
    main()
