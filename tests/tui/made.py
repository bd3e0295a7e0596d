"""Snapshots made by hand, and a run that serves them; no engine is needed to test a screen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from metrics.memory_state import MemoryState
from metrics.snapshot import (
    Latency,
    Notice,
    QueueState,
    Reason,
    Records,
    Resources,
    Snapshot,
    SourceState,
    StageState,
    Throughput,
)
from pipeline.errors import ConfigurationError
from run.live import FaultChoice, LetterLine, LiveRun, Mark, Playhead, Power, Resent

LATENCY = Latency(count=990, mean=45.0, p50=40.0, p95=88.0, p99=120.0, max=300.0)


def stage(name: str, **changes: object) -> StageState:
    """A stage that has done half of its work."""
    base = StageState(
        name=name,
        kind="function",
        workers=1,
        chained=False,
        taken=500,
        given=490,
        filtered=6,
        rejected=4,
        created=0,
        held=0,
        lost=0,
        rate=16.7,
        latency=LATENCY,
        busy=0.5,
        idle=0.3,
        blocked=0.2,
        progress=0.5,
        queue=QueueState(size=10, capacity=100, peak=60, size_bytes=1000),
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def snapshot(**changes: object) -> Snapshot:
    """A healthy run, halfway through."""
    base = Snapshot(
        pipeline="orders",
        status="healthy",
        reasons=(),
        phase="running",
        elapsed_s=30.0,
        records=records(),
        sources=(SourceState("orders", "a.jsonl", 500, 480, 6, 4, 10, 0, 1000, False, None),),
        stages=tuple(stage(name) for name in ("ingestion", "validation", "transform", "output")),
        throughput=Throughput(1000, 60.0, 16.7),
        latency=LATENCY,
        error_rate=0.008,
        memory=MemoryState(
            44_000_000, 45_000_000, 46_000_000, 0.0, "stable", (44_000_000, 46_000_000, 45_000_000)
        ),
        resources=Resources(10, 12, 5, 9),
        rejections=(Reason("validation", "amount is not a number", 4),),
        notices=(Notice(0.1, "info", "run started"), Notice(5.0, "warning", "transform is slow")),
        rate_history=(16.0, 17.0, 16.5),
        rate_limit=None,
        progress=0.5,
        disagreements=(),
        events_lost=0,
        problem=None,
        traceback=None,
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def records(**changes: object) -> Records:
    base = Records(500, 480, 6, 4, 10, 0, 0, (), (), truncated=False)
    return replace(base, **changes)  # type: ignore[arg-type]


def ended(**changes: object) -> Snapshot:
    """A run that is over and sound."""
    done = tuple(stage(name, progress=1.0, taken=1000) for name in ("ingestion", "validation", "output"))
    base = snapshot(
        phase="ended",
        elapsed_s=60.0,
        progress=1.0,
        records=records(read=1000, delivered=1000, filtered=0, rejected=0, in_flight=0),
        stages=done,
    )
    return replace(base, **changes)  # type: ignore[arg-type]


EVERYTHING: frozenset[Power] = frozenset({"steer", "inject", "census", "diagnose", "tap", "letters"})
PARAMS = (("rate", "1"), ("intensity", "medium"), ("after", "0s"), ("for", ""), ("seed", "0"))
FAULTS = (
    FaultChoice("leak.dict", "A dict is never cleared.", "memory grows", PARAMS, ("validation", "transform")),
    FaultChoice("lookalike.slow_sink", "The sink is slow.", "the queue fills", PARAMS, ("output",)),
)
LETTERS = tuple(
    LetterLine(f"orders/a.jsonl:{number}", "validation", "amount is not a number", 1) for number in range(40)
)


class FakeRun(LiveRun):
    """Serves the snapshot it is given, and writes down what it is asked for."""

    # In place of the properties, so that they can be set.
    snapshot: Snapshot = snapshot()
    finished: bool = False
    resent: Resent | None = None

    def __init__(self, first: Snapshot | None = None) -> None:
        self.snapshot = first or FakeRun.snapshot
        self.finished = self.snapshot.phase == "ended"
        self.calls: list[object] = []
        self.able: frozenset[Power] = EVERYTHING
        self.ours = True
        self.refuses = ""
        """Why it does nothing that is asked of it, if it does not."""

    @property
    def powers(self) -> frozenset[Power]:
        return self.able

    @property
    def owned(self) -> bool:
        return self.ours

    def show(self, **changes: object) -> None:
        self.snapshot = replace(self.snapshot, **changes)  # type: ignore[arg-type]
        self.finished = self.snapshot.phase == "ended"

    def end(self, last: Snapshot | None = None) -> None:
        self.snapshot = last or ended()
        self.finished = True

    def pause(self) -> None:
        self.calls.append("pause")

    def resume(self) -> None:
        self.calls.append("resume")

    def step_record(self) -> None:
        self.calls.append("step_record")

    def step_batch(self) -> None:
        self.calls.append("step_batch")

    def set_rate(self, records_per_s: float | None) -> None:
        self.calls.append(("set_rate", records_per_s))

    def drain(self) -> None:
        self.calls.append("drain")

    def abort(self) -> None:
        self.calls.append("abort")

    def faults(self) -> Sequence[FaultChoice]:
        return FAULTS

    def inject(self, fault: str) -> None:
        self._ask(("inject", fault))

    def lift_faults(self) -> None:
        self._ask("lift_faults")

    def take_census(self) -> None:
        self._ask("take_census")

    def diagnose(self) -> None:
        self._ask("diagnose")

    def tap(self, on: bool) -> None:
        self._ask(("tap", on))

    def follow(self, id: str | None) -> None:
        self._ask(("follow", id))

    def letters(self, match: str, first: int, count: int) -> Sequence[LetterLine]:
        self._ask(("letters", match))
        return [each for each in LETTERS if match in f"{each.id} {each.stage} {each.reason}"][first:][:count]

    def letter(self, id: str) -> str:
        return f"id: {id}\nreason: amount [b]is[/b] not a number \x1b[31m"

    def resend_letters(self, ids: Sequence[str]) -> None:
        self._ask(("resend_letters", *ids))
        number = self.resent.number + 1 if self.resent is not None else 1
        self.resent = Resent(number, under_way=True, sound=True, text="")

    def _ask(self, what: object) -> None:
        if self.refuses:
            raise ConfigurationError(self.refuses)
        self.calls.append(what)


class FakeRecording(FakeRun):
    """A recording of three moments, ten seconds apart, with a mark at the second one."""

    def __init__(self) -> None:
        super().__init__()
        self.able = frozenset({"seek"})
        self.ours = False
        self.frames = [replace(snapshot(), elapsed_s=seconds) for seconds in (10.0, 20.0, 30.0)]
        self.at = 0
        self.playing = True
        self.times = 1.0
        self._stand(0)

    @property
    def playhead(self) -> Playhead:
        marks = (Mark(20.0, "anomaly", "rate fell"),)
        return Playhead(10.0 + 10 * self.at, 10.0, 30.0, self.at, 3, self.playing, self.times, True, marks)

    def play(self, on: bool) -> None:
        self.playing = on

    def set_speed(self, times: float) -> None:
        self.times = times

    def step_frame(self, frames: int) -> None:
        self._stand(self.at + frames)

    def seek(self, at_s: float) -> None:
        self._stand(round((at_s - 10) / 10))

    def seek_mark(self, marks: int) -> Mark | None:
        if (marks > 0) == (self.at < 1):
            self._stand(1)
            return self.playhead.marks[0]
        return None

    def _stand(self, at: int) -> None:
        self.at = max(0, min(2, at))
        self.snapshot = self.frames[self.at]
        self.finished = self.at == 2
