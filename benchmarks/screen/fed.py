"""Shows a run made by hand on the full screen for some seconds, and prints what that cost its thread.

    python -m benchmarks.screen.fed SECONDS INTERVAL STAGES

There is no engine: each look finds a new snapshot in which every figure has changed, so the processor time of
the screen's thread is the screen's alone. Prints JSON: seconds of processor and wall time.
"""

from __future__ import annotations

import json
import sys
import time

from metrics.memory_state import CacheState, MemoryState
from metrics.snapshot import (
    Latency,
    Notice,
    QueueState,
    Records,
    Resources,
    Snapshot,
    SourceState,
    StageState,
    Throughput,
)
from run.display import Display
from run.live import LiveRun, Power
from tui.app import MonitorApp

WARM_UP_S = 2.0


def stage(name: str, turn: int) -> StageState:
    """A stage after so many looks."""
    taken = 12_345 * turn
    fill = (turn * 7 + len(name)) % 100
    busy = 0.5 + fill / 250
    return StageState(
        name,
        "function",
        2,
        False,
        taken,
        taken - turn,
        turn // 3,
        turn,
        0,
        0,
        0,
        12_000.0 + 37 * fill,
        Latency(taken, 4.0, 3.0 + fill / 10, 9.0 + fill / 5, 20.0, 90.0),
        busy,
        0.7 - busy * 0.7,
        0.3 - busy * 0.3,
        min(1.0, turn / 400),
        QueueState(fill * 160, 16_000, 16_000, fill * 1000),
        tuple(11_000.0 + (turn + second) % 13 * 100 for second in range(60)),
        (fill / 100,) * 60,
    )


def snapshot(turn: int, stages: int) -> Snapshot:
    """The state after so many looks."""
    read = 12_345 * turn
    series = tuple(50_000_000 + (turn + step) % 40 * 300_000 for step in range(240))
    caches = tuple(
        CacheState(f"cache-{n}", None, turn * n, turn * n * 99, "stable", series=series[:60])
        for n in range(1, 5)
    )
    return Snapshot(
        "fed",
        "healthy",
        (),
        "running",
        turn / 4,
        Records(read, read - 40, 0, 30, 10, 0, 0, (), (), False),
        (SourceState("fed", "a", read, read - 40, 0, 30, 10, 0, 5_000_000, False, None),),
        tuple(stage(f"stage-{n}", turn + n) for n in range(stages)),
        Throughput(read, 60.0, 12_000.0 + turn % 90),
        Latency(read, 40.0, 30.0, 90.0 + turn % 20, 120.0, 400.0),
        0.003,
        MemoryState(50_000_000, 50_000_000 + turn * 999, 80_000_000, 0.0, "stable", series, caches=caches),
        Resources(10, 12, 5, 9),
        (),
        tuple(Notice(float(n), "info", f"notice {n}") for n in range(turn // 8)),
        tuple(12_000.0 + (turn + n) % 17 * 50 for n in range(120)),
        None,
        min(1.0, turn / 400),
        (),
        0,
        None,
        None,
    )


class FedRun(LiveRun):
    """Has a new snapshot for each look."""

    def __init__(self, stages: int) -> None:
        self._stages = stages
        self.turn = 1

    @property
    def snapshot(self) -> Snapshot:
        return self.made

    def next(self) -> None:
        """Make the next snapshot, outside of what is measured."""
        self.turn += 1
        self.made = snapshot(self.turn, self._stages)

    made: Snapshot

    @property
    def finished(self) -> bool:
        return False

    @property
    def powers(self) -> frozenset[Power]:
        return frozenset({"steer", "inject", "census", "tap"})

    def _nothing(self, *_: object) -> None:
        return

    pause = resume = step_record = step_batch = drain = abort = _nothing

    def set_rate(self, records_per_s: float | None) -> None:  # noqa: ARG002 - nothing runs
        return


class Measuring(MonitorApp):
    """Ends by itself, and knows what it cost from the end of its warm-up on."""

    def __init__(self, run: FedRun, seconds: float, interval: float) -> None:
        super().__init__(run, Display(interval=interval))
        self._hand = run
        self._seconds = seconds
        self.cpu_s = self.wall_s = self._making = 0.0

    def on_ready(self) -> None:
        self.set_timer(WARM_UP_S, self._begin)

    def tick(self) -> None:
        before = time.thread_time()
        self._hand.next()
        self._making += time.thread_time() - before
        super().tick()

    def _begin(self) -> None:
        self._making = 0.0
        self._from = time.thread_time(), time.perf_counter()
        self.set_timer(self._seconds, self._end)

    def _end(self) -> None:
        cpu, wall = self._from
        self.cpu_s = time.thread_time() - cpu - self._making
        self.wall_s = time.perf_counter() - wall
        self.exit(None)


def main() -> None:
    seconds, interval, stages = float(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
    run = FedRun(stages)
    run.next()
    app = Measuring(run, seconds, interval)
    app.run()
    print(json.dumps({"cpu_s": app.cpu_s, "wall_s": app.wall_s}))


if __name__ == "__main__":
    main()
