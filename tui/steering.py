"""What the keys ask of a run, and what the user is told about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from metrics.snapshot import Snapshot
from run.live import LiveRun
from tui.format import pace

STEP: Final = 1.5
LOWEST_RATE: Final = 0.1


class Steering:
    """Turns keys into requests.

    A snapshot shows a request only some time after it was made. Until then the request itself counts,
    so that ``p p`` pauses and resumes, and ``+ +`` raises twice.
    """

    def __init__(self, run: LiveRun, *, tell: Callable[[str], None]) -> None:
        self._run = run
        self._tell = tell
        self._paused: bool | None = None
        self._rate: float | None = None

    def observe(self, snapshot: Snapshot) -> None:
        """Forget the requests that a snapshot shows as done."""
        if snapshot.phase not in ("running", "paused") or self._paused == (snapshot.phase == "paused"):
            self._paused = None
        if self._rate is not None and snapshot.rate_limit == self._rate:
            self._rate = None

    def pause(self) -> None:
        paused = self._paused if self._paused is not None else self._run.snapshot.phase == "paused"
        self._paused = not paused
        if paused:
            self._run.resume()
        else:
            self._run.pause()

    def step_record(self) -> None:
        self._paused = True
        self._run.step_record()

    def step_batch(self) -> None:
        self._paused = True
        self._run.step_batch()

    def faster(self) -> None:
        limit = self._limit()
        if limit is None:
            self._tell("No rate limit is set: it already runs as fast as it can.")
        else:
            self._ask(limit * STEP)

    def slower(self) -> None:
        limit = self._limit() or self._run.snapshot.throughput.records_per_s
        if limit <= 0:
            self._tell("Nothing has been delivered yet, so there is no rate to start from.")
        else:
            self._ask(max(LOWEST_RATE, limit / STEP))

    def unlimited(self) -> None:
        self._rate = None
        self._run.set_rate(None)
        self._tell("Rate limit lifted.")

    def drain(self) -> None:
        self._run.drain()

    def _limit(self) -> float | None:
        return self._rate if self._rate is not None else self._run.snapshot.rate_limit

    def _ask(self, records_per_s: float) -> None:
        self._rate = records_per_s
        self._run.set_rate(records_per_s)
        self._tell(f"Rate limit {pace(records_per_s)} records/s.")
