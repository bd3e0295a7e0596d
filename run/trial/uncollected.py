"""Objects in cycles where the cyclic collector is off: nobody holds them, and nothing frees them."""

from __future__ import annotations

import gc
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from types import FunctionType

from diagnosis.observation import GARBAGE, Container
from run.trial.containers import SupportsContains

_MOST = 8
_SOONER = 6
"""Where classes are wanted, and the collector is on, it collects at every so many-th sample at least."""
_FREED = 0.5
"""Of the objects that are there in the end, a collection frees so many at least, or they are held."""


class Uncollected:
    """Counts live objects of classes of the user's, at each sample at which the collector is off.

    Where it is on nothing is counted, but for classes that are ``wanted``: those are counted whatever the
    collector does, to see whether it has done its work.
    """

    def __init__(self, files: SupportsContains, wanted: Sequence[str], *, ours: bool) -> None:
        """``ours``: it is the trial that switched the collector off."""
        self._files = files
        self._wanted = frozenset(wanted)
        self._idle = ours and not wanted
        self._was_off = False
        self._samples = 0
        self._mine: dict[int, tuple[type, bool]] = {}
        self._lengths: dict[int, list[int]] = {}
        if self._wanted:
            # What is there before the first record is not looked at, and need not be collected.
            gc.freeze()

    def look(self) -> None:
        """One sample."""
        self._samples += 1
        if self._idle:
            return
        if not self._wanted and not _off():
            # Who switches it off for a while only, as around a loading, lets it do its work later.
            self._idle = self._was_off
            self._lengths.clear()
            return
        self._was_off = True
        if self._wanted and not _off() and self._samples % _SOONER == 0:
            # What a collector that is on does sooner or later; a trial may be too short for it.
            gc.collect()
        # Without collections all objects stay among the youngest.
        counts = self._count(None if self._wanted else 0)
        for kind in counts:
            self._lengths.setdefault(kind, [0] * (self._samples - 1))
        for kind, lengths in self._lengths.items():
            lengths.append(counts.get(kind, 0))

    def thin(self) -> None:
        """Leave out every other sample, as the watch does of all that it has."""
        kept = len(range(self._samples)[1:-1:2])
        self._samples -= kept
        for lengths in self._lengths.values():
            del lengths[1:-1:2]

    def found(self, stage_of: Callable[[type], str | None]) -> list[Container]:
        """The classes of which there are more and more. Collects garbage where there are any."""
        if self._idle or not self._lengths:
            return []
        more = sorted(self._lengths, key=lambda kind: self._lengths[kind][0] - self._lengths[kind][-1])
        more = [kind for kind in more if max(self._lengths[kind]) > min(self._lengths[kind])][:_MOST]
        if more and not self._wanted:
            before = self._count(None)
            gc.collect()
            after = self._count(None)
            more = [kind for kind in more if after.get(kind, 0) <= (1 - _FREED) * before.get(kind, 0)]
        return [self._container(self._mine[kind][0], stage_of) for kind in more]

    def _container(self, kind: type, stage_of: Callable[[type], str | None]) -> Container:
        return Container(
            f"objects of class {kind.__qualname__}",
            GARBAGE,
            stage_of(kind),
            None,
            kind.__qualname__,
            tuple(self._lengths[id(kind)]),
            float(kind.__basicsize__),
            f"{kind.__module__}.{kind.__qualname__}",
            clearable=False,
        )

    def _count(self, generation: int | None) -> dict[int, int]:
        """How many objects there are of each class of the user's, by the identity of the class."""
        objects = gc.get_objects(generation=generation)
        # A class need not be hashable, and its identity is.
        kinds = {id(kind): kind for kind in map(type, objects)}
        counts = Counter(map(id, map(type, objects)))
        return {identity: counts[identity] for identity, kind in kinds.items() if self._is_mine(kind)}

    def _is_mine(self, kind: type) -> bool:
        known = self._mine.get(id(kind))
        if known is None:
            mine = any(file in self._files for file in files_of_class(kind))
            mine = mine and (not self._wanted or kind.__qualname__ in self._wanted)
            # Kept, so that no other class gets its identity.
            known = self._mine[id(kind)] = (kind, mine)
        return known[1]


def files_of_class(kind: type) -> set[str]:
    """Where a class is defined, as far as its module or its methods tell."""
    found = {value.__code__.co_filename for value in vars(kind).values() if isinstance(value, FunctionType)}
    file = getattr(sys.modules.get(str(kind.__module__)), "__file__", None)
    return found | {file} if isinstance(file, str) else found


def _off() -> bool:
    """Whether nothing is ever collected but by hand."""
    return not gc.isenabled() or gc.get_threshold()[0] == 0
