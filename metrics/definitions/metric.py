"""What a metric is: a name, a kind, a unit, a meaning, and how it is read from a snapshot.

A metric is of something: of the run, of each source, stage, thread or cache. That is its scope, and what
tells its series apart. Reading is pure: the same snapshot gives the same numbers, live or recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from metrics.definitions.units import Unit
from metrics.memory_state import CacheState
from metrics.snapshot import Bucket, Latency, Records, Snapshot, SourceState, StageState, ThreadState

Kind = Literal["counter", "gauge", "histogram"]
Value: TypeAlias = float | None
"""None is "not known", which is never 0."""
Labels: TypeAlias = tuple[tuple[str, str], ...]


class Sample(NamedTuple):
    """One number of a metric, and whose it is."""

    labels: Labels
    value: float


class Distribution(NamedTuple):
    """The times behind a histogram, and whose they are."""

    labels: Labels
    latency: Latency
    histogram: tuple[Bucket, ...]


class Reading(NamedTuple):
    """A number of this moment, for whoever watches a series of them: over the last seconds where the metric
    itself is over the whole run. ``labels`` are those beside the stage."""

    metric: str
    stage: str | None
    value: float
    labels: Labels = ()


@dataclass(frozen=True, slots=True)
class OfRun:
    """A number of the whole run; ``now`` is the same of the last seconds."""

    read: Callable[[Snapshot], Value]
    now: Callable[[Snapshot], Value] | None = None

    def samples(self, snapshot: Snapshot) -> Iterator[Sample]:
        """The one there is."""
        value = self.read(snapshot)
        if value is not None:
            yield Sample((), value)

    def latest(self, snapshot: Snapshot) -> Iterator[tuple[str | None, Labels, float]]:
        """By stage, the number of this moment."""
        value = (self.now or self.read)(snapshot)
        if value is not None:
            yield None, (), value


@dataclass(frozen=True, slots=True)
class OfLedger:
    """A line of the ledger: of the run, and by source (its partitions together), which add up to it."""

    read: Callable[[Records], int]
    by_source: Callable[[SourceState], int]

    def samples(self, snapshot: Snapshot) -> Iterator[Sample]:
        """One for each source."""
        found: dict[str, int] = {}
        for source in snapshot.sources:
            found[source.name] = found.get(source.name, 0) + self.by_source(source)
        for name, value in found.items():
            yield Sample((("source", name),), value)

    def latest(self, snapshot: Snapshot) -> Iterator[tuple[str | None, Labels, float]]:
        """That of the run."""
        yield None, (), self.read(snapshot.records)


@dataclass(frozen=True, slots=True)
class OfSource:
    """A number of each source: of those partitions that tell it, the sum, or what else ``together`` says."""

    read: Callable[[SourceState], Value]
    together: Callable[[Iterable[float]], float] = sum

    def samples(self, snapshot: Snapshot) -> Iterator[Sample]:
        """One for each source that tells."""
        found: dict[str, list[float]] = {}
        for source in snapshot.sources:
            value = self.read(source)
            if value is not None:
                found.setdefault(source.name, []).append(value)
        for name, values in found.items():
            yield Sample((("source", name),), self.together(values))

    def latest(self, snapshot: Snapshot) -> Iterator[tuple[str | None, Labels, float]]:
        """By source, the number of this moment."""
        for labels, value in self.samples(snapshot):
            yield None, labels, value


@dataclass(frozen=True, slots=True)
class OfStage:
    """A number of each stage; ``now`` is the same of the last seconds."""

    read: Callable[[StageState], Value]
    now: Callable[[StageState], Value] | None = None

    def samples(self, snapshot: Snapshot) -> Iterator[Sample]:
        """One for each stage that tells."""
        for stage in snapshot.stages:
            value = self.read(stage)
            if value is not None:
                yield Sample((("stage", stage.name),), value)

    def latest(self, snapshot: Snapshot) -> Iterator[tuple[str | None, Labels, float]]:
        """By stage, the number of this moment."""
        read = self.now or self.read
        for stage in snapshot.stages:
            value = read(stage)
            if value is not None:
                yield stage.name, (), value


@dataclass(frozen=True, slots=True)
class OfThread:
    """A number of each thread."""

    read: Callable[[ThreadState], Value]

    def samples(self, snapshot: Snapshot) -> Iterator[Sample]:
        """One for each name of a thread, so that no two are of one name."""
        found: dict[Labels, float] = {}
        for thread in snapshot.threads:
            value = self.read(thread)
            if value is not None:
                labels: Labels = (("thread", thread.name), ("stage", thread.stage or ""))
                found[labels] = found.get(labels, 0.0) + value
        for known, total in found.items():
            yield Sample(known, total)

    def latest(self, snapshot: Snapshot) -> Iterator[tuple[str | None, Labels, float]]:
        """By stage, the number of this moment."""
        for labels, value in self.samples(snapshot):
            yield labels[1][1] or None, labels[:1], value


@dataclass(frozen=True, slots=True)
class OfCache:
    """A number of each watched container."""

    read: Callable[[CacheState], Value]

    def samples(self, snapshot: Snapshot) -> Iterator[Sample]:
        """One for each name, the first of those that share it."""
        found: dict[Labels, float] = {}
        for cache in snapshot.memory.caches:
            value = self.read(cache)
            if value is not None:
                found.setdefault((("cache", cache.name), ("stage", cache.stage or "")), value)
        for labels, value in found.items():
            yield Sample(labels, value)

    def latest(self, snapshot: Snapshot) -> Iterator[tuple[str | None, Labels, float]]:
        """By stage, the number of this moment."""
        for labels, value in self.samples(snapshot):
            yield labels[1][1] or None, labels[:1], value


@dataclass(frozen=True, slots=True)
class Times:
    """The distribution of the run's latency, or (``stages``) of each stage's."""

    stages: bool

    def samples(self, snapshot: Snapshot) -> Iterator[Sample]:
        """The numbers of records behind the distributions."""
        for labels, latency, _ in self.distributions(snapshot):
            yield Sample(labels, latency.count)

    def distributions(self, snapshot: Snapshot) -> Iterator[Distribution]:
        """Those that are not empty."""
        if not self.stages:
            if snapshot.latency is not None:
                yield Distribution((), snapshot.latency, snapshot.histogram)
            return
        for stage in snapshot.stages:
            if stage.latency is not None:
                yield Distribution((("stage", stage.name),), stage.latency, stage.histogram)

    def latest(self, snapshot: Snapshot) -> Iterator[tuple[str | None, Labels, float]]:
        """By stage, the 95th percentile of the last seconds."""
        if not self.stages:
            if snapshot.recent is not None and snapshot.recent.latency is not None:
                yield None, (), snapshot.recent.latency.p95
            return
        for stage in snapshot.stages:
            if stage.recent is not None and stage.recent.latency is not None:
                yield stage.name, (), stage.recent.latency.p95


Scope: TypeAlias = OfRun | OfLedger | OfSource | OfStage | OfThread | OfCache | Times


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric, or, where several share a name, the one of them with these ``attributes``.

    Names are those of OpenTelemetry where it has one, and in its style elsewhere. A counter only grows in a
    run. ``measures`` are the names under which ``--fail-if`` knows it. What is ``watched`` is looked through
    for anomalies: numbers that have a level in a sound run, not those that grow with the work. ``title`` is
    what it is called where people read it, among others of its kind.
    """

    name: str
    kind: Kind
    unit: Unit
    meaning: str
    of: Scope
    measures: tuple[str, ...] = ()
    attributes: Labels = ()
    watched: bool = False
    title: str = ""

    @property
    def label(self) -> str:
        """``pipeline.records.consumed{outcome=rejected}``; no two metrics have the same."""
        inside = ",".join(f"{name}={value}" for name, value in self.attributes)
        return f"{self.name}{{{inside}}}" if inside else self.name

    def of_run(self, snapshot: Snapshot) -> Value:
        """Its number for the run as a whole (of a distribution, the mean); None where there is none."""
        if isinstance(self.of, OfRun):
            return self.of.read(snapshot)
        if isinstance(self.of, OfLedger):
            return self.of.read(snapshot.records)
        if isinstance(self.of, Times) and not self.of.stages:
            return snapshot.latency.mean if snapshot.latency is not None else None
        return None

    def of_stage(self, stage: StageState) -> Value:
        """Its number for one stage (of a distribution, the mean); None where there is none."""
        if isinstance(self.of, OfStage):
            return self.of.read(stage)
        if isinstance(self.of, Times) and self.of.stages:
            return stage.latency.mean if stage.latency is not None else None
        return None

    def samples(self, snapshot: Snapshot) -> Iterator[Sample]:
        """Its numbers now; none where nothing is known."""
        for labels, value in self.of.samples(snapshot):
            yield Sample((*labels, *self.attributes), value)

    def readings(self, snapshot: Snapshot) -> Iterator[Reading]:
        """Its numbers of this moment."""
        for stage, labels, value in self.of.latest(snapshot):
            yield Reading(self.name, stage, value, (*labels, *self.attributes))
