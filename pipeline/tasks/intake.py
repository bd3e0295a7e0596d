"""One partition while it is read: gathers what the source gives into batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from pipeline.batch import Chunk, Partition, cut_raw
from pipeline.checkpoint import Progress
from pipeline.errors import ConfigurationError, InputError
from pipeline.ids import NO_IDS, Ids
from pipeline.operators.base import describe
from pipeline.pump import Pump

GATHER_RECORDS = 4_096
"""A batch for which no size was asked takes at most so many single records ..."""
GATHER_BYTES = 512 << 10
"""... or about so many bytes."""


@dataclass(slots=True)
class Intake:
    """Reads a partition ahead by one batch at most.

    ``batch_size`` is exact where it is given. ``pump`` is set where reading may block.
    """

    partition: Partition
    chunks: Iterator[Chunk]
    batch_size: int | None
    pump: Pump | None
    before: Progress | None = None
    """What earlier runs have settled, and so is passed over."""
    look_every: float | None = None
    """Seconds between two looks at a partition that grows and has nothing yet."""
    ended: bool = False
    error: str | None = None
    traceback: str | None = None
    _parts: list[Chunk] = field(default_factory=list)
    _records: int = 0
    _bytes: int = 0
    _unreadable: int = 0
    _since: float = 0.0
    _last: int = -1
    _read: int = 0
    _look_at: float = 0.0

    def gather(self, now: float, limit: int | None, linger: float) -> Chunk | None:
        """The next batch's worth, at most ``limit`` records; None if it is not due yet.

        It is due when it is full, when its first record has waited for ``linger`` seconds, or at
        the end.
        """
        wanted = self._wanted(limit)
        while not self.ended and not self._full(wanted) and now >= self._look_at:
            chunk = self._next()
            if chunk is None:
                break
            if chunk.empty and self.look_every is not None:
                self._look_at = now + self.look_every
                break
            if not self._parts:
                self._since = now
            self._parts.append(chunk)
            self._records += chunk.ids.size
            self._bytes += chunk.size
            self._unreadable += len(chunk.rejected)
        if not self._parts:
            return None
        due = self.ended or self._full(wanted) or now - self._since >= linger
        return self._cut(wanted) if due else None

    def has_input(self) -> bool:
        """Whether gathering might give something now, without waiting for the source."""
        return bool(self._parts) or self.pump is None or self.pump.waiting or self.pump.exhausted

    @property
    def exhausted(self) -> bool:
        """Whether the partition has ended and everything it gave has been handed on."""
        return self.ended and not self._parts

    def due_in(self, now: float, linger: float) -> float | None:
        """Seconds until what is gathered has waited long enough, or until the next look; else None."""
        if self._parts:
            return max(0.0, self._since + linger - now)
        return max(0.0, self._look_at - now) if self.look_every is not None else None

    def close(self) -> None:
        """Stop reading."""
        if self.pump is not None:
            self.pump.stop()
            return
        close: Callable[[], object] | None = getattr(self.chunks, "close", None)
        if close is not None:
            close()

    def _wanted(self, limit: int | None) -> int | None:
        if limit is None:
            return self.batch_size
        return limit if self.batch_size is None else min(limit, self.batch_size)

    def _full(self, wanted: int | None) -> bool:
        if self._unreadable >= GATHER_RECORDS:
            return True  # an input of which nothing can be read must not be gathered whole
        if wanted is not None:
            return self._records >= wanted
        return self._records >= GATHER_RECORDS or self._bytes >= GATHER_BYTES

    def _next(self) -> Chunk | None:
        try:
            chunk = self.pump.poll() if self.pump is not None else next(self.chunks, None)
            if chunk is None:
                self.ended = self.pump is None or self.pump.exhausted
                return None
            self._check(chunk)
            if self.before is not None and self._first_of(chunk) < self.before.high:
                chunk = _unsettled(chunk, self.before)
        except (ConfigurationError, InputError) as error:
            self._broke(str(error), None)
            return None
        except Exception as error:  # noqa: BLE001 - the source may be a user's generator
            reason, trace = describe(error)
            self._broke(f"{self.partition}: reading failed after {self._read:,} records: {reason}", trace)
            return None
        return chunk

    def _broke(self, message: str, trace: str | None) -> None:
        self.ended = True
        self.error = message
        self.traceback = trace

    def _check(self, chunk: Chunk) -> None:
        """Offsets identify records, so that one may never come twice."""
        first = self._first_of(chunk)
        if first <= self._last:
            raise InputError(
                f"{self.partition}: the source gave offset {first} after {self._last}; offsets must rise"
            )
        self._last = max(
            [run.stop - 1 for run in chunk.ids.runs[-1:]] + [letter.id.offset for letter in chunk.rejected],
            default=self._last,
        )
        self._read += chunk.ids.size + len(chunk.rejected)
        _check_chunk(self.partition, chunk)

    def _first_of(self, chunk: Chunk) -> int:
        """The first offset of a chunk."""
        offsets = [run.start for run in chunk.ids.runs[:1]] + [letter.id.offset for letter in chunk.rejected]
        return min(offsets, default=self._last + 1)

    def _cut(self, wanted: int | None) -> Chunk:
        whole = _join(self._parts)
        size = whole.ids.size
        if wanted is None or size <= wanted:
            self._parts, self._records, self._bytes, self._unreadable = [], 0, 0, 0
            return whole
        head_raw, rest_raw = cut_raw(whole.raw, wanted)
        head_bytes = whole.size * wanted // size
        # What lies behind the cut is read later; a checkpoint says that all below it was read.
        cut = whole.ids[wanted].offset
        rest = replace(
            whole,
            ids=whole.ids.cut(wanted, size),
            raw=rest_raw,
            size=whole.size - head_bytes,
            rejected=[letter for letter in whole.rejected if letter.id.offset > cut],
        )
        self._parts, self._records, self._bytes = [rest], rest.ids.size, rest.size
        self._unreadable = len(rest.rejected)
        rejected = [letter for letter in whole.rejected if letter.id.offset < cut]
        return replace(whole, ids=whole.ids.cut(0, wanted), raw=head_raw, size=head_bytes, rejected=rejected)


def _unsettled(chunk: Chunk, before: Progress) -> Chunk:
    """The chunk without the records that earlier runs have settled."""

    def is_open(offset: int) -> bool:
        return offset >= before.high or offset in before.open

    keep = [at for at, offset in enumerate(chunk.ids.offsets()) if is_open(offset)]
    rejected = [letter for letter in chunk.rejected if is_open(letter.id.offset)]
    if len(keep) == chunk.ids.size:
        return replace(chunk, rejected=rejected)
    raws = chunk.raw.split(b"\n") if isinstance(chunk.raw, bytes) else chunk.raw
    size = chunk.size * len(keep) // max(1, chunk.ids.size)
    ids = chunk.ids.at(keep) if keep else NO_IDS
    return replace(chunk, ids=ids, raw=[raws[at] for at in keep], size=size, rejected=rejected)


def _check_chunk(partition: Partition, chunk: Chunk) -> None:
    """A source may be a user's own; what is wrong with it is told before a record can be mistaken."""
    last = -1
    for run in chunk.ids.runs:
        if run.start <= last:
            raise InputError(
                f"{partition}: the source gave offset {run.start} after {last}; offsets must rise"
            )
        last = run.stop - 1
    if isinstance(chunk.raw, list) and len(chunk.raw) != chunk.ids.size:
        raise InputError(
            f"{partition}: the source gave {chunk.ids.size:,} ids for {len(chunk.raw):,} records in one chunk"
        )


def _join(parts: list[Chunk]) -> Chunk:
    if len(parts) == 1:
        return parts[0]
    filled = [part for part in parts if part.ids]
    if all(isinstance(part.raw, bytes) for part in filled):
        raw: bytes | list[object] = b"\n".join(part.raw for part in filled if isinstance(part.raw, bytes))
    else:
        raw = []
        for part in filled:
            raw.extend(part.raw.split(b"\n") if isinstance(part.raw, bytes) else part.raw)
    return Chunk(
        Ids.concat([part.ids for part in filled]) if filled else NO_IDS,
        raw,
        sum(part.size for part in parts),
        parts[-1].decode,
        parts[-1].position,
        [letter for part in parts for letter in part.rejected],
        next((part.identity for part in reversed(parts) if part.identity is not None), None),
    )
