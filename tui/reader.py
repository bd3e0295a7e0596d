"""The front end for screen readers: plain labelled lines on stderr, only what changes, commands by letter.

It shares views and steering with the full screen, and draws nothing.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from metrics.definitions.figures import MEMORY, THROUGHPUT
from metrics.format import count, percent, size
from metrics.snapshot import Notice, Snapshot
from pipeline.clock import Clock, SystemClock
from pipeline.errors import ConfigurationError
from run.display import Display
from run.live import LiveRun
from run.narrator import say
from tui.format import elapsed, pace
from tui.look import Look
from tui.page import Letters, Page, Scene
from tui.steering import Steering
from tui.views.board import board_table
from tui.views.events import happenings
from tui.views.registry import VIEWS
from tui.views.verdict import findings, outcome

FIGURES_S: Final = 10.0
"""How often figures that change all the time are told."""
MOST_ROWS: Final = 40
COMMANDS: Final = (
    "Commands, each followed by enter: p pause or resume, n step a record, N step a batch, + and - and u the "
    "rate limit, x drain, f FAULT put a fault in, F lift all faults, g count the objects, d diagnose, "
    "s say everything, 1 to 9 read a view, q quit, ? this."
)
_VIEWS: Final = ("home", "stage", "ledger", "memory", "records", "letters", "timeline", "diagnosis", "log")


def read_out(run: LiveRun, display: Display, clock: Clock | None = None) -> int | None:
    """Tell how a run goes until it is over or the user leaves; call it in the main thread.

    Returns the number of the signal that ended it, or None, as the full screen does.
    """
    return Reader(run, display, clock or SystemClock()).run()


class Reader:
    """Says what changed since it last said something."""

    def __init__(
        self, run: LiveRun, display: Display, clock: Clock, tell: Callable[[str], None] = say
    ) -> None:
        self._run = run
        self._display = display
        self._clock = clock
        self._tell = tell
        self._steering = Steering(run, tell=tell)
        self._said: dict[str, str] = {}
        self._told_at = -FIGURES_S
        self._notices: frozenset[Notice] = frozenset()
        self._signal: int | None = None
        self._asking = False
        self._leave = False

    def run(self) -> int | None:
        """Until it is over, or the user leaves."""
        self._tell(f"Watching {self._run.snapshot.pipeline}. {COMMANDS}")
        with self._signals():
            waiting = ""
            while not self._leave:
                over = self._run.finished
                self.step(self._run.snapshot, self._clock.monotonic())
                if over and "seek" not in self._run.powers:
                    self._end(self._run.snapshot)
                    break
                typed = _typed(max(0.05, self._display.interval))
                *lines, waiting = (waiting + typed).split("\n")
                for line in lines:
                    self.command(line.strip())
        return self._signal

    def step(self, snapshot: Snapshot, now: float) -> None:
        """Say what is new: alerts and words at once, figures from time to time."""
        self._steering.observe(snapshot)
        for name, text in _words(snapshot, self._run.connection):
            self._say(name, text)
        told = happenings(snapshot)
        for notice in told:
            if notice not in self._notices:
                self._tell(f"At {elapsed(notice.at_s)}, {notice.severity}: {notice.text}")
        self._notices = frozenset(told)
        if now - self._told_at >= FIGURES_S:
            self._told_at = now
            for name, text in _figures(snapshot):
                self._say(name, text)

    def command(self, line: str) -> None:
        """Do what was typed."""
        if self._asking:
            self._answer(line)
            return
        word, _, rest = line.partition(" ")
        try:
            self._do(word, rest.strip())
        except ConfigurationError as error:
            self._tell(str(error))

    def _do(self, word: str, rest: str) -> None:
        steering, run = self._steering, self._run
        changes: dict[str, Callable[[], object]] = {
            "p": steering.pause, "n": steering.step_record, "N": steering.step_batch, "+": steering.faster,
            "-": steering.slower, "u": steering.unlimited, "x": steering.drain, "F": run.lift_faults,
            "g": run.take_census, "d": run.diagnose, "f": lambda: run.inject(rest),
        }  # fmt: skip
        if word in changes and self._display.read_only:
            self._tell("Read-only: this watches the run and cannot change it.")
        elif word in changes:
            changes[word]()
        elif word == "q":
            self._quit()
        elif word == "s":
            self._said.clear()
            self._told_at = -FIGURES_S
        elif word.isdigit() and 1 <= int(word) <= len(_VIEWS):
            self._read_view(_VIEWS[int(word) - 1])
        elif word:
            self._tell(COMMANDS)

    def _read_view(self, id: str) -> None:
        """A view as labelled lines."""
        letters = Letters()
        if id == "letters" and "letters" in self._run.powers:
            letters = Letters(tuple(self._run.letters("", 0, MOST_ROWS)))
        look = Look.of(ascii=bool(self._display.ascii), colour=False, read_only=False, motion=False)
        scene = Scene(self._run.snapshot, 100, 40, look, powers=self._run.powers, letters=letters)
        page = Page((), (), board_table(scene.snapshot.stages)) if id == "home" else VIEWS[id].draw(scene)
        heading, *rows = page.table or ((),)
        if not rows:
            texts = [row.line.text.strip() for row in page.rows]
            self._tell("\n".join([f"{id}:", *(text for text in texts if text)][:MOST_ROWS]))
            return
        lines = [f"{id}: {len(rows)} lines."]
        for row in rows[:MOST_ROWS]:
            pairs = zip(heading, row, strict=False)
            lines.append("; ".join(f"{name} {value}".strip() for name, value in pairs if value) + ".")
        self._tell("\n".join(lines))

    def _say(self, name: str, text: str) -> None:
        if self._said.get(name) != text:
            self._said[name] = text
            if text:
                self._tell(f"{name}: {text}.")

    def _end(self, snapshot: Snapshot) -> None:
        self._tell(f"Ended: {snapshot.status}. {outcome(snapshot)}.")
        for text in findings(snapshot):
            self._tell(f"{text}.")

    # Leaving

    @property
    def _leaves_alone(self) -> bool:
        return self._display.read_only or not self._run.owned

    def _quit(self) -> None:
        if self._run.finished or self._leaves_alone:
            self._leave = True
        else:
            self._asking = True
            self._tell("The run is not over. d drains and quits, a aborts and quits, s stays.")

    def _answer(self, line: str) -> None:
        self._asking = False
        if line == "d":
            self._run.drain()
            self._tell("Draining.")
        elif line == "a":
            self._run.abort()
            self._leave = True
        else:
            self._tell("Staying.")

    def _interrupt(self, number: int, _frame: FrameType | None) -> None:
        again, self._signal = self._signal is not None, number
        if self._leaves_alone or number != signal.SIGINT:
            if not self._leaves_alone:
                self._run.drain()
            self._leave = True
        elif again:
            self._run.abort()
            self._leave = True
        else:
            self._run.drain()

    @contextmanager
    def _signals(self) -> Iterator[None]:
        numbers = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
        before = {number: signal.signal(number, self._interrupt) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _typed(timeout: float) -> str:
    """What was typed, after ``timeout`` seconds at most; "" where nothing was."""
    try:
        descriptor = sys.stdin.fileno()
        if not select.select([descriptor], [], [], timeout)[0]:
            return ""
        data = os.read(descriptor, 4096)
    except (AttributeError, OSError, ValueError):
        return ""
    if not data:
        # Nobody types any more; without this, the loop would turn without a rest.
        select.select([], [], [], timeout)
    return data.decode("utf-8", "replace")


def _words(snapshot: Snapshot, connection: str) -> Iterator[tuple[str, str]]:
    """What is told as soon as it changes."""
    reasons = "; ".join(snapshot.reasons)
    yield "Status", snapshot.status + (f", {reasons}" if reasons else "")
    yield "Phase", snapshot.phase
    yield "Connection", connection
    yield "Lost", f"{count(snapshot.records.lost)} records" if snapshot.records.lost else ""
    yield (
        "Written twice",
        f"{count(snapshot.records.duplicated)} records" if snapshot.records.duplicated else "",
    )
    active = [fault.name for fault in snapshot.faults if fault.lifted_s is None]
    yield "Faults at work", ", ".join(active)
    yield "Bottleneck", snapshot.bottleneck or ""
    diagnosis = snapshot.diagnosis
    yield "Diagnosis", f"{diagnosis.state} {diagnosis.doing}".strip() if diagnosis is not None else ""


def _figures(snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    """What is told from time to time."""
    records = snapshot.records
    yield "Time", f"{elapsed(snapshot.elapsed_s)}"
    if snapshot.progress is not None:
        yield "Progress", percent(snapshot.progress, 0)
    yield "Read", f"{count(records.read)} records"
    yield "Delivered", f"{count(records.delivered)} records"
    yield "Rejected", f"{count(records.rejected)} records, {percent(snapshot.error_rate)}"
    yield "In flight", f"{count(records.in_flight)} records"
    yield THROUGHPUT.title, f"{pace(snapshot.throughput.records_per_s)} records per second"
    yield MEMORY.title, f"{size(snapshot.memory.rss)}, {snapshot.memory.verdict}"
