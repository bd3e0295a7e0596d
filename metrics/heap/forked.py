"""Work on a copy of the whole process, so that the process itself need not stop for it.

A forked child sees every object as it was at that moment. Other threads are not in it, and may have held
any lock, so the child is allowed little: it walks objects, writes to a pipe and leaves by ``os._exit``. It
takes no lock, starts no thread, imports nothing, flushes nothing, runs no exit handlers and no collector.
That is why Python's warning about forks beside threads (3.12 and later) is turned off for this one call.

What the child must not do by accident:

- destroy what other threads kept for themselves: at a fork, the interpreter lets go of the thread-local
  storage and the exceptions of threads that are no more, and an object that closes a connection when it goes
  would close the parent's. So everything in there is held for the time of the fork.
- run finalizers: the collector is off, and is so before the fork, whose own handlers make objects.
- hold files open that the parent closes: it closes its own copies, which touches nothing of the parent's.
- take the parent's signals: they are blocked during the fork, and then as if no handler were set.
- outlive its use: it has an alarm that kills it, the parent kills it at the end of the run, and where memory
  becomes short it is the first to go.
"""

from __future__ import annotations

import contextlib
import gc
import os
import resource
import select
import signal
import sys
import threading
import warnings
from collections.abc import Callable
from pathlib import Path

NICE = 10
CHUNK = 1 << 16
_WARNING = r"This process \(pid=\d+\) is multi-threaded, use of fork\(\)"

Write = Callable[[bytes], None]
"""Sends a part of the result; what was sent before the child is killed is not lost."""


def can_fork() -> bool:
    """Not where the system's own libraries break in a fork beside threads, as on macOS."""
    return sys.platform == "linux" and hasattr(os, "fork")


class Forked:
    """A child at work. For one thread; :meth:`poll` never waits."""

    def __init__(self, work: Callable[[Write], None], seconds: int, nice: int = NICE) -> None:
        """``work`` runs in the child, which is killed after so many seconds. ``nice`` is by how much it steps
        behind the parent. Raises OSError where the system
        has no process or no memory left."""
        self._parts: list[bytes] = []
        self.cpu_s = 0.0
        """What the child took of a processor, once it has ended."""
        reader, writer = os.pipe()
        kept = _thread_storage()
        _quiet()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        collecting = gc.isenabled()
        gc.disable()
        try:
            self.pid = os.fork()
            if self.pid == 0:
                _child(work, writer, seconds, nice)
        except OSError:
            os.close(reader)
            raise
        finally:
            if collecting:
                gc.enable()
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            os.close(writer)
            del kept
        os.set_blocking(reader, False)
        self._reader: int | None = reader

    @property
    def result(self) -> bytes:
        """What it has sent so far."""
        return b"".join(self._parts)

    def poll(self) -> bool:
        """Take what it has sent; tell whether it has ended."""
        if self._reader is None:
            return True
        while True:
            try:
                part = os.read(self._reader, CHUNK)
            except BlockingIOError:
                return False
            except OSError:
                part = b""
            if not part:
                break
            self._parts.append(part)
        os.close(self._reader)
        self._reader = None
        self._reap()
        return True

    def wait(self, seconds: float) -> None:
        """Wait until there is something to take, at most so long."""
        if self._reader is not None:
            select.select([self._reader], [], [], seconds)

    def kill(self) -> None:
        """End it now."""
        if self._reader is not None:
            with contextlib.suppress(OSError):
                os.kill(self.pid, signal.SIGKILL)
            os.close(self._reader)
            self._reader = None
            self._reap()

    def _reap(self) -> None:
        # Somebody else may have waited for all children of the process.
        with contextlib.suppress(OSError):
            _, _, usage = os.wait4(self.pid, 0)
            self.cpu_s = usage.ru_utime + usage.ru_stime


def _child(work: Callable[[Write], None], writer: int, seconds: int, nice: int) -> None:
    """Everything that the child does; it never returns."""
    try:
        gc.collect = _nothing  # type: ignore[assignment]
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGALRM, signal.SIGPIPE):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.alarm(seconds)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        os.closerange(0, writer)
        os.closerange(writer + 1, min(resource.getrlimit(resource.RLIMIT_NOFILE)[0], 1 << 20))
        with contextlib.suppress(OSError):
            Path("/proc/self/oom_score_adj").write_bytes(b"1000")
            os.nice(nice)

        def write(part: bytes) -> None:
            view = memoryview(part)
            while view:
                view = view[os.write(writer, view) :]

        work(write)
    except BaseException:  # noqa: BLE001 - nobody could be told
        os._exit(1)
    finally:
        os._exit(0)


def _nothing(*_: object) -> int:
    return 0


def _thread_storage() -> list[object]:
    """All that threads keep for themselves, held so that a fork destroys none of it."""
    kinds = {threading.local}
    waiting = [threading.local]
    while waiting:
        more = [kind for kind in type.__subclasses__(waiting.pop()) if kind not in kinds]
        kinds.update(more)
        waiting += more
    everything = gc.get_objects()
    stores = [each for each, kind in zip(everything, map(type, everything), strict=True) if kind in kinds]
    held: list[object] = [
        list(table.values())
        for store in stores
        for table in gc.get_referents(store)
        if isinstance(table, dict)
    ]
    exceptions = getattr(sys, "_current_exceptions", dict)
    held.append(list(exceptions().values()))
    return held


def _quiet() -> None:
    """No warning for the fork of this module; asked for once, since each change of the filters lets
    warnings that were shown once be shown again."""
    module = rf"{__name__}\Z".replace(".", r"\.")
    for action, text, kind, where, _ in warnings.filters:
        same = getattr(text, "pattern", text) == _WARNING and getattr(where, "pattern", where) == module
        if action == "ignore" and kind is DeprecationWarning and same:
            return
    warnings.filterwarnings("ignore", _WARNING, DeprecationWarning, module)
