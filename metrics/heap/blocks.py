"""The blocks of Python's own allocator: how many small objects there are, counted exactly and for nothing."""

from __future__ import annotations

import sys

from metrics.heap.lengths import LengthSeries, judge

CONSTANT = 4_000
"""Blocks that any run adds: threads, tables and sketches of the monitor's own, caches of the interpreter."""

BYTES = 64
"""Of a block, as most are: a number, a short text, a small tuple or dict."""


class Blocks:
    """Readings over the records; every leak of Python objects shows in them, whoever holds those."""

    def __init__(self) -> None:
        self._series = LengthSeries()
        self.now: int | None = None

    def read(self, records: int, own: int = 0) -> None:
        """Take a reading; ``own`` blocks are those of the watch itself."""
        count = sys.getallocatedblocks()
        # Interpreters without pymalloc tell none.
        self.now = count or None
        if count:
            self._series.add(records, max(0, count - own))

    def kept(self, explained: int) -> float | None:
        """How many more there are than at the start, for each record; None where nothing was read.

        ``explained`` bytes are in containers that are known.
        """
        readings = self._series.all
        if len(readings) < 2 or not readings[-1].records:
            return None
        more = readings[-1].entries - readings[0].entries - CONSTANT - explained / BYTES
        return max(0.0, more / readings[-1].records)

    @property
    def per_record(self) -> float | None:
        """How many more there are with each record, by the floor of the second half; None: not known."""
        return judge(self._series.all).per_record
