"""What changed since an earlier run, from its JSON report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import msgspec

from metrics.format import millis, number, percent, rate, seconds, size
from metrics.snapshot import Latency, Snapshot
from pipeline.errors import ConfigurationError

SCHEMA = 1
LEAST_S = 5.0
"""A shorter run says more about its start than about the pipeline."""
SAME = 0.05
"""A change of a smaller share is not told as one."""


class _Records(msgspec.Struct):
    read: int


class _Latency(msgspec.Struct):
    p95: float | None


class _Stage(msgspec.Struct):
    name: str
    latency_ms: _Latency


class _Memory(msgspec.Struct):
    rss_peak_bytes: int
    slope_bytes_per_record: float | None


class _Report(msgspec.Struct):
    """The part of a JSON report that is compared."""

    schema: int
    pipeline: str
    started_at: str
    duration_s: float
    error_rate: float
    records: _Records
    latency_ms: _Latency
    stages: list[_Stage]
    memory: _Memory


class _Bound(NamedTuple):
    """How much worse is a regression: ``share`` of what it was, and ``least`` in the number's own unit."""

    share: float
    least: float


# Runs of the same code on the same machine differ by some ten percent.
_BOUNDS = {
    "throughput": _Bound(0.3, 1.0),
    "latency": _Bound(0.5, 10.0),
    "memory per record": _Bound(0.5, 256.0),
    "peak memory": _Bound(0.5, 50e6),
    "error rate": _Bound(0.5, 0.01),
}


@dataclass(frozen=True, slots=True)
class Change:
    """A number then and now. ``worse`` tells which way it went (None: much as before); a ``regression`` is
    so much worse that the run is degraded."""

    name: str
    stage: str | None
    before: float
    after: float
    worse: bool | None
    regression: bool
    text: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """This run against an earlier one. ``not_judged`` says why no change is held against the run."""

    path: str
    started_at: str
    changes: tuple[Change, ...]
    not_judged: str | None = None

    @property
    def regressions(self) -> tuple[Change, ...]:
        """Those that degrade the run."""
        return tuple(change for change in self.changes if change.regression)


class Baseline:
    """An earlier run's report."""

    def __init__(self, path: Path, pipeline: str, option: str = "--baseline") -> None:
        """Raises :class:`~pipeline.errors.ConfigurationError` for what is no report of this pipeline."""
        self._path = path
        try:
            data = path.read_bytes()
        except OSError as error:
            reason = error.strerror or str(error)
            raise ConfigurationError(
                f"{option} {path}: it cannot be read: {reason}; give a file that --json wrote"
            ) from error
        try:
            self._report = msgspec.json.decode(data, type=_Report)
        except msgspec.MsgspecError as error:
            raise ConfigurationError(
                f"{option} {path}: this is no report of a run ({error}); give a file that --json wrote"
            ) from error
        if self._report.schema != SCHEMA:
            raise ConfigurationError(
                f"{option} {path}: it is of schema {self._report.schema}, and {SCHEMA} is understood; "
                "make it again with this version"
            )
        if self._report.pipeline != pipeline:
            raise ConfigurationError(
                f"{option} {path}: it is a report of the pipeline {self._report.pipeline!r}, and this is "
                f"{pipeline!r}"
            )

    def compare(self, snapshot: Snapshot) -> Comparison:
        """The run that ended with ``snapshot`` against the earlier one."""
        before, memory = self._report, snapshot.memory
        shortest = min(before.duration_s, snapshot.elapsed_s)
        not_judged = (
            f"one of the runs took {seconds(shortest)}; from {seconds(LEAST_S)} on changes are judged"
            if shortest < LEAST_S
            else None
        )
        found = [
            _change(
                "throughput", None, _rate(before), _rate_of(snapshot), lambda v: f"{rate(v)}/s", less=True
            ),
            _change("latency", None, before.latency_ms.p95, _p95(snapshot.latency), millis),
            _change(
                "memory per record",
                None,
                before.memory.slope_bytes_per_record,
                memory.slope_bytes_per_record,
                lambda v: f"{number(v)} bytes",
            ),
            _change("peak memory", None, before.memory.rss_peak_bytes, memory.rss_peak, size),
            _change("error rate", None, before.error_rate, snapshot.error_rate, percent),
        ]
        then = {stage.name: stage.latency_ms.p95 for stage in before.stages}
        found += [
            _change("latency", stage.name, then.get(stage.name), _p95(stage.latency), millis)
            for stage in snapshot.stages
        ]
        changes = tuple(change for change in found if change is not None)
        if not_judged is not None:
            changes = tuple(replace(change, regression=False) for change in changes)
        return Comparison(str(self._path), before.started_at, changes, not_judged)


def _rate(report: _Report) -> float | None:
    return report.records.read / report.duration_s if report.duration_s > 0 else None


def _rate_of(snapshot: Snapshot) -> float | None:
    return snapshot.records.read / snapshot.elapsed_s if snapshot.elapsed_s > 0 else None


def _p95(latency: Latency | None) -> float | None:
    return latency.p95 if latency is not None else None


def _change(
    name: str,
    stage: str | None,
    before: float | None,
    after: float | None,
    said: Callable[[float], str],
    *,
    less: bool = False,
) -> Change | None:
    """``less`` tells that less is worse."""
    if before is None or after is None:
        return None
    bound = _BOUNDS[name]
    grown = before - after if less else after - before
    is_much = abs(grown) > max(SAME * abs(before), bound.least / 10)
    worse = grown > 0 if is_much else None
    regression = stage is None and grown > max(bound.share * abs(before), bound.least)
    titled = f"{stage}: {name}" if stage else name
    if worse is None:
        text = f"{titled} as before: {said(after)} (was {said(before)})"
    else:
        verb = "fell" if after < before else "rose"
        # Of next to nothing, a share says nothing.
        by = f" by {percent(abs(after - before) / before, 0)}" if before > 0 and after < 10 * before else ""
        text = f"{titled} {verb}{by}: {said(after)} (was {said(before)})"
    return Change(name, stage, float(before), float(after), worse, regression, text)
