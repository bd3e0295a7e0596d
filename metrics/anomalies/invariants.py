"""What must hold exactly, read from a snapshot: no statistics, no warm-up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from metrics.detectors import Range
from metrics.format import count, plural, seconds
from metrics.snapshot import Snapshot
from metrics.vitals import standstill

LATE_S = 1.0
"""A snapshot may be older than the times in it by no more than that."""

STILL_S = 5.0
"""So long may a thread wait for a lock while nothing comes through its stage."""
STUCK_S = 15.0
"""From then on the run is no longer sound."""

CLOCK_JUMP_S = 0.5
"""Between two looks; a clock that is brought into line slowly moves by half a thousandth of the time."""


class Exact(NamedTuple):
    """A number and the range that it must be in."""

    metric: str
    stage: str | None
    value: float
    expected: Range
    severity: Literal["warning", "critical"]
    text: str


class Invariants:
    """Reads them; remembers only the queues' bounds, where the clock stood, and who stands still."""

    def __init__(self) -> None:
        self._bounds: dict[str, int] = {}
        self._offset: float | None = None
        self._still: dict[str, str] = {}
        """What was seen of the stages that stand still."""

    def look(self, snapshot: Snapshot) -> Iterator[Exact]:
        """All of them, held or not."""
        yield from _ledger(snapshot)
        yield from self._queues(snapshot)
        yield from self._clock(snapshot)
        yield from _times(snapshot)
        yield from _objects(snapshot)
        yield from self._standstills(snapshot)

    def _queues(self, snapshot: Snapshot) -> Iterator[Exact]:
        for stage in snapshot.stages:
            queue = stage.queue
            if queue is None or queue.capacity <= 0:
                continue
            bound = self._bounds.setdefault(stage.name, queue.capacity)
            # One batch may be larger than an empty queue, so that a queue over its bound is no fault by
            # itself; one whose bound was moved is.
            most = None if queue.capacity == bound else float(bound)
            held = f"the queue before {stage.name} holds {count(queue.size)} records"
            text = f"{held}, its bound was {count(bound)}"
            yield Exact("pipeline.stage.queue.depth", stage.name, queue.size, (None, most), "critical", text)

    def _standstills(self, snapshot: Snapshot) -> Iterator[Exact]:
        for stage in snapshot.stages:
            still_s = stage.standstill_s
            if still_s is None:
                continue
            if still_s <= STILL_S:
                self._still.pop(stage.name, None)
            elif stage.name not in self._still:
                # As it was at first: who retries is not seen at the same line each time.
                began_s = max(0.0, snapshot.elapsed_s - still_s)
                self._still[stage.name] = standstill.words(stage.name, began_s, snapshot.threads)
            severity: Literal["warning", "critical"] = "critical" if still_s >= STUCK_S else "warning"
            text = self._still.get(stage.name, "")
            yield Exact("pipeline.stage.standstill", stage.name, still_s, (None, STILL_S), severity, text)

    def _clock(self, snapshot: Snapshot) -> Iterator[Exact]:
        offset, before = snapshot.resources.clock_offset_s, self._offset
        if offset is None:
            return
        self._offset = offset
        if before is not None:
            expected = (before - CLOCK_JUMP_S, before + CLOCK_JUMP_S)
            text = f"the wall clock was moved by {offset - before:+.1f} s"
            yield Exact("system.clock.offset", None, offset, expected, "warning", text)


def _times(snapshot: Snapshot) -> Iterator[Exact]:
    """No batch can have taken longer than the run; a stage of which that is told has a clock that is set."""
    for stage in snapshot.stages:
        if stage.latency is None:
            continue
        longest, run = stage.latency.max, (snapshot.elapsed_s + LATE_S) * 1000
        text = f"a batch is said to have taken {seconds(longest / 1000)} in {stage.name}, longer than the run"
        yield Exact("pipeline.stage.latency", stage.name, longest, (None, run), "critical", text)


def _objects(snapshot: Snapshot) -> Iterator[Exact]:
    for stage in snapshot.stages:
        text = f"{plural(stage.shared, 'record')} that {stage.name} gave on are the same object as another"
        yield Exact("pipeline.stage.records.shared", stage.name, stage.shared, (None, 0.0), "warning", text)


def _ledger(snapshot: Snapshot) -> Iterator[Exact]:
    records = snapshot.records
    known = records.delivered + records.filtered + records.rejected + records.in_flight + records.lost
    yield Exact(
        "pipeline.records.read",
        None,
        records.read,
        (known, known),
        "critical",
        f"{plural(records.read, 'record')} read, and {count(known)} accounted for",
    )
    for metric, value, what in (
        ("pipeline.records.lost", records.lost, "lost"),
        ("pipeline.records.duplicated", records.duplicated, "duplicated"),
    ):
        yield Exact(metric, None, value, (None, 0.0), "critical", f"{plural(value, 'record')} {what}")
