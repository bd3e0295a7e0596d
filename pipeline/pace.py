"""Limits how many records are read: so many a second, and so many in all."""

from __future__ import annotations

import threading

from pipeline.clock import Clock
from pipeline.errors import ConfigurationError

GRAIN_S = 0.02
"""Records are let through in helpings of so many seconds' worth, at least one at a time."""

BURST_S = 0.1
"""How much unused rate may be saved up beyond one record, in seconds of it: who looks a little late must
not fall behind for good."""


class Budget:
    """At most so many records in all, for all readers together; None is without end."""

    def __init__(self, records: int | None) -> None:
        self._left = records
        self._lock = threading.Lock()

    @property
    def spent(self) -> bool:
        """Whether no record may be read any more."""
        return self._left is not None and self._left <= 0

    def grant(self, wanted: int) -> int:
        """How many of the wanted records may be read; they count as read from now on."""
        if self._left is None:
            return wanted
        with self._lock:
            granted = min(wanted, self._left)
            self._left -= granted
            return granted


class Pace:
    """A rate that the readers still active share evenly. Safe to use from any thread."""

    def __init__(self, clock: Clock, records_per_s: float | None) -> None:
        _check(records_per_s)
        self._clock = clock
        self._lock = threading.Lock()
        self._rate = records_per_s
        self._tokens: dict[int, tuple[float, float]] = {}

    @property
    def rate(self) -> float | None:
        """Records per second for all readers together; None is without limit."""
        return self._rate

    def set_rate(self, records_per_s: float | None) -> None:
        """Change the rate from now on. Raises ConfigurationError unless it is above 0."""
        _check(records_per_s)
        with self._lock:
            self._rate = records_per_s
            now = self._clock.monotonic()
            self._tokens = {reader: (min(saved, 1.0), now) for reader, (saved, _) in self._tokens.items()}

    def join(self, reader: int) -> None:
        """A reader begins; it may read one record at once."""
        with self._lock:
            self._tokens[reader] = (1.0, self._clock.monotonic())

    def leave(self, reader: int) -> None:
        """A reader has no more to read; the others share its part."""
        with self._lock:
            self._tokens.pop(reader, None)

    def allowed(self, reader: int) -> int | None:
        """How many records the reader may read now; None is without limit."""
        with self._lock:
            if self._rate is None:
                return None
            share = self._rate / max(1, len(self._tokens))
            saved, since = self._tokens.get(reader, (0.0, self._clock.monotonic()))
            now = self._clock.monotonic()
            saved = min(saved + (now - since) * share, 1.0 + share * BURST_S)
            self._tokens[reader] = (saved, now)
            # Sums of small waits may end a hair below a whole record.
            return int(saved + 1e-9) if saved + 1e-9 >= max(1.0, share * GRAIN_S) else 0

    def spend(self, reader: int, records: int) -> None:
        """The reader has read so many."""
        with self._lock:
            if self._rate is not None and reader in self._tokens:
                saved, since = self._tokens[reader]
                self._tokens[reader] = (saved - records, since)

    def delay(self, reader: int) -> float:
        """Seconds until the reader may read another record."""
        with self._lock:
            if self._rate is None or reader not in self._tokens:
                return 0.0
            share = self._rate / max(1, len(self._tokens))
            saved, _ = self._tokens[reader]
            return max(0.0, (max(1.0, share * GRAIN_S) - saved) / share)


def _check(records_per_s: float | None) -> None:
    if records_per_s is not None and not records_per_s > 0:
        raise ConfigurationError(f"rate={records_per_s!r}: it must be above 0 (records per second)")
