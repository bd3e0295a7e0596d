"""Reads a source that may block in a thread of its own, so that nobody else waits for it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator

from pipeline.batch import Chunk

CAPACITY = 4_096
"""How many chunks may be read ahead; a blocking source gives small ones."""


class Pump:
    """A bounded buffer that a thread fills from an iterator of chunks."""

    def __init__(self, chunks: Iterator[Chunk], wake: Callable[[], object]) -> None:
        """``wake`` is called when there is something new."""
        self._chunks = chunks
        self._wake = wake
        self._ready: deque[Chunk] = deque()
        self._room = threading.Semaphore(CAPACITY)
        self._stopped = threading.Event()
        self._ended = threading.Event()
        self.error: BaseException | None = None

    def run(self) -> None:
        """Fill the buffer until the iterator ends; the body of the thread."""
        try:
            for chunk in self._chunks:
                while not self._room.acquire(timeout=0.25):
                    if self._stopped.is_set():
                        return
                if self._stopped.is_set():
                    return
                self._ready.append(chunk)
                if len(self._ready) == 1:
                    self._wake()
        except BaseException as error:  # noqa: BLE001 - it is raised again by the reader
            self.error = error
        finally:
            self._close()
            self._ended.set()
            self._wake()

    def _close(self) -> None:
        """Let the source let go of what it has open, in the thread that reads it."""
        close: Callable[[], object] | None = getattr(self._chunks, "close", None)
        if close is None:
            return
        try:
            close()
        except BaseException as error:  # noqa: BLE001 - it is raised again by the reader
            self.error = self.error or error

    def poll(self) -> Chunk | None:
        """The next chunk, or None if there is none yet; raises what the source raised, at its end."""
        if self._ready:
            self._room.release()
            return self._ready.popleft()
        if self.exhausted and self.error is not None:
            error, self.error = self.error, None
            raise error
        return None

    @property
    def waiting(self) -> bool:
        """Whether a poll would give a chunk."""
        return bool(self._ready)

    @property
    def exhausted(self) -> bool:
        """Whether there will be no more chunks."""
        return self._ended.is_set() and not self._ready

    def stop(self) -> None:
        """Let the thread end at its next chunk."""
        self._stopped.set()
