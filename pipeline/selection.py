"""Which dead letters are to be sent again: by partition and offset, with where their lines stand."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pyroaring import BitMap64

from pipeline.batch import Partition
from pipeline.dead_letters import DeadLetter, placed
from pipeline.errors import ConfigurationError
from pipeline.ids import Id

_NAMED = 3


@dataclass(slots=True)
class Wanted:
    """The records of one partition that are to be sent again."""

    offsets: BitMap64 = field(default_factory=BitMap64)
    lines: dict[int, int] = field(default_factory=dict)
    """By offset, where the line of its (first) dead letter begins, in bytes."""
    partly_kept: BitMap64 = field(default_factory=BitMap64)
    """Those of which the dead letter has not the whole record, so that the source must be read again."""
    children: dict[int, set[str]] = field(default_factory=dict)
    """By offset, the paths that were rejected, where that is not the record as a whole."""

    def wants(self, id: Id) -> bool:
        """Whether a record that was made out of one of these is not settled otherwise already."""
        paths = self.children.get(id.offset)
        return paths is None or any(id.path == path or id.path.startswith(f"{path}.") for path in paths)

    def covers(self, id: Id) -> bool:
        """Whether only some of what was made out of this record was rejected."""
        prefix = f"{id.path}." if id.path else ""
        paths = self.children.get(id.offset, ())
        return id.path not in paths and any(path.startswith(prefix) for path in paths)


@dataclass(frozen=True, slots=True)
class Selection:
    """The dead letters that are to be sent again, and how many there are in all."""

    path: Path
    length: int
    partitions: dict[Partition, Wanted]
    selected: int
    letters: int

    @property
    def records(self) -> int:
        """Records that will be read: several dead letters may be of one record, or one of several."""
        return sum(len(wanted.offsets) for wanted in self.partitions.values())


def select(path: Path, length: int, known: Collection[Partition], names: Collection[str] = ()) -> Selection:
    """Find the dead letters of these names in the first ``length`` bytes of a file; without names, all.

    The name of a record stands for everything that was made out of it. ``known`` are the partitions that
    an id may be of. Raises :class:`~pipeline.errors.ConfigurationError` where a name is not there.
    """
    by_name = {str(partition): partition for partition in known}
    asked = {name: _record(parse(name, by_name)) for name in names}
    records = set(asked.values())
    found: set[tuple[Partition, int]] = set()
    partitions: dict[Partition, Wanted] = {}
    selected = letters = 0
    for position, letter in placed(path, length) if length else ():
        letters += 1
        partition, id = parse(letter.id, by_name)
        if names and (partition, id.offset) not in records:
            continue
        selected += 1
        found.add((partition, id.offset))
        _add(partitions, by_name, letter, position, partition, id)
    missing = [name for name, record in asked.items() if record not in found]
    if missing:
        raise ConfigurationError(
            f"no dead letter has the id {missing[0]!r}"
            + (f", nor {len(missing) - 1} more of those given" if len(missing) > 1 else "")
            + "; `dlq list` shows them"
        )
    return Selection(path, length, partitions, selected, letters)


def parse(name: str, known: Mapping[str, Partition]) -> tuple[Partition, Id]:
    """A record's name, ``SOURCE/PARTITION:OFFSET``, in parts. Raises ConfigurationError."""
    place, _, number = name.rpartition(":")
    offset, _, path = number.partition(".")
    if not place or not offset.isdecimal() or not all(part.isdecimal() for part in path.split(".") if path):
        raise ConfigurationError(f"{name!r} is no id of a record; it looks like SOURCE/PARTITION:OFFSET")
    if place not in known:
        near = difflib.get_close_matches(place, known, n=1)
        hint = f"did you mean {near[0]}:{number}?" if near else f"there is {', '.join(list(known)[:_NAMED])}"
        raise ConfigurationError(f"{name!r}: no partition {place!r} is known; {hint}")
    return known[place], Id(int(offset), path)


def _record(name: tuple[Partition, Id]) -> tuple[Partition, int]:
    return name[0], name[1].offset


def _add(
    partitions: dict[Partition, Wanted],
    known: Mapping[str, Partition],
    letter: DeadLetter,
    position: int,
    partition: Partition,
    id: Id,
) -> None:
    wanted = partitions.setdefault(partition, Wanted())
    wanted.offsets.add(id.offset)
    wanted.lines.setdefault(id.offset, position)
    if letter.form == "shown":
        wanted.partly_kept.add(id.offset)
    if id.path:
        wanted.children.setdefault(id.offset, set()).add(id.path)
    for name in letter.stands_for:
        place, follower = parse(name, known)
        others = partitions.setdefault(place, Wanted())
        if follower.offset not in others.offsets:
            others.offsets.add(follower.offset)
            others.partly_kept.add(follower.offset)
        if follower.path:
            others.children.setdefault(follower.offset, set()).add(follower.path)
