"""SIGINT and SIGTERM: the first one drains, the second one aborts."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from run.narrator import say
from run.session import Session

HANDLED = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


@contextmanager
def graceful(session: Session) -> Iterator[None]:
    """While this is open, signals end the session; afterwards they mean what they meant before."""
    seen = 0

    def handle(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signature is given
        nonlocal seen
        seen += 1
        session.interrupted_by(number)
        if seen == 1:
            say("Draining: reading no more, finishing what is in flight. Once more to abort.")
            session.drain()
        else:
            say("Aborting: what is in flight stays uncommitted.")
            session.abort()

    before: dict[int, Callable[[int, FrameType | None], object] | int | None] = {}
    for number in HANDLED:
        before[number] = signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
