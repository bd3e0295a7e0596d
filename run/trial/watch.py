"""Samples of a trial while it runs: records, memory, descriptors, threads, containers, kinds of objects."""

from __future__ import annotations

import gc
import os
import sys
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psutil

from diagnosis.observation import Container, Growth, Machine, Sample
from run.trial.containers import Holder, large
from run.trial.opened import count_fds, count_handlers
from run.trial.timing import ALL_CPU_TIME, CPU_TIME, MONOTONIC
from run.trial.uncollected import Uncollected

KEPT = 64
_LOOKS = (0, 3)
"""Before these batches it is looked for what can be watched."""
_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
_GROWN_TYPES = 12
_LARGE = 48


class Watch:
    """What is measured as records are settled. ``settled`` is called by the writer alone."""

    def __init__(
        self, find: Callable[[], list[Holder]], expected: int | None, uncollected: Uncollected
    ) -> None:
        """``find`` gives what there is to watch, as soon as the stages have begun."""
        self._uncollected = uncollected
        self._find = find
        self.holders: list[Holder] = []
        self.began = MONOTONIC()
        self.records = 0
        self.progress = 0
        """Rises whenever anything moves."""
        self.samples: list[Sample] = []
        self.batches: list[tuple[int, float]] = []
        self._step = max(1, (expected or 2_000) // KEPT)
        self._next = 0
        self._census_at = max(1, (expected or 2_000) // 3)
        self._census: Counter[str] = Counter()
        self._large: dict[int, tuple[str, int]] = {}
        self._large_at = 0
        self._lock = threading.Lock()
        self._process = psutil.Process()
        self._gc_began = 0.0
        self.gc_s = self.gc_longest_s = 0.0
        self.gc_full = 0
        self.pauses: list[float] = []
        gc.callbacks.append(self._collected)

    def _collected(self, phase: str, info: dict[str, Any]) -> None:
        if phase == "start":
            # The time of a processor: what the collector waits for one is not its own.
            self._gc_began = CPU_TIME()
            return
        took = CPU_TIME() - self._gc_began
        self.gc_s += took
        self.gc_longest_s = max(self.gc_longest_s, took)
        self.gc_full += info["generation"] == 2

    def settled(self, records: int) -> None:
        """So many more records are settled; looks around when it is time to."""
        self.records += records
        self.progress += 1
        if len(self.batches) in _LOOKS:
            self._look()
        now = MONOTONIC() - self.began
        self.batches.append((self.records, round(now, 5)))
        if len(self.batches) > 2_000:
            del self.batches[::2]
        if self.records >= self._next:
            self.sample()
            self._next = self.records + self._step
        if not self._census and self.records >= self._census_at:
            self.census()

    def _look(self) -> None:
        """Find what holds something now; what was found before keeps its readings."""
        known = {(holder.name, holder.place): holder for holder in self.holders}
        with self._lock:
            for holder in self._find():
                if (holder.name, holder.place) not in known:
                    holder.lengths = [0] * len(self.samples)
                    self.holders.append(holder)

    def named(self, names: Sequence[str]) -> list[Holder]:
        """Those with one of these names."""
        return [holder for holder in self.holders if holder.name in names] if names else []

    def census(self) -> None:
        """Count objects by type, and note what is large."""
        self._census = Counter(_name(type(each)) for each in gc.get_objects())
        self._large = large(_LARGE, self._known())
        self._large_at = self.records

    def sample(self) -> None:
        """One look at the process and at every container."""
        with self._lock:
            self.samples.append(
                Sample(
                    self.records,
                    round(MONOTONIC() - self.began, 4),
                    _rss(),
                    count_fds(),
                    threading.active_count(),
                    count_handlers(),
                    len(self._process.children()) if self.records % 4 == 0 else -1,
                    sys.getallocatedblocks(),
                    round(ALL_CPU_TIME(), 4),
                )
            )
            for holder in self.holders:
                holder.lengths.append(holder.length())
            self._uncollected.look()
            if len(self.samples) > 2 * KEPT:
                del self.samples[1:-1:2]
                for holder in self.holders:
                    del holder.lengths[1:-1:2]
                self._uncollected.thin()

    def _known(self) -> set[int]:
        known = {id(self.samples), id(self.batches), id(self.holders)}
        for holder in self.holders:
            known.add(id(holder.lengths))
            try:
                known.add(id(holder.get()))
            except Exception:  # noqa: BLE001 - it is gone
                continue
        return known

    def containers(
        self, stage_of: Any, mine: set[int], stage_of_class: Callable[[type], str | None]
    ) -> tuple[Container, ...]:
        """Those that ever changed, large ones that nobody has a name for, and garbage that is let lie."""
        found = []
        for holder in self.holders:
            lengths = _known_lengths(holder.lengths)
            if lengths and max(lengths) != min(lengths):
                found.append(
                    Container(
                        holder.name,
                        holder.object,
                        holder.stage,
                        holder.place,
                        holder.name,
                        lengths,
                        _weight(holder),
                        _items(holder),
                    )
                )
        if self._large_at and len(self.samples) >= 2:
            found += self._unnamed(stage_of, mine)
        found += self._uncollected.found(stage_of_class)
        return tuple(sorted(found, key=lambda each: each.lengths[0] - each.lengths[-1])[:24])

    def _unnamed(self, stage_of: Any, mine: set[int]) -> list[Container]:
        grown = []
        for identity, (kind, length) in large(_LARGE, self._known() | mine).items():
            before = self._large.get(identity, (kind, 0))[1]
            more = self.records - self._large_at
            if more > 0 and length - before >= 0.2 * more and length - before > _LARGE // 2:
                stage = stage_of(identity)
                lengths = tuple(
                    before if sample.records <= self._large_at else length for sample in self.samples
                )
                lengths = (*lengths[:-1], length)
                grown.append(Container(f"a {kind}", kind, stage, None, None, lengths, 0.0, clearable=False))
        return sorted(grown, key=lambda each: -each.lengths[-1])[:4]

    def grown(self) -> tuple[Growth, ...]:
        """The types of which there are more than at the first census."""
        if not self._census:
            return ()
        gc.collect()
        now = Counter(_name(type(each)) for each in gc.get_objects())
        more = [(name, count - self._census[name]) for name, count in now.items()]
        more = sorted((each for each in more if each[1] > 20), key=lambda each: -each[1])
        return tuple(Growth(name, self._census[name], now[name]) for name, _ in more[:_GROWN_TYPES])

    def machine(self, folder: Path) -> Machine:
        """How the machine was meanwhile."""
        gc.callbacks.remove(self._collected)
        times = self._process.cpu_times()
        try:
            free = psutil.disk_usage(str(folder)).free
        except OSError:
            free = -1
        took = max(1e-6, MONOTONIC() - self.began)
        return Machine(
            gc_s=self.gc_s,
            gc_longest_s=self.gc_longest_s,
            gc_full=self.gc_full,
            run_wait=min(1.0, run_wait() / took),
            cpu_s=times.user + times.system,
            disk_free=free,
        )


def _known_lengths(lengths: list[int]) -> tuple[int, ...]:
    """The readings; where there was none, the one before."""
    known, last = [], 0
    for length in lengths:
        last = length if length >= 0 else last
        known.append(last)
    return tuple(known)


def _weight(holder: Holder) -> float:
    """Bytes an item, from a few of them."""
    try:
        value = holder.get()
        items = list(value.values() if isinstance(value, dict) else value)[:64]
        keys = list(value)[:64] if isinstance(value, dict) else []
        return sum(map(sys.getsizeof, [*items, *keys])) / max(1, len(items)) + 16
    except Exception:  # noqa: BLE001 - not everything tells what is in it
        return 0.0


def _items(holder: Holder) -> str:
    """What kind of thing is in it."""
    try:
        value = holder.get()
        first = next(iter(value.values() if isinstance(value, dict) else value))
        if isinstance(first, (tuple, list)) and first:
            first = first[0]
        return f"{type(first).__module__}.{type(first).__qualname__}"
    except Exception:  # noqa: BLE001 - not everything tells what is in it
        return ""


def _name(kind: type) -> str:
    module = str(kind.__module__)
    short = "" if module == "builtins" or module.startswith("_pipeline_file_") else f"{module}."
    return f"{short}{kind.__qualname__}"


def _rss() -> int:
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE
    except OSError:
        return int(psutil.Process().memory_info().rss)


def run_wait() -> float:
    """Seconds that the threads of this process were ready to run and did not."""
    waited = 0
    try:
        for task in Path("/proc/self/task").iterdir():
            waited += int((task / "schedstat").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return 0.0
    return waited / 1e9
