"""Looks through every watched metric for what is out of the ordinary, and keeps what it found.

Exact bounds are held against every snapshot. Series are fed once a second: they are made over the last ten
seconds, so that more would tell the same again. What a user changed (a pause, a step, a rate, a drain) resets
what is expected; where an input ends, changes of the next half minute are learned and not told. Seconds in
which other programs take the machine count for little (:mod:`metrics.crowd`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

from metrics.anomalies.invariants import Exact, Invariants
from metrics.anomalies.joint import Joint
from metrics.anomalies.text import sentence
from metrics.anomalies.tolerances import WATCHED, Watched
from metrics.crowd import Crowd
from metrics.definitions import readings
from metrics.definitions.metric import Labels, Reading
from metrics.detectors import STATISTICAL, Alarm, Bounds, Detector
from metrics.detectors.novelty import Novelty
from metrics.snapshot import Anomaly, Snapshot

WARM_UP_S = 10.0
EXCUSED_S = 30.0
"""After an input ended, so long what changes is put down to that."""
SETTLE_S = 3.0
"""Alarms of one cause come within so long; of those of one metric the largest is told."""
COVERED_S = 30.0
CALM_S = 10.0
"""An anomaly has ended when the series was as expected for so long: what it is measured over is over."""
CRITICAL_S = 20.0
UNSURE = 0.1
"""What is measured while others take the machine must be ten times as far out."""
MOST_SERIES = 256
KEPT = 500

Key = tuple[str, str | None, Labels]


class News(NamedTuple):
    """Something to tell in the events panel."""

    severity: Literal["info", "warning", "error"]
    text: str


@dataclass(slots=True)
class _Open:
    """An anomaly that goes on. ``followed`` and ``crowded`` are seconds since it was told; ``calm_since`` is
    when it came to be as expected."""

    number: int
    anomaly: Anomaly
    followed: int = 0
    crowded: int = 0
    calm_since: float | None = None
    others: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Series:
    key: Key
    watched: Watched
    detectors: list[Detector]
    open: _Open | None = None

    @property
    def group(self) -> tuple[str, str]:
        """Series of one group show the same at different stages."""
        return self.key[0], self.watched.title


class _Candidate(NamedTuple):
    series: _Series
    alarm: Alarm
    at_s: float


class Watch:
    """One run's anomalies. :meth:`look` is called with each snapshot, by one thread."""

    def __init__(self) -> None:
        self.news: list[News] = []
        """What began or ended since somebody emptied it."""
        self._found: dict[int, Anomaly] = {}
        self._number = 0
        self._invariants = Invariants()
        self._exact: dict[tuple[str, str | None], int] = {}
        self._series: dict[Key, _Series] = {}
        self._candidates: list[_Candidate] = []
        self._joint = Joint()
        self._crowd = Crowd()
        self._second = -1
        self._steering: tuple[object, ...] | None = None
        self._ended_inputs = 0
        self._quiet_until = WARM_UP_S
        self._excused_until = 0.0
        self._in_flight_s = 0

    def look(self, snapshot: Snapshot) -> tuple[Anomaly, ...]:
        """Take a snapshot in; all anomalies up to now, by their onset."""
        at = snapshot.elapsed_s
        if snapshot.phase != "starting":
            for exact in self._invariants.look(snapshot):
                self._hold(exact, at)
        if snapshot.phase != "running":
            if snapshot.phase == "paused":
                self._steering = None
        elif int(at) != self._second:
            self._second = int(at)
            self._learn(snapshot, at)
        return tuple(sorted(self._found.values(), key=lambda found: found.at_s))

    # What must hold

    def _hold(self, exact: Exact, at: float) -> None:
        key = (exact.metric, exact.stage)
        number = self._exact.get(key)
        if Bounds(*exact.expected).update(at, exact.value) is None:
            if number is not None:
                del self._exact[key]
                self._end(number, at)
        elif number is None:
            anomaly = Anomaly(
                exact.metric,
                exact.stage,
                "invariant",
                exact.severity,
                at,
                None,
                exact.value,
                exact.expected,
                exact.text,
            )
            self._exact[key] = self._begin(anomaly)
        else:
            before = self._found[number]
            if exact.severity == "critical" and before.severity != "critical":
                self.news.append(News("error", exact.text))
            self._found[number] = replace(before, value=exact.value, text=exact.text, severity=exact.severity)

    # What is usual

    def _learn(self, snapshot: Snapshot, at: float) -> None:
        self._note_changes(snapshot, at)
        self._in_flight_s = self._in_flight_s + 1 if snapshot.records.in_flight else 0
        if at < self._quiet_until:
            return
        is_crowded = self._crowd.look(snapshot, at)
        if self._crowd.has_come_to_stay:
            self._crowd.reset()
            self._reset(at)
            return
        for reading in readings(snapshot):
            self._take(reading, at, is_crowded=is_crowded)
        if self._candidates and at - self._candidates[0].at_s >= SETTLE_S:
            self._settle()

    def _note_changes(self, snapshot: Snapshot, at: float) -> None:
        steering = (snapshot.rate_limit,)
        if steering != self._steering:
            if self._steering is not None or self._second > WARM_UP_S:
                self._reset(at)
            self._steering = steering
        ended = sum(source.ended for source in snapshot.sources)
        if ended != self._ended_inputs:
            self._ended_inputs = ended
            self._excused_until = at + EXCUSED_S

    def _reset(self, at: float) -> None:
        for series in self._series.values():
            if series.open is not None and series.open.anomaly.ended_s is None:
                self._end(series.open.number, at)
        self._series.clear()
        self._candidates.clear()
        self._joint.reset()
        self._quiet_until = at + WARM_UP_S

    def _take(self, reading: Reading, at: float, *, is_crowded: bool) -> None:
        key = (reading.metric, reading.stage, reading.labels)
        series = self._series.get(key)
        if series is None:
            watched = _watched(reading)
            if watched is None or len(self._series) >= MOST_SERIES:
                return
            made: list[Detector] = [
                method.make(watched.tolerance) for method in STATISTICAL if method.kind in watched.kinds
            ]
            series = self._series[key] = _Series(key, watched, made)
        if series.open is not None:
            self._follow(series, series.open, reading.value, at, is_crowded=is_crowded)
            return
        weight = UNSURE if is_crowded and series.watched.timed else 1.0
        for detector in series.detectors:
            alarm = detector.update(at, reading.value, weight)
            if isinstance(detector, Novelty):
                if alarm is None:
                    if weight == 1.0:
                        self._joint.add(detector.surprise)
                elif not self._joint.is_rare(alarm.surprise, len(self._series)):
                    alarm = None
            if alarm is None:
                continue
            if at < self._excused_until:
                for each in series.detectors:
                    each.reset()
                return
            if all(candidate.series is not series for candidate in self._candidates):
                self._candidates.append(_Candidate(series, alarm, at))
            return

    def _settle(self) -> None:
        """Of the alarms of each metric keep the largest, and let it speak for the others."""
        groups: dict[tuple[str, str], list[_Candidate]] = {}
        for candidate in self._candidates:
            groups.setdefault(candidate.series.group, []).append(candidate)
        self._candidates.clear()
        for group in groups.values():
            group.sort(key=lambda found: _size(found.series.watched, found.alarm), reverse=True)
            lead = self._speaker(group[0])
            others = [found.series.key[1] for found in group]
            if lead is None:
                lead = self._raise(group[0], [stage for stage in others[1:] if stage])
            for candidate in group:
                # Each series is followed to its own end; only one of them is told.
                if candidate.series.open is None:
                    shadow = replace(
                        lead.anomaly, value=candidate.alarm.value, expected=candidate.alarm.expected
                    )
                    candidate.series.open = _Open(-1, shadow)

    def _speaker(self, largest: _Candidate) -> _Open | None:
        """An anomaly of the same metric that goes on and began about when this one did."""
        for series in self._series.values():
            found = series.open
            if found is None or found.number < 0 or series.group != largest.series.group:
                continue
            if abs(largest.alarm.at_s - found.anomaly.at_s) <= COVERED_S:
                return found
        return None

    def _raise(self, candidate: _Candidate, others: Sequence[str]) -> _Open:
        series, alarm = candidate.series, candidate.alarm
        metric, stage, labels = series.key
        anomaly = Anomaly(
            metric=metric,
            stage=stage,
            kind=alarm.kind,
            severity="warning",
            at_s=alarm.at_s,
            ended_s=None,
            value=alarm.value,
            expected=alarm.expected,
            text=sentence(metric, stage, labels, series.watched.title, alarm, others),
        )
        series.open = _Open(self._begin(anomaly), anomaly, others=list(others))
        return series.open

    def _follow(self, series: _Series, found: _Open, value: float, at: float, *, is_crowded: bool) -> None:
        anomaly = found.anomaly
        found.followed += 1
        found.crowded += is_crowded and series.watched.timed
        if _is_within(value, anomaly):
            found.calm_since = at if found.calm_since is None else found.calm_since
            if at - found.calm_since >= CALM_S:
                series.open = None
                if found.number >= 0:
                    self._end(found.number, found.calm_since)
            return
        found.calm_since = None
        if found.number < 0:
            return
        alarm = Alarm(anomaly.kind, anomaly.at_s, value, anomaly.expected)
        if _excess(value, anomaly) > _excess(anomaly.value, anomaly):
            metric, stage, labels = series.key
            text = sentence(metric, stage, labels, series.watched.title, alarm, found.others)
            anomaly = replace(anomaly, value=value, text=text)
        lasts = at - anomaly.at_s >= CRITICAL_S
        if lasts and anomaly.severity == "warning" and self._is_critical(series.watched, found, alarm):
            anomaly = replace(anomaly, severity="critical")
        found.anomaly = self._found[found.number] = anomaly

    def _is_critical(self, watched: Watched, found: _Open, alarm: Alarm) -> bool:
        """A change that lasts, is twice what counts as one, harms the run, and is not the machine's doing."""
        if not watched.weighs or alarm.kind == "novelty":
            return False
        # What a crowd cannot explain is not excused by one.
        least = 1.0 / UNSURE if found.crowded > found.followed / 2 else 1.0
        if _size(watched, alarm) < least:
            return False
        # With nothing on its way, a low rate is that of the input.
        return watched.title != "rate" or self._in_flight_s >= CRITICAL_S

    def _begin(self, anomaly: Anomaly) -> int:
        self._number += 1
        self._found[self._number] = anomaly
        self.news.append(News("error" if anomaly.severity == "critical" else "warning", anomaly.text))
        if len(self._found) > KEPT:
            ended = (number for number, found in self._found.items() if found.ended_s is not None)
            del self._found[next(ended, next(iter(self._found)))]
        return self._number

    def _end(self, number: int, at: float) -> None:
        found = self._found.get(number)
        if found is not None:
            self._found[number] = replace(found, ended_s=max(at, found.at_s))
            self.news.append(News("info", f"as before again: {found.text}"))


def _watched(reading: Reading) -> Watched | None:
    state = dict(reading.labels).get("state")
    name = f"{reading.metric}{{state={state}}}" if state else reading.metric
    return WATCHED.get(name)


def _is_within(value: float, anomaly: Anomaly) -> bool:
    low, high = anomaly.expected
    return (low is None or value >= low) and (high is None or value <= high)


def _excess(value: float, anomaly: Anomaly) -> float:
    low, high = anomaly.expected
    above = value - high if high is not None else 0.0
    below = low - value if low is not None else 0.0
    return max(above, below)


def _size(watched: Watched, alarm: Alarm) -> float:
    """How far it lies beyond what is expected, in changes that count."""
    low, high = alarm.expected
    tolerance = watched.tolerance
    above = (alarm.value - high) / tolerance.at(high) if high is not None else 0.0
    below = (low - alarm.value) / tolerance.at(low) if low is not None else 0.0
    return max(above, below)
