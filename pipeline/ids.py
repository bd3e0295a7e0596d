"""Record ids of one partition, compact.

A record's identity is ``(source, partition, offset)``. Records that a stage makes out of one
record are its children; a child is named by a path: ``2`` is the third child, ``2.0`` the
first child of that child. :class:`Ids` holds the offsets (and paths, where there are any) of
one batch, in the batch's order. Contiguous offsets take the room of one ``range``.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, chain, pairwise
from typing import NamedTuple


class Id(NamedTuple):
    """One record within a partition: its offset, and its path if it is somebody's child."""

    offset: int
    path: str = ""

    def child(self, index: int) -> Id:
        """The id of the child at ``index`` (0 is the first)."""
        return Id(self.offset, f"{self.path}.{index}" if self.path else str(index))

    def lineage(self) -> Iterator[Id]:
        """The id itself, that of the record it is a child of, and so on."""
        path = self.path
        yield self
        while path:
            path = path.rpartition(".")[0]
            yield Id(self.offset, path)

    def __str__(self) -> str:
        return f"{self.offset}.{self.path}" if self.path else str(self.offset)


class Ids:
    """An immutable sequence of ids of one partition, in batch order.

    ``runs`` are ranges with step 1 whose concatenation gives the offsets. ``paths`` is None
    while no record of the batch is a child, else one path for each offset.
    """

    __slots__ = ("_starts", "paths", "runs", "size")

    def __init__(self, runs: tuple[range, ...], paths: tuple[str, ...] | None = None) -> None:
        self.runs = runs
        self.paths = paths
        self.size = len(runs[0]) if len(runs) == 1 else sum(map(len, runs))
        self._starts: list[int] | None = None

    @classmethod
    def span(cls, start: int, stop: int) -> Ids:
        """The offsets from ``start`` up to, not including, ``stop``."""
        return cls((range(start, stop),)) if stop > start else NO_IDS

    @classmethod
    def of(cls, offsets: Iterable[int]) -> Ids:
        """The given offsets, in the given order."""
        return cls(_runs(offsets))

    @classmethod
    def named(cls, ids: Iterable[tuple[int, str]]) -> Ids:
        """The given ``(offset, path)`` pairs, in the given order."""
        pairs = list(ids)
        paths = tuple(path for _, path in pairs)
        return cls(_runs(offset for offset, _ in pairs), paths if any(paths) else None)

    @classmethod
    def concat(cls, parts: Sequence[Ids]) -> Ids:
        """The parts behind one another."""
        if len(parts) == 1:
            return parts[0]
        runs: list[range] = []
        for part in parts:
            for run in part.runs:
                if runs and runs[-1].stop == run.start:
                    runs[-1] = range(runs[-1].start, run.stop)
                else:
                    runs.append(run)
        if all(part.paths is None for part in parts):
            return cls(tuple(runs))
        paths = chain.from_iterable(part.paths or ("",) * part.size for part in parts)
        return cls(tuple(runs), tuple(paths))

    def __len__(self) -> int:
        return self.size

    def __bool__(self) -> bool:
        return self.size > 0

    def offsets(self) -> Iterator[int]:
        """Each id's offset, in order."""
        return chain.from_iterable(self.runs)

    def __iter__(self) -> Iterator[Id]:
        if self.paths is None:
            return (Id(offset) for offset in self.offsets())
        return (Id(offset, path) for offset, path in zip(self.offsets(), self.paths, strict=True))

    def __getitem__(self, position: int) -> Id:
        """The id at a position (0 is the first)."""
        if not 0 <= position < self.size:
            raise IndexError(f"position {position} of {self.size} ids")
        path = self.paths[position] if self.paths is not None else ""
        if len(self.runs) == 1:
            return Id(self.runs[0][position], path)
        if self._starts is None:
            self._starts = list(accumulate(map(len, self.runs), initial=0))
        index = bisect_right(self._starts, position) - 1
        return Id(self.runs[index][position - self._starts[index]], path)

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return isinstance(other, Ids) and self.runs == other.runs and self.paths == other.paths

    def __hash__(self) -> int:
        return hash((self.runs, self.paths))

    def __repr__(self) -> str:
        spans = ", ".join(
            f"{run.start}-{run.stop - 1}" if len(run) > 1 else str(run.start) for run in self.runs[:8]
        )
        more = ", ..." if len(self.runs) > 8 else ""
        return f"<{self.size} ids: {spans}{more}>"

    def cut(self, start: int, stop: int) -> Ids:
        """The ids at the positions from ``start`` up to, not including, ``stop``."""
        stop = min(stop, self.size)
        if start == 0 and stop == self.size:
            return self
        if start >= stop:
            return NO_IDS
        paths = self.paths[start:stop] if self.paths is not None else None
        if paths is not None and not any(paths):
            paths = None
        runs: list[range] = []
        passed = 0
        for run in self.runs:
            part = run[max(0, start - passed) : max(0, stop - passed)]
            if part:
                runs.append(part)
            passed += len(run)
            if passed >= stop:
                break
        return Ids(tuple(runs), paths)

    def at(self, positions: Sequence[int]) -> Ids:
        """The ids at the given positions (rising)."""
        if len(positions) == self.size:
            return self
        return Ids.named(self[position] for position in positions)

    def without(self, positions: Sequence[int]) -> Ids:
        """All ids but those at the given positions (rising)."""
        if not positions:
            return self
        if self.paths is None and len(self.runs) == 1:
            run = self.runs[0]
            between = pairwise([-1, *positions, self.size])
            runs = tuple(run[before + 1 : at] for before, at in between if at > before + 1)
            return Ids(runs) if runs else NO_IDS
        parts: list[Ids] = []
        begin = 0
        for position in positions:
            if position > begin:
                parts.append(self.cut(begin, position))
            begin = position + 1
        if begin < self.size:
            parts.append(self.cut(begin, self.size))
        return Ids.concat(parts) if parts else NO_IDS


def _runs(offsets: Iterable[int]) -> tuple[range, ...]:
    runs: list[range] = []
    start = stop = -1
    for offset in offsets:
        if offset == stop:
            stop += 1
            continue
        if stop > start:
            runs.append(range(start, stop))
        start, stop = offset, offset + 1
    if stop > start:
        runs.append(range(start, stop))
    return tuple(runs)


NO_IDS = Ids(())
