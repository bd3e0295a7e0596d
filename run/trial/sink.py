"""The sink of a trial: it counts and hashes, and nothing else, unless the pipeline's own is asked for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from hashlib import blake2b
from typing import Any

import msgspec

from pipeline.batch import Batch
from pipeline.clock import Clock
from pipeline.ids import Id, Ids
from pipeline.sinks.base import RefusedRecords, Sink
from pipeline.tasks.committer import Committer
from pipeline.tasks.delivery import Delivered

HASHED = 20_000
"""So many records are told apart by content; more are only counted."""
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")
_ENCODE = msgspec.json.Encoder(order="deterministic").encode


class TrialSink(Sink):
    """Takes everything; hands it on to the pipeline's own sink where there is one."""

    def __init__(self, declared: Sink, own: Sink | None, clock: Clock) -> None:
        self.name = declared.name
        # As with the declared one, so that the engine uses the same threads.
        self.waits = declared.waits  # type: ignore[misc]
        self._own = own
        self._clock = clock
        self.own_s = 0.0

    def check(self) -> None:
        if self._own is not None:
            self._own.check()

    def open(self) -> None:
        if self._own is not None:
            self._own.open()

    def write(self, ids: Ids, payloads: list[Any]) -> Iterable[Id]:
        if self._own is None:
            return ids
        began = self._clock.monotonic()
        try:
            return self._own.write(ids, self._encoded(payloads))
        finally:
            self.own_s += self._clock.monotonic() - began

    def close(self) -> None:
        if self._own is not None:
            self._own.close()

    def _encoded(self, values: list[Any]) -> list[Any]:
        assert self._own is not None
        encode = self._own.encode
        if encode is None:
            return values
        refused: dict[int, str] = {}
        for position, value in enumerate(values):
            try:
                encode([value])
            except Exception as error:  # noqa: BLE001 - the sink's word on this value
                refused[position] = f"{type(error).__name__}: {error}"
        if refused:
            raise RefusedRecords(refused)
        return [encode(values)]


class Seen:
    """Looks at what the sink was given, by id."""

    def __init__(self, committer: Committer, after: Callable[[int], None]) -> None:
        """``after`` is told how many records each batch settles."""
        self.hashes: dict[str, str] = {}
        self.cut = 0
        self.twice: dict[str, None] = {}
        """The ids that came more than once, in the order in which they did."""
        self.largest = 0
        add = committer.add

        def seen(delivered: Delivered) -> None:
            self._look(delivered.batch)
            left = sum(ids.size for ids in delivered.batch.filtered) + len(delivered.letters)
            add(delivered)
            after(delivered.given.size + left)

        committer.add = seen  # type: ignore[method-assign]

    def _look(self, batch: Batch) -> None:
        if batch.payloads is not None:
            return
        self.largest = max(self.largest, batch.ids.size)
        for id, value in zip(batch.ids, batch.values, strict=True):
            if len(self.hashes) >= HASHED:
                self.cut += 1
                continue
            name = batch.partition.record(id)
            if name in self.hashes:
                self.twice[name] = None
            self.hashes[name] = fingerprint(value)


def fingerprint(value: Any) -> str:
    """A short hash of a value's content, the same in every process."""
    try:
        text = _ENCODE(value)
    except (TypeError, ValueError, OverflowError, msgspec.MsgspecError, RecursionError):
        text = _ADDRESS.sub("", repr(value)).encode("utf-8", "replace")
    return blake2b(text, digest_size=5).hexdigest()
