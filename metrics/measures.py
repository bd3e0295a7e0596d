"""What a threshold may be set on: each number of a snapshot by name, with its unit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from metrics.snapshot import Latency, Snapshot, StageState

Value = float | None


@dataclass(frozen=True, slots=True)
class Unit:
    """The units that a kind of number may be written in, each as a multiple of the first.

    The first is the unit of the number in the JSON report, and what a number without a unit is in.
    ``example`` is a number as one would write it.
    """

    factors: Mapping[str, float]
    example: str

    @property
    def name(self) -> str:
        """The first unit, empty for a plain number."""
        return next(iter(self.factors))


_SIZES = {
    "B": 1.0,
    "KB": 1e3,
    "MB": 1e6,
    "GB": 1e9,
    "KiB": 1024.0,
    "MiB": 1024.0**2,
    "GiB": 1024.0**3,
}
COUNT = Unit({"": 1.0}, "0")
SHARE = Unit({"": 1.0, "%": 0.01}, "5%")
MILLISECONDS = Unit({"ms": 1.0, "us": 1e-3, "µs": 1e-3, "s": 1e3, "min": 6e4}, "200ms")
SECONDS = Unit({"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "min": 60.0, "h": 3600.0}, "60s")
RATE = Unit({"/s": 1.0, "/min": 1 / 60}, "1000/s")
BYTES = Unit(_SIZES, "100MB")
BYTES_PER_RECORD = Unit({f"{unit}/record": factor for unit, factor in _SIZES.items()}, "1KB/record")


@dataclass(frozen=True, slots=True)
class Measure:
    """A number: of the whole run, of one stage, or of either. A reader gives None for "not known"."""

    unit: Unit
    of_run: Callable[[Snapshot], Value] | None = None
    of_stage: Callable[[StageState], Value] | None = None


def _latency(pick: Callable[[Latency], float]) -> Measure:
    def of_run(snapshot: Snapshot) -> Value:
        return pick(snapshot.latency) if snapshot.latency else None

    def of_stage(stage: StageState) -> Value:
        return pick(stage.latency) if stage.latency else None

    return Measure(MILLISECONDS, of_run, of_stage)


def _growth(start: int | None, end: int | None) -> Value:
    return None if start is None or end is None else end - start


def _rate(snapshot: Snapshot) -> Value:
    return snapshot.throughput.records_per_s if snapshot.throughput.window_s > 0 else None


_MEAN = _latency(lambda latency: latency.mean)

MEASURES: dict[str, Measure] = {
    "read": Measure(COUNT, lambda run: run.records.read),
    "delivered": Measure(COUNT, lambda run: run.records.delivered),
    "filtered": Measure(COUNT, lambda run: run.records.filtered, lambda stage: stage.filtered),
    "rejected": Measure(COUNT, lambda run: run.records.rejected, lambda stage: stage.rejected),
    "in_flight": Measure(COUNT, lambda run: run.records.in_flight),
    "lost": Measure(COUNT, lambda run: run.records.lost, lambda stage: stage.lost),
    "duplicated": Measure(COUNT, lambda run: run.records.duplicated),
    "in": Measure(COUNT, None, lambda stage: stage.taken),
    "out": Measure(COUNT, None, lambda stage: stage.given),
    "held": Measure(COUNT, None, lambda stage: stage.held),
    "queue_peak": Measure(COUNT, None, lambda stage: stage.queue.peak if stage.queue else None),
    "rate": Measure(RATE, _rate, lambda stage: stage.rate),
    "error_rate": Measure(
        SHARE,
        lambda run: run.error_rate,
        lambda stage: stage.rejected / stage.taken if stage.taken else None,
    ),
    "mean": _MEAN,
    "latency": _MEAN,
    "p50": _latency(lambda latency: latency.p50),
    "p95": _latency(lambda latency: latency.p95),
    "p99": _latency(lambda latency: latency.p99),
    "max": _latency(lambda latency: latency.max),
    "busy": Measure(SHARE, None, lambda stage: stage.busy),
    "idle": Measure(SHARE, None, lambda stage: stage.idle),
    "blocked": Measure(SHARE, None, lambda stage: stage.blocked),
    "duration": Measure(SECONDS, lambda run: run.elapsed_s),
    "rss": Measure(BYTES, lambda run: run.memory.rss),
    "rss_peak": Measure(BYTES, lambda run: run.memory.rss_peak),
    "rss_growth": Measure(BYTES, lambda run: run.memory.rss - run.memory.rss_start),
    "rss_slope": Measure(BYTES_PER_RECORD, lambda run: run.memory.slope_bytes_per_record),
    "fds": Measure(COUNT, lambda run: run.resources.fds),
    "fds_growth": Measure(COUNT, lambda run: _growth(run.resources.fds_start, run.resources.fds)),
    "threads": Measure(COUNT, lambda run: run.resources.threads),
    "threads_growth": Measure(COUNT, lambda run: _growth(run.resources.threads_start, run.resources.threads)),
    "events_lost": Measure(COUNT, lambda run: run.events_lost),
    "disagreements": Measure(COUNT, lambda run: len(run.disagreements)),
}
