"""What a front end may ask of a run, live or replayed."""

from __future__ import annotations

from typing import Protocol

from metrics.snapshot import Snapshot


class LiveRun(Protocol):
    """A run that a front end watches and steers. Every method returns at once."""

    @property
    def snapshot(self) -> Snapshot:
        """The newest state; a new object whenever anything changed."""
        ...

    @property
    def finished(self) -> bool:
        """Whether the run is over and :attr:`snapshot` is its last word."""
        ...

    def pause(self) -> None:
        """Let every stage stop after the batch at hand."""
        ...

    def resume(self) -> None:
        """Go on."""
        ...

    def step_record(self) -> None:
        """Pause, and move one record one hop on: the one that is furthest along."""
        ...

    def step_batch(self) -> None:
        """Pause, and move one batch one hop on: the one that is furthest along."""
        ...

    def set_rate(self, records_per_s: float | None) -> None:
        """Read at most so many records a second from all sources together; None lifts the limit."""
        ...

    def drain(self) -> None:
        """Read no more, finish what is in flight, then end."""
        ...

    def abort(self) -> None:
        """End now; what is in flight stays uncommitted and is named."""
        ...
