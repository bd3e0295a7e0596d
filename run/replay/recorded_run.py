"""A recording as a front end sees it: a run that can be looked at, moved about in, and not changed."""

from __future__ import annotations

import math
from pathlib import Path

from metrics.snapshot import Snapshot
from pipeline.clock import Clock
from pipeline.errors import ConfigurationError
from run.live import LiveRun, Mark, Playhead, Power
from run.replay.tape import Tape

SLOWEST = 1 / 16
FASTEST = 64.0


class RecordedRun(LiveRun):
    """Time passes by the clock from one command to the next; nothing runs in between. For one thread."""

    def __init__(self, path: Path, clock: Clock) -> None:
        """Raises :class:`~pipeline.errors.ConfigurationError` for what is no recording."""
        self.tape = Tape(path)
        self._clock = clock
        self._marks = self.tape.marks()
        self._playing = True
        self._speed = 1.0
        self._since = clock.monotonic()
        """When the playhead stood at ``_from``."""
        self._from = self.tape.times[0]
        self._shown: tuple[int, Snapshot] | None = None
        self._unreadable = ""

    @property
    def snapshot(self) -> Snapshot:
        number = self.tape.number_at(self._at())
        if self._shown is None or self._shown[0] != number:
            try:
                self._shown = (number, self.tape.snapshot(number))
                self._unreadable = ""
            except ConfigurationError as error:
                if self._shown is None:
                    raise
                self._unreadable = str(error)
        return self._shown[1]

    @property
    def finished(self) -> bool:
        """Whether the last frame is shown."""
        return self.tape.number_at(self._at()) == len(self.tape) - 1

    @property
    def owned(self) -> bool:
        return False

    @property
    def connection(self) -> str:
        """Why no later state can be shown, at the end of a recording that breaks off."""
        if self._unreadable:
            return self._unreadable
        if self.tape.damage and self.finished:
            return f"the recording breaks off here: {self.tape.damage}"
        return ""

    @property
    def powers(self) -> frozenset[Power]:
        return frozenset({"seek"})

    @property
    def playhead(self) -> Playhead:
        at = self._at()
        return Playhead(
            at_s=at,
            start_s=self.tape.times[0],
            end_s=self.tape.times[-1],
            frame=self.tape.number_at(at),
            frames=len(self.tape),
            playing=self._playing,
            speed=self._speed,
            whole=self.tape.whole,
            marks=self._marks,
        )

    def play(self, on: bool) -> None:
        at = self._at()
        self._go(self.tape.times[0] if on and at >= self.tape.times[-1] else at)
        self._playing = on

    def set_speed(self, times: float) -> None:
        if not math.isfinite(times) or times <= 0:
            raise ConfigurationError(f"speed {times:g}: must be more than 0")
        self._go(self._at())
        self._speed = min(FASTEST, max(SLOWEST, times))

    def step_frame(self, frames: int) -> None:
        number = self.tape.number_at(self._at()) + frames
        self._stop_at(min(len(self.tape) - 1, max(0, number)))

    def seek(self, at_s: float) -> None:
        if not math.isfinite(at_s):
            raise ConfigurationError(f"{at_s}: is no second of the run")
        self._go(min(self.tape.times[-1], max(self.tape.times[0], at_s)))

    def seek_mark(self, marks: int) -> Mark | None:
        here = self.tape.number_at(self._at())
        places = [(self.tape.number_from(mark.at_s), mark) for mark in self._marks]
        if marks > 0:
            found = next(((number, mark) for number, mark in places if number > here), None)
        else:
            found = next(((number, mark) for number, mark in reversed(places) if number < here), None)
        if found is None:
            return None
        self._stop_at(found[0])
        return found[1]

    def pause(self) -> None:
        self.play(False)

    def resume(self) -> None:
        self.play(True)

    def step_record(self) -> None:
        self.step_frame(1)

    def step_batch(self) -> None:
        self.step_frame(1)

    def set_rate(self, records_per_s: float | None) -> None:  # noqa: ARG002 - what has passed has its rate
        raise ConfigurationError("a recording cannot be changed; < and > change how fast it is shown")

    def drain(self) -> None:
        """Nothing is in flight."""

    def abort(self) -> None:
        """Nothing is to be ended."""

    def _at(self) -> float:
        """The second of the run that is shown now."""
        if not self._playing:
            return self._from
        at = self._from + (self._clock.monotonic() - self._since) * self._speed
        if at < self.tape.times[-1]:
            return at
        self._go(self.tape.times[-1])
        self._playing = False
        return self._from

    def _stop_at(self, number: int) -> None:
        self._playing = False
        self._go(self.tape.times[number])

    def _go(self, at_s: float) -> None:
        self._from, self._since = at_s, self._clock.monotonic()
