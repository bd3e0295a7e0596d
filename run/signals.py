"""SIGINT, SIGTERM and SIGHUP: the first one drains a run, the second one aborts it."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Protocol

from run.narrator import say

HANDLED = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))

Handler = Callable[[int, FrameType | None], object] | int | None


class Interruptible(Protocol):
    """What signals end."""

    def interrupted_by(self, signal_number: int) -> None:
        """Note which signal ended the run early."""
        ...

    def drain(self) -> None:
        """Read no more, finish what is in flight, then end."""
        ...

    def abort(self) -> None:
        """End now."""
        ...


class Signals:
    """The signals that have come in, until somebody acts on them.

    A handler can interrupt anything, also another handler, so that it may neither print
    nor take a lock: it makes a note.
    """

    def __init__(self, *, draining: bool) -> None:
        self._came: list[int] = []
        self._obeyed = 0
        self._draining = draining

    def note(self, number: int, _frame: FrameType | None) -> None:
        """The handler."""
        self._came.append(number)

    @property
    def waiting(self) -> bool:
        """Whether one came in since the last call of :meth:`obey`."""
        return self._obeyed < len(self._came)

    def obey(self, run: Interruptible) -> None:
        """Act on what came in since the last call."""
        while self.waiting:
            number = self._came[self._obeyed]
            self._obeyed += 1
            run.interrupted_by(number)
            if not self._draining:
                self._draining = True
                say("Draining: reading no more, finishing what is in flight. Once more to abort.")
                run.drain()
            else:
                say("Aborting: what is in flight stays uncommitted.")
                run.abort()


@contextmanager
def noted(*, draining: bool = False) -> Iterator[Signals]:
    """While this is open, signals are noted; afterwards they mean what they meant before.

    A run that is ``draining`` already is aborted by the first one. What the process was told
    to ignore (``nohup``, ``cmd &`` in a script) stays ignored.
    """
    signals = Signals(draining=draining)
    before: dict[int, Handler] = {}
    for number in HANDLED:
        if signal.getsignal(number) is not signal.SIG_IGN:
            before[number] = signal.signal(number, signals.note)
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
