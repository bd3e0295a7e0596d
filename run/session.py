"""One run, assembled: the engine, its threads, and the collector that watches it."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from metrics.collector import Collector
from metrics.definitions.thresholds import Threshold
from metrics.definitions.thresholds import parse as parse_threshold
from metrics.findings import Diagnosis
from metrics.heap.watch import HeapWatch
from metrics.memory import MemorySampler
from metrics.report import RunReport
from metrics.report.baseline import Baseline
from metrics.snapshot import Snapshot
from metrics.trend import Trend
from metrics.verdict import exit_code, judge
from metrics.vitals import Vitals
from pipeline.checkpoint import CheckpointStore
from pipeline.clock import Clock, SystemClock
from pipeline.engine import Engine, Options
from pipeline.errors import ConfigurationError
from pipeline.events import EventBus
from pipeline.pipeline import INGESTION, OUTPUT, Pipeline
from pipeline.replay import Replay
from pipeline.threads import ThreadDriver, spawn, spawn_detached
from run import exit_codes
from run.books import EngineBooks, sink_info
from run.diagnosing import Diagnosing
from run.dlq.live_letters import LiveLetters
from run.live import FaultChoice, LetterLine, LiveRun, Power, Resends, Resent
from run.log_ring import LogRing
from run.recording.recorder import Recorder
from run.tampering import Tampering

CLOSE_S = 5.0
"""How long the collector may take over its last snapshot."""


class Session(LiveRun):
    """A run that a front end starts, watches and steers (see :class:`run.live.LiveRun`)."""

    def __init__(
        self,
        pipeline: Pipeline,
        options: Options,
        *,
        fail_if: Sequence[str] = (),
        duration: float | None = None,
        store: CheckpointStore | None = None,
        replay: Replay | None = None,
        drain_timeout: float = 60.0,
        record: Path | None = None,
        faults: Sequence[str] = (),
        baseline: Baseline | None = None,
        target: str | None = None,
        resends: Resends | None = None,
        clock: Clock | None = None,
    ) -> None:
        """``duration`` is in seconds; after it the run drains. ``fail_if`` are threshold expressions.
        ``store`` keeps the progress. With ``replay`` dead letters are read, and nothing else. After
        ``drain_timeout`` seconds a run that is to end is given up. The last minutes are always recorded in
        memory, the whole run where ``record`` names a file. ``faults`` are put in on purpose, written as for
        ``--fault``. ``baseline`` is the report of an earlier run, to compare with.
        ``target`` is the file that defines the pipeline, as on the command line, so that it can be diagnosed.
        ``resends`` sends dead letters again when the run is over.

        Raises :class:`~pipeline.errors.ConfigurationError` where the run cannot begin.
        """
        self._duration = duration
        self._resends = resends
        self._baseline = baseline
        self._drain_timeout = drain_timeout
        self._drained = threading.Lock()
        self.clock = clock or SystemClock()
        self.options = options
        bus = EventBus()
        self.engine = Engine(pipeline, options, self.clock, bus, spawn_detached, store, replay)
        names = [stage.name for stage in self.engine.stages]
        self.thresholds: list[Threshold] = [parse_threshold(text, names) for text in fail_if]
        self._tampering = Tampering(self.engine, self.clock, faults)
        self._wake = threading.Event()
        self._began = self.clock.monotonic()
        self._letters = LiveLetters(lambda: self.engine.dead_letters.path)
        self._log = LogRing(lambda: self.clock.monotonic() - self._began)
        # Before the first look at memory and open files, which it is to be part of.
        self.recorder = Recorder(
            self.clock,
            # What is kept in memory is for those who watch; a file is somebody who does.
            (lambda: self.snapshot) if record is not None else (lambda: self.latest),
            lambda text: self._collector.note("warning", text),
            pipeline=pipeline.name,
            seed=options.seed,
            pid=os.getpid(),
            path=record,
        )
        self._driver = ThreadDriver(self.engine, self.clock)
        self._heap = HeapWatch(
            self.clock,
            self._roots,
            lambda: self.engine.pipeline.watched,
            output=OUTPUT,
            seed=options.seed,
            arrangement=self.engine.arrangement,
        )
        bus.attach(self._heap)
        self._memory = MemorySampler(heap=self._heap)
        self._collector = Collector(
            self.clock,
            bus.subscribe(wake=self._wake.set),
            EngineBooks(self.engine),
            self._memory,
            pipeline=pipeline.name,
            rate_limit=options.rate,
            thresholds=self.thresholds,
            log=lambda: self._log.lines,
            faults=self._tampering.states,
            looks=self.engine.tap.samples,
            vitals=Vitals(self.clock, folder=self._folder),
            threads=self._driver.threads,
        )
        self._stop = threading.Event()
        self._closed = threading.Event()
        self._signal: int | None = None
        self._watching: threading.Thread | None = None
        self._heaping: threading.Thread | None = None
        self._diagnosing = (
            Diagnosing(target, self.clock, self._tampering.states) if target is not None else None
        )
        self._shown: tuple[Snapshot, Diagnosis | None, Snapshot] | None = None
        self.started_at: datetime = self.clock.wall()

    @property
    def _folder(self) -> str:
        """Where the output goes; where that is no folder, the dead letters."""
        return self.engine.sink.folder or str(self.engine.dead_letters.path.parent)

    # What a front end asks for

    @property
    def snapshot(self) -> Snapshot:
        """The newest state; whoever asks is watching, and finds a newer one a fifth of a second later."""
        self._collector.look()
        return self.latest

    @property
    def latest(self) -> Snapshot:
        """The newest state, for those who do not watch: while nobody does, it is up to a second old."""
        newest = self._collector.snapshot
        found = self._diagnosing.found if self._diagnosing is not None else None
        if found is None:
            return newest
        shown = self._shown
        if shown is None or shown[0] is not newest or shown[1] is not found:
            self._shown = shown = (newest, found, replace(newest, diagnosis=found))
        return shown[2]

    @property
    def finished(self) -> bool:
        """Whether the run is over and :attr:`snapshot` is its last word."""
        return self._closed.is_set()

    @property
    def resident_trend(self) -> Trend:
        """What the resident set alone says of the memory."""
        return self._memory.trend

    @property
    def cut_short(self) -> bool:
        """Whether it was told to end, and did not just come to its end."""
        control = self.engine.control
        return control.draining or control.aborted

    def pause(self) -> None:
        """Let every stage stop after the batch at hand."""
        self.engine.pause()

    def resume(self) -> None:
        """Go on."""
        self.engine.resume()

    def step_record(self) -> None:
        """Pause, and move one record one hop on."""
        self.engine.step_record()

    def step_batch(self) -> None:
        """Pause, and move one batch one hop on."""
        self.engine.step_batch()

    def set_rate(self, records_per_s: float | None) -> None:
        """Limit the rate of reading; None lifts the limit."""
        self.engine.set_rate(records_per_s)

    def tap(self, on: bool) -> None:
        """Begin, or stop, to show sampled records in snapshots."""
        self.engine.tap.switch(on)

    def follow(self, id: str | None) -> None:
        """Show this record at every stage that it comes to; None follows no record."""
        self.engine.tap.follow(id)

    def drain(self) -> None:
        """Read no more, finish what is in flight, then end; what takes too long is given up."""
        if self._drained.acquire(blocking=False):
            spawn("drain deadline", self._give_up_in_time)
        self.engine.drain()

    def abort(self) -> None:
        """End now."""
        self.engine.abort()
        self._tampering.stop_waiting()

    @property
    def powers(self) -> frozenset[Power]:
        """What may be asked of this run."""
        mine: set[Power] = {"steer", "census", "inject", "tap", "letters", "record"}
        if self._diagnosing is not None:
            mine.add("diagnose")
        if self._resends is not None:
            mine.add("resend")
        return frozenset(mine)

    def diagnose(self) -> None:
        """Look for the cause of what is wrong, by trials in other processes."""
        self.diagnosing.begin()

    @property
    def diagnosing(self) -> Diagnosing:
        """The diagnosis of this run. Raises ConfigurationError where there is no file to run trials of."""
        if self._diagnosing is None:
            raise ConfigurationError("the demo cannot be diagnosed; a pipeline file can: run FILE")
        return self._diagnosing

    def faults(self) -> Sequence[FaultChoice]:
        """What can be put in, and where."""
        return self._tampering.choices()

    def inject(self, fault: str) -> None:
        """Put a fault in, written as for ``--fault``."""
        self._tampering.add(fault)

    def letters(self, match: str, first: int, count: int) -> Sequence[LetterLine]:
        """Rejected records whose id, stage or reason contains ``match``, the oldest first."""
        return self._letters.letters(match, first, count)

    def letter(self, id: str) -> str:
        """All that is known of one rejected record."""
        return self._letters.letter(id)

    def resend_letters(self, ids: Sequence[str]) -> None:
        """When the run is over: send these dead letters again, without ``ids`` all."""
        if self._resends is None:
            raise ConfigurationError("this run keeps no progress to which their rows could be added")
        if not self.finished:
            raise ConfigurationError(
                "the run still writes its dead letters; they can be sent when it is over"
            )
        self._resends.begin(ids)

    @property
    def resent(self) -> Resent | None:
        """How the last order to send dead letters again stands."""
        return self._resends.resent if self._resends is not None else None

    def save_recording(self, path: str) -> None:
        """Write the last minutes to a file that ``replay`` reads."""
        self.recorder.save(Path(path))

    def lift_faults(self) -> None:
        """Take out every fault that is at work."""
        self._tampering.lift()

    def take_census(self) -> None:
        """Count the live objects; a later snapshot has the result."""
        self._heap.take_census()

    def printed(self, lines: Sequence[str]) -> None:
        """Keep lines that were printed while a screen held the output."""
        self._log.printed(lines)

    # The life of a run

    def start(self) -> None:
        """Begin; returns at once."""
        self.started_at = self.clock.wall()
        self._began = self.clock.monotonic()
        self._collector.begin()
        self._watching = spawn("collector", lambda: self._collector.run(self._stop, self._wake))
        self._log.open()
        self.recorder.start(self.started_at)
        self._tampering.begin()
        self._heap.begin()
        self._heaping = spawn("memory", lambda: self._heap.run(self._stop))
        self._driver.start()
        spawn("closer", self._close)
        if self._duration is not None:
            spawn("timer", self._end_in_time)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the run is over; tell whether it is."""
        return self._closed.wait(timeout)

    def interrupted_by(self, signal_number: int) -> None:
        """Note which signal ended the run early."""
        self._signal = self._signal or signal_number

    def report(self) -> RunReport:
        """What there is to say about the run when it is over."""
        results = self._collector.threshold_results
        # The signal may have become known only after the run that it ended.
        comparison = self._baseline.compare(self.snapshot) if self._baseline is not None else None
        snapshot = judge(self.snapshot, results, comparison, interrupted=self._signal is not None)
        interrupted = exit_codes.of_signal(self._signal) if self._signal is not None else None
        return RunReport(
            snapshot=snapshot,
            started_at=self.started_at,
            duration_s=snapshot.elapsed_s,
            seed=self.options.seed,
            exit_code=exit_code(snapshot, results, interrupted),
            thresholds=results,
            dead_letters=str(self.engine.dead_letters.path) if snapshot.records.rejected else None,
            sink=sink_info(self.engine),
            history=self._collector.history,
            comparison=comparison,
        )

    def _roots(self) -> dict[str, list[object]]:
        """By stage, what runs in it now: where containers of the user's are reached from."""
        found = self.engine.at_work()
        found[INGESTION] = [*(spec.source for spec in self.engine.pipeline.sources), *found[INGESTION]]
        return found

    def _end_in_time(self) -> None:
        assert self._duration is not None
        if not self.clock.sleep(self._closed, self._duration):
            self.drain()

    def _give_up_in_time(self) -> None:
        if not self.clock.sleep(self._closed, self._drain_timeout):
            self.engine.give_up(self._drain_timeout)

    def _close(self) -> None:
        self._driver.wait()
        for name in self._driver.abandoned:
            self._collector.note("error", f"{name} did not stop in time and was left behind")
        self._stop.set()
        self._wake.set()
        # The last fold is for one thread alone: two would share the events between them.
        for thread in (self._watching, self._heaping):
            if thread is not None:
                thread.join(CLOSE_S)
        self._heap.finish()
        self.recorder.stop()
        self._log.close()
        self._collector.finish(interrupted=self._signal is not None)
        # Behind the last look at files and threads: what a fault left open was there at the end of the run.
        self._tampering.finish()
        self._closed.set()
