"""Folds a run's events into snapshots. It starts no thread; whoever owns threads runs :meth:`run`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

from metrics import rows
from metrics.anomalies import Watch
from metrics.books import Books, PartitionCount, QueueCount
from metrics.circumstances import Circumstances
from metrics.definitions.thresholds import Threshold, ThresholdResult
from metrics.fold import RunFold, Severity
from metrics.health import consequences
from metrics.lanes import bottleneck
from metrics.memory import MemorySampler
from metrics.progress import input_progress
from metrics.report.history import History, Line
from metrics.snapshot import FaultState, LogLine, Snapshot
from metrics.taps import samples
from metrics.verdict import judge
from metrics.vitals import Vitals
from metrics.vitals.standstill import Standstill
from metrics.vitals.thread_watch import ThreadWatch
from pipeline.clock import Clock
from pipeline.events import Subscription
from pipeline.tap import Look
from pipeline.thread_facts import ThreadFact

__all__ = ["Books", "Collector", "PartitionCount", "QueueCount"]

TICK_S = 0.1
PUBLISH_S = 0.2
"""A snapshot costs more than folding does, and nobody looks more often. While nobody looks at all, there is
one in each second of the run, for what is kept of it: anomalies and history."""
SETTLE_IN_S = 2.0
"""How long a run goes on before a bottleneck is named."""


class Collector:
    """One run's numbers. :attr:`snapshot` is replaced as a whole, so that any thread may read it.

    ``step``, ``run`` and ``finish`` are for one thread at a time.
    """

    def __init__(
        self,
        clock: Clock,
        subscription: Subscription,
        books: Books,
        memory: MemorySampler,
        *,
        pipeline: str = "",
        rate_limit: float | None = None,
        thresholds: Sequence[Threshold] = (),
        log: Callable[[], tuple[LogLine, ...]] = tuple,
        faults: Callable[[], tuple[FaultState, ...]] = tuple,
        looks: Callable[[], Sequence[Look]] = tuple,
        vitals: Vitals | None = None,
        threads: Callable[[], Sequence[ThreadFact]] = tuple,
    ) -> None:
        """``log`` gives the last lines that the pipeline logged, ``faults`` what was put in on purpose,
        ``looks`` the newest looks at records, ``threads`` the engine's threads as it knows them."""
        self._faults = faults
        self._clock = clock
        self._log = log
        self._subscription = subscription
        self._books = books
        self._memory = memory
        self._vitals = vitals or Vitals(clock)
        self._threads = ThreadWatch(threads)
        self._standstill = Standstill()
        self._circumstances = Circumstances()
        self._thresholds = tuple(thresholds)
        self._looks = looks
        self._watch = Watch()
        self._history = History()
        self._fold = RunFold(pipeline, clock.monotonic(), rate_limit)
        self._heard_at = clock.monotonic()
        self._events_lost = 0
        self._told_lost = 0
        self._looked = False
        self._publish_at = 0.0
        self._second = -1
        self.failures = 0
        """How often folding an event or building a snapshot failed: faults of the monitor."""
        self.threshold_results: tuple[ThresholdResult, ...] = ()
        """What the thresholds say, once :meth:`finish` was called."""
        self.snapshot = self._build(clock.monotonic())

    def begin(self) -> None:
        """The run begins, but has opened nothing yet; :meth:`run` sees to it where nobody did."""
        self._vitals.begin()

    def run(self, stop: threading.Event, wake: threading.Event | None = None) -> None:
        """Fold ten times a second and publish five times (once while nobody looks), until ``stop`` is set;
        missed ticks are left out.

        ``wake`` (give its ``set`` to the subscription) brings a step forward when many events
        wait; whoever sets ``stop`` sets it too.
        """
        self.begin()
        alarm = wake or stop
        due = self._clock.monotonic() + TICK_S
        while not stop.is_set():
            self._clock.sleep(alarm, max(0.0, due - self._clock.monotonic()))
            if stop.is_set():
                return
            if wake is not None:
                wake.clear()
            now = self._clock.monotonic()
            self.step(now, publish=self._publish_due(now))
            if now >= due:
                due += TICK_S * (1 + int((now - due) / TICK_S))

    def step(self, now: float, *, publish: bool = True) -> None:
        """Fold every event that waits and publish a snapshot. Never raises: failures are counted."""
        self._take_events(now)
        try:
            self._sample(now)
            if publish:
                self.snapshot = self._build(now)
        except Exception as error:  # noqa: BLE001 - what watches a run must not end with one bad reading
            self._failed(now, "a snapshot", error)
            self.snapshot = replace(self.snapshot, notices=tuple(self._fold.notices))

    def look(self) -> Snapshot:
        """:attr:`snapshot`, for somebody who is watching: as long as this is called, there soon is a newer
        one. For any thread."""
        self._looked = True
        return self.snapshot

    def finish(self, *, interrupted: bool = False) -> Snapshot:
        """The last snapshot, with thresholds judged; call it when the engine has stopped.

        ``interrupted`` tells that a signal or the user ended the run early; a run that ended
        incomplete without a failure counts as interrupted too. Raises what goes wrong.
        """
        now = self._clock.monotonic()
        self._take_events(now)
        self._sample(now, last=True)
        self._vitals.end()
        self._memory.judge()
        fold = self._fold
        fold.phase = "ended"
        if fold.ended_at is None:
            fold.ended_at = max(now, fold.latest)
            if fold.problem is None and not self._subscription.lost:
                fold.problem = "the engine stopped without saying that the run has ended"
        cut_short = interrupted or (not fold.complete and fold.problem is None)
        last = self._build(now)
        self.threshold_results = tuple(threshold.evaluate(last) for threshold in self._thresholds)
        self.snapshot = judge(last, self.threshold_results, interrupted=cut_short)
        return self.snapshot

    @property
    def history(self) -> tuple[Line, ...]:
        """How the run went so far, for its report."""
        return self._history.lines

    def note(self, severity: Severity, text: str) -> None:
        """Show a line in the events panel."""
        self._fold.note(self._clock.monotonic(), severity, text)

    def _publish_due(self, now: float) -> bool:
        second = int(now - self._fold.started_at)
        if second == self._second and not (self._looked and now >= self._publish_at):
            return False
        self._second, self._looked = second, False
        self._publish_at = now + PUBLISH_S - TICK_S / 2
        return True

    def _sample(self, now: float, *, last: bool = False) -> None:
        self._memory.sample(self._fold.read)
        self._vitals.sample(now, last=last)
        self._threads.look(now, self._vitals.scheduling)
        moved = {name: stage.taken + stage.rejected for name, stage in self._fold.stages.items()}
        at_rest = last or self._fold.phase == "paused"
        self._standstill.look(now, moved, self._threads.states, paused=at_rest)
        for queue in self._books.queues():
            stage = self._fold.stages.get(queue.stage)
            if stage is not None:
                stage.queue_fill.set(now, queue.fill)

    def _take_events(self, now: float) -> None:
        events = self._subscription.drain()
        if events:
            self._heard_at = now
        for event in events:
            try:
                self._fold.fold(event)
            except Exception as error:  # noqa: BLE001 - the events after it are as good as before
                self._failed(now, f"a {type(event).__name__} event", error)
                self._events_lost += 1
        lost = self._subscription.lost
        if lost > self._told_lost:
            self.note("warning", f"{lost - self._told_lost:,} events came faster than they could be folded")
            self._told_lost = lost

    def _failed(self, now: float, what: str, error: Exception) -> None:
        self.failures += 1
        self._fold.note(now, "error", f"the monitor failed on {what}: {type(error).__name__}: {error}")

    def _build(self, now: float) -> Snapshot:
        fold = self._fold
        now = max(now, fold.latest) if fold.ended_at is None else fold.ended_at
        queues = self._books.queues()
        records, lines = self._books.ledger()
        sources = rows.sources(fold.partitions, lines, now)
        fold.oldest_s = max([fold.oldest_s, *(each.watermark_age_s or 0.0 for each in sources)])
        latency, histogram = fold.latency.shape(now, fresh=fold.ended_at is not None)
        read_share = input_progress(list(fold.partitions.values()), fold.limit)
        snapshot = Snapshot(
            pipeline=fold.pipeline,
            status="healthy",
            reasons=(),
            phase=fold.phase,
            elapsed_s=max(0.0, now - fold.started_at),
            records=records,
            sources=sources,
            stages=rows.stages(fold, self._books, queues, now, read_share, self._standstill.since),
            throughput=fold.settled.measure(now),
            latency=latency,
            error_rate=rows.error_rate(records),
            memory=self._memory.memory,
            resources=self._vitals.resources,
            rejections=fold.rejections(),
            notices=tuple(fold.notices),
            rate_history=fold.history.history(now),
            rate_limit=fold.rate_limit,
            progress=read_share,
            disagreements=rows.disagreements(
                fold, self._books, records, queues, lines, quiet_s=now - self._heard_at
            ),
            events_lost=self._subscription.lost + self._events_lost,
            problem=fold.problem,
            traceback=fold.traceback,
            log=self._log(),
            faults=self._faults(),
            taps=samples(self._looks(), fold.started_at),
            threads=self._threads.states,
            histogram=histogram,
            recent=fold.recent.measure(now),
            watermark_age_peak_s=fold.oldest_s,
        )
        self._history.look(snapshot)
        snapshot = judge(replace(snapshot, anomalies=self._watch.look(snapshot)))
        for severity, text in self._watch.news:
            fold.note(now, severity, text)
        self._watch.news.clear()
        around = self._circumstances.look(snapshot, fold.reads.history(now))
        for text in self._circumstances.news:
            fold.note(now, "info", text)
        self._circumstances.news.clear()
        snapshot = replace(snapshot, reasons=(*snapshot.reasons, *around))
        if fold.phase == "running" and snapshot.elapsed_s >= SETTLE_IN_S:
            words = bottleneck(fold.stages.values(), {queue.stage: queue for queue in queues}, now)
            # A rate limit holds the first stage up on purpose.
            if words is not None and fold.rate_limit is None:
                words = consequences(words, snapshot.stages)
                snapshot = replace(snapshot, reasons=(*snapshot.reasons, words), bottleneck=words)
        return snapshot
