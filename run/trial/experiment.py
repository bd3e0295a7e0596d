"""One experiment: a pipeline put together with one thing changed, watched, and what it showed."""

from __future__ import annotations

import re
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from diagnosis.change import Change
from diagnosis.observation import (
    Container,
    Growth,
    Observation,
    Opened,
    Rejected,
    StageTimes,
    ThreadStack,
)
from diagnosis.symptoms import NAMED
from pipeline.dead_letters import read as read_letters
from pipeline.engine import Engine
from pipeline.pipeline import INGESTION, OUTPUT
from pipeline.tasks.writer import Writer
from run import loader
from run.trial import dates
from run.trial.apply import Applied, is_own
from run.trial.containers import Holder, StageRoot, discover, files_of, user_modules, user_of
from run.trial.delay import install as install_delays
from run.trial.driving import Ran, serial, threaded
from run.trial.files import UserFiles, patch
from run.trial.opened import OpenWatch
from run.trial.remembered import Memory
from run.trial.shapes import shapes_of
from run.trial.sink import Seen
from run.trial.timing import TrialClock, UserTime, seed_chance
from run.trial.uncollected import Uncollected, files_of_class
from run.trial.watch import Watch, run_wait

MOST_WAIT = 0.9
"""Of the time without progress, at most this share may be waiting for a processor."""
LEAST_LOOKS = 0.6
"""Of the looks that the watchdog would take in that time, on a machine with room for it."""
STALLED_S = 4.0
"""So long without any progress is a stall."""
COLLECT_AT = 5
"""Garbage is collected at every so many-th batch, where it is to be collected all the time: it takes long."""
_POLL_S = 0.05
_REASONS = 20
_PLACE = re.compile(r'File "([^"]+)", line (\d+)')
_NUMBERS = re.compile(r"0x[0-9a-f]+|\d+(\.\d+)?")


def _ours(trace: str | None) -> bool:
    """Whether what ended the run came out of the measuring instruments."""
    places = _PLACE.findall(trace or "")
    return bool(places) and "/run/trial" in places[-1][0]


@dataclass(slots=True)
class _Seen:
    """What came up while it ran."""

    stalled: bool = False
    over: threading.Event = field(default_factory=threading.Event)
    stacks: tuple[ThreadStack, ...] = ()
    dead: list[str] = field(default_factory=list)
    last: _Last | None = None


@dataclass(frozen=True, slots=True)
class _Last:
    """What was there when the last record was settled, and nothing was let go of yet."""

    containers: tuple[Container, ...]
    growth: tuple[Growth, ...]
    opened: tuple[Opened, ...]
    unwritten: dict[str, str]


class Trial:
    """One run of a pipeline with one thing changed."""

    def __init__(self, target: str, change: Change, stalled_after: float) -> None:
        self._target = target
        self._change = change
        self._stalled_after = stalled_after
        self._main = str(Path(target if Path(target).exists() else target.rpartition(":")[0]).resolve())
        self._files = UserFiles(self._main)
        self._clock = TrialClock()
        self._time = UserTime(self._files, change.clock)
        self._homes: dict[str, str] = {}
        self._roots: Callable[[], list[StageRoot]] = list
        self._seen = _Seen()

    def run(self) -> Observation:
        change = self._change
        if change.seeded:
            seed_chance(change.seed)
        self._time.install()
        dates.install(self._files, self._time.ask)
        install_delays(change.delays)
        threading.excepthook = self._thread_died
        patch(change.patches)
        pipeline = loader.load(self._target)
        pipeline.validate()
        with tempfile.TemporaryDirectory(prefix="trial-") as folder:
            applied = Applied(pipeline, change, Path(folder), self._clock)
            self._opened = OpenWatch(self._files, applied.at_work.now)
            self._opened.install()
            applied.reach_what_comes_later(self._files)
            if change.forget:
                targets = [target for _, target in applied.targets]
                applied.memory = Memory(lambda: user_modules(self._files), change.forget, targets)
            self._only = applied.targets[0][0] if len(applied.targets) == 1 else None
            run = serial if change.driver == "serial" else threaded
            return self._observe(run(self, applied), applied, Path(folder))

    def _thread_died(self, arguments: threading.ExceptHookArgs) -> None:
        name = arguments.thread.name if arguments.thread is not None else "a thread"
        place = self._place(traceback.extract_tb(arguments.exc_traceback))
        self._seen.dead.append(f"{name}: {arguments.exc_type.__name__}: {arguments.exc_value} at {place}")

    def _place(self, frames: traceback.StackSummary) -> str | None:
        mine = [frame for frame in frames if frame.filename in self._files]
        return f"{mine[-1].filename}:{mine[-1].lineno}" if mine else None

    def watch(self, engine: Engine, applied: Applied, expected: int | None) -> tuple[Watch, Seen]:
        """Put the measuring instruments on an engine that has not begun."""
        uncollected = Uncollected(self._files, self._change.objects, ours=self._change.collector == "off")
        watch = Watch(lambda: self._holders(engine, applied), expected, uncollected)
        self._roots = lambda: self._stage_roots(engine, applied)

        def after(records: int) -> None:
            watch.settled(records)
            self._time.records = watch.records
            for holder in watch.named(self._change.clear):
                holder.clear(self._change.clear_above)
            if self._change.collector == "each_batch" and watch.progress % COLLECT_AT == 0:
                import gc

                gc.collect()

        writer = next(task for task in engine.tasks if isinstance(task, Writer))
        return watch, Seen(writer._committer, after)

    def _holders(self, engine: Engine, applied: Applied) -> list[Holder]:
        """What keeps something, reached from the user's files and from what runs in the stages now."""
        return discover(user_modules(self._files), self._stage_roots(engine, applied))

    def _stage_of_class(self, kind: type) -> str | None:
        """The stage whose code makes objects of a class, as far as names tell."""
        home = next((self._homes[file] for file in files_of_class(kind) if file in self._homes), None)
        return home or user_of(kind.__name__, user_modules(self._files), self._roots()) or self._only

    def _stage_roots(self, engine: Engine, applied: Applied) -> list[StageRoot]:
        roots = [StageRoot(name, target) for name, target in (*applied.targets, *applied.instances)]
        for stage, parts in engine.at_work().items():
            for part in parts:
                roots.append(StageRoot(stage, part))
                for file in files_of(part):
                    if file in self._files and file != self._main:
                        self._homes.setdefault(file, stage)
        if is_own(applied.declared):
            call = getattr(applied.declared, "_call", None)
            roots.append(StageRoot(OUTPUT, call if call is not None else applied.declared))
        for spec in applied.pipeline.sources:
            inner = getattr(spec.source, "_inner", None)
            pairs = getattr(inner, "_pairs", None)
            if inner is not None and not type(inner).__module__.startswith("pipeline."):
                roots.append(StageRoot(INGESTION, inner))
            elif callable(pairs):
                roots.append(StageRoot(INGESTION, pairs))
        return roots

    def _observe(self, ran: Ran, applied: Applied, folder: Path) -> Observation:
        snapshot, watch, delivery = ran.snapshot, ran.watch, ran.delivery
        if _ours(snapshot.traceback):
            raise RuntimeError(f"the trial itself failed: {snapshot.traceback}")
        last = self._seen.last or self.last_look(watch, delivery)
        records = snapshot.records
        duration = watch.batches[-1][1] if watch.batches and ran.ending == "complete" else ran.took_s
        return Observation(
            ending=ran.ending,
            problem=snapshot.problem,
            traceback=snapshot.traceback,
            failed_at=self._failed_at(snapshot.traceback),
            duration_s=max(duration, 1e-4),
            read=records.read,
            delivered=records.delivered,
            filtered=records.filtered,
            rejected=records.rejected,
            in_flight=records.in_flight,
            lost=records.lost,
            duplicated=records.duplicated,
            lost_ids=ran.lost_ids,
            # What is written twice in the sink does not come to it twice.
            duplicated_ids=max(records.duplicated_ids, tuple(delivery.twice), key=len),
            stages=shapes_of(applied),
            times=tuple(
                StageTimes(
                    each.name,
                    each.taken,
                    each.given,
                    each.filtered,
                    each.rejected,
                    each.held,
                    each.lost,
                    (each.latency.mean / 1000 if each.latency else 0.0),
                    each.busy,
                    each.idle,
                    each.blocked,
                    each.latency.max / 1000 if each.latency and self._change.driver == "threads" else 0.0,
                )
                for each in snapshot.stages
            ),
            rejections=self._rejections(applied.pipeline.dead_letters),
            hashes=delivery.hashes,
            containers=last.containers,
            at=tuple(sample.records for sample in watch.samples),
            growth=last.growth,
            opened=last.opened,
            samples=tuple(watch.samples),
            batch_at=tuple(watch.batches),
            clock_reads=dict(self._time.reads),
            stacks=self._seen.stacks,
            machine=watch.machine(folder),
            disagreements=snapshot.disagreements,
            batch_size=delivery.largest,
            files=self._files.seen(),
            unwritten=last.unwritten,
            homes=self._homes,
            sink_name=applied.declared.name,
            sink_waits_s=applied.sink.own_s,
            partitions=tuple(f"{each.name}/{each.partition}" for each in snapshot.sources),
            dead_threads=tuple(self._seen.dead),
            cut=delivery.cut,
            shared=applied.given.found(),
            altered=applied.made.found,
            remembered=applied.memory.found() if applied.memory is not None else (),
        )

    def _failed_at(self, trace: str | None) -> str | None:
        places = [found for found in _PLACE.findall(trace or "") if found[0] in self._files]
        return ":".join(places[-1]) if places else None

    def _rejections(self, path: Path | None) -> tuple[Rejected, ...]:
        if path is None or not path.exists():
            return ()
        ids: dict[tuple[str, str], list[str]] = {}
        example: dict[tuple[str, str], tuple[str, str | None]] = {}
        for letter in read_letters(path):
            key = letter.stage, _NUMBERS.sub("#", letter.reason)[:160]
            if len(ids) >= _REASONS and key not in ids:
                key = letter.stage, "(other reasons)"
            ids.setdefault(key, []).append(letter.id)
            example.setdefault(key, (letter.reason, letter.traceback))
        found = []
        for (stage, _), named in sorted(ids.items(), key=lambda each: -len(each[1])):
            reason, trace = example[stage, _]
            found.append(
                Rejected(
                    stage,
                    reason[:300],
                    len(named),
                    tuple(named[:NAMED]),
                    self._failed_at(trace),
                    trace is not None,
                )
            )
        return tuple(found)

    def see_to_it(
        self,
        watch: Watch,
        applied: Applied,
        progress: Callable[[], object],
        stop: Callable[[str], None],
        finished: threading.Event,
    ) -> None:
        """The watchdog: notices a stall, says where every thread stands, and ends the run."""
        last: object = None
        since, waited, looks = self._clock.monotonic(), run_wait(), 0
        limit = self._change.duration_s
        while not self._seen.over.wait(_POLL_S):
            now = self._clock.monotonic()
            state = (progress(), watch.progress)
            if state != last:
                last, since, waited, looks = state, now, run_wait(), 0
            looks += 1
            # Threads that would run and get no processor do not stand still.
            stood = now - since - min(run_wait() - waited, MOST_WAIT * (now - since))
            enough = looks >= self._stalled_after / _POLL_S * LEAST_LOOKS
            if stood >= self._stalled_after and enough and not finished.is_set():
                self._seen.stalled = True
                self._seen.stacks = self._stacks(applied)
                stop("abort")
                return
            if limit is not None and now - watch.began >= limit:
                limit = None
                stop("drain")
            if len(watch.samples) < 8 or now - watch.began - watch.samples[-1].at_s > 1.0:
                watch.sample()

    def _stacks(self, applied: Applied) -> tuple[ThreadStack, ...]:
        found = []
        frames = sys._current_frames()
        for thread in threading.enumerate():
            frame = frames.get(thread.ident or 0)
            mine: list[str] = []
            inner: FrameType | None = frame
            waits = None
            while frame is not None:
                if frame.f_code.co_filename in self._files:
                    mine.append(f"{frame.f_code.co_filename}:{frame.f_lineno} {frame.f_code.co_name}")
                frame = frame.f_back
            if mine and inner is not None:
                waits = f"{Path(inner.f_code.co_filename).name}:{inner.f_lineno} {inner.f_code.co_name}"
            found.append(
                ThreadStack(thread.name, applied.at_work.of(thread.ident), tuple(reversed(mine)), waits)
            )
        return tuple(each for each in found if each.frames or each.stage is not None)

    def last_look(self, watch: Watch, seen: Seen) -> _Last:
        """Look around once more; call it before anything is let go of."""
        if self._seen.last is None:
            watch.sample()
            self._seen.last = _Last(
                watch.containers(lambda _identity: self._only, {id(seen.hashes)}, self._stage_of_class),
                watch.grown(),
                self._opened.opened(),
                self._files.unwritten(),
            )
        return self._seen.last

    # For the two ways to run it

    @property
    def change(self) -> Change:
        return self._change

    @property
    def clock(self) -> TrialClock:
        return self._clock

    @property
    def seen(self) -> _Seen:
        return self._seen
