"""What a run has to live with and its own counts do not show, in words: the collector, the machine, bursts.

None of it is a fault of the run, so none of it changes its status. Each is told while it goes on, when it is
clearly beyond what is ordinary and lasts.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import pairwise

from metrics.crowd import OWN_CORES, STOLEN
from metrics.format import number, percent, plural, rate
from metrics.snapshot import Snapshot
from metrics.window import TICK_S

LASTS_S = 8.0
"""It must have been so for so long."""
OVER_S = 10.0
"""And it is over when it was not so for so long."""

COLLECTOR_OVER_S = 10.0
COLLECTOR_SHARE = 0.15
"""A program that makes many objects spends some hundredths of its time in the cyclic collector."""

WAITING = 0.25
"""So many of the run's threads are ready and wait for a processor."""

TICKS = round(30.0 / TICK_S)
"""So much of the last reading is looked at."""
SILENT = 0.25
BURSTS = 5
BURST_RECORDS = 20
BLOCKED = 0.1


class Circumstances:
    """Looks at snapshots, about one a fifth of a second; for one thread."""

    def __init__(self) -> None:
        self.news: list[str] = []
        """What began or ended since somebody emptied it."""
        self._collector: deque[tuple[float, float, int]] = deque()
        self._since: dict[str, float] = {}
        self._last: dict[str, float] = {}
        self._told: dict[str, str] = {}

    def look(self, snapshot: Snapshot, reads: Sequence[float]) -> tuple[str, ...]:
        """What there is to say now. ``reads`` are the records read a second in the ticks of the last minute
        (see :class:`metrics.window.Window`), oldest first."""
        at = snapshot.elapsed_s
        if snapshot.phase != "running":
            self._collector.clear()
            self._since.clear()
            self._told.clear()
            return ()
        found = dict(self._found(snapshot, reads))
        for what, words in found.items():
            self._last[what] = at
            if at - self._since.setdefault(what, at) >= LASTS_S and what not in self._told:
                self._told[what] = words
                self.news.append(words)
        for what in [each for each in self._since if each not in found]:
            if what not in self._told:
                del self._since[what]
            elif at - self._last[what] >= OVER_S:
                self.news.append(f"no longer: {self._told.pop(what)}")
                del self._since[what]
        return tuple(self._told.values())

    def _found(self, snapshot: Snapshot, reads: Sequence[float]) -> Iterator[tuple[str, str]]:
        for what, words in (
            ("collector", self._of_the_collector(snapshot)),
            ("machine", _of_the_machine(snapshot)),
            ("bursts", _of_bursts(snapshot, reads)),
        ):
            if words is not None:
                yield what, words

    def _of_the_collector(self, snapshot: Snapshot) -> str | None:
        resources, at = snapshot.resources, snapshot.elapsed_s
        seen = self._collector
        seen.append((at, resources.gc_pause_s, resources.gc_collections))
        while len(seen) > 2 and seen[1][0] <= at - COLLECTOR_OVER_S:
            seen.popleft()
        began, pause_s, collections = seen[0]
        took = at - began
        if took < COLLECTOR_OVER_S / 2:
            return None
        share = (resources.gc_pause_s - pause_s) / took
        if share < COLLECTOR_SHARE:
            return None
        times = (resources.gc_collections - collections) / took
        return (
            f"Python's cyclic collector takes {percent(share, 0)} of the time "
            f"({rate(times)} collections a second)"
        )


def _of_the_machine(snapshot: Snapshot) -> str | None:
    resources = snapshot.resources
    if resources.steal is not None and resources.steal >= STOLEN:
        return (
            f"other guests of the machine's hypervisor take {percent(resources.steal, 0)} of the processors"
        )
    waits, own = resources.run_wait, resources.cpu
    if waits is None or own is None or own >= OWN_CORES or waits < WAITING or waits < own:
        return None
    return (
        f"other programs take the processors: on average {number(round(waits, 2))} of the run's threads are "
        f"ready and wait, while it uses {number(round(own, 2))} of a processor"
    )


def _of_bursts(snapshot: Snapshot, reads: Sequence[float]) -> str | None:
    """Reading that stops and goes by itself: not by a limit on the rate, and not held up by a stage."""
    ticks = reads[-TICKS:]
    if snapshot.rate_limit is not None or len(ticks) < TICKS or not snapshot.stages:
        return None
    recent = snapshot.stages[0].recent
    if recent is None or recent.blocked is None or recent.blocked >= BLOCKED:
        return None
    loud = [each for each in ticks if each]
    silent = 1 - len(loud) / len(ticks)
    bursts = sum(1 for before, after in pairwise((0.0, *ticks)) if after and not before)
    if silent < SILENT or bursts < BURSTS or sum(loud) * TICK_S < BURST_RECORDS * len(loud):
        return None
    records = round(sum(loud) * TICK_S / bursts)
    seconds = len(ticks) * TICK_S / bursts
    return (
        f"the input comes in bursts: about {plural(records, 'record')} every {number(round(seconds, 1))} s, "
        "and nothing in between"
    )
