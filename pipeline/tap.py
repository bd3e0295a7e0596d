"""A look at records on their way: what each stage was given and what it made of it, as short texts.

Off, it costs a test of one attribute for each slice of a batch. On, it looks at a few records a second of
each stage, the same ones along a chain, and at the one record that somebody follows wherever that comes.
"""

from __future__ import annotations

import random
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal, Protocol

from pipeline.batch import Batch, Glance, Partition, Rejection
from pipeline.clock import Clock
from pipeline.errors import ConfigurationError
from pipeline.glimpse import glimpse
from pipeline.ids import Id, Ids
from pipeline.stages import Family, Merger

Fate = Literal["given", "filtered", "rejected", "held"]

EVERY_S = 0.25
"""How often one of a stage's records is looked at."""
KEPT = 256
"""So many looks are kept, and as many at the record that is followed."""
NAMES = 64
"""So many names a followed record may go by: its own, and those of what it was merged into."""
AT_ONCE = 16
"""So many children of the followed record are looked at in one slice."""
CHILDREN = 4
"""So many children of one record are shown."""


@dataclass(frozen=True, slots=True)
class Look:
    """A record at one stage, ``at`` in monotonic seconds. ``after`` is what the stage made of it: what
    went on, or why nothing did."""

    at: float
    id: str
    stage: str
    before: str
    after: str
    outcome: Fate
    followed: bool


class Made(Protocol):
    """What a stage made of some records of one partition."""

    ids: Ids
    values: list[Any]
    filtered: Ids
    rejected: list[Rejection]


class Released(Made, Protocol):
    """What a stage with a memory gave up of one partition."""

    partition: Partition
    lineage: list[Family | Merger]


class Written(Protocol):
    """A batch that the sink has."""

    @property
    def batch(self) -> Batch: ...
    @property
    def given(self) -> Ids: ...
    @property
    def written(self) -> Iterable[Id]: ...
    @property
    def refused(self) -> list[Rejection]: ...


class Trail:
    """The records of one slice that are looked at, through all stages of a chain."""

    def __init__(self, tap: Tap, partition: Partition, *, sampled: bool) -> None:
        self._tap = tap
        self._partition = partition
        self._wants_one = sampled
        self._picked: list[Id] = []
        self._glances: list[Glance] = []

    def before(self, stage: str, ids: Ids, values: Sequence[Any]) -> None:
        """``stage`` is about to be given these."""
        self._glances = []
        followed = self._tap.followed_among(self._partition, ids)
        if self._wants_one and ids:
            self._wants_one = False
            self._picked = [ids[random.randrange(ids.size)]]
        here = [*followed, *(at for id in self._picked for at in list(_places(ids, id))[:1])]
        for at in dict.fromkeys(here):
            glance = Glance(stage, self._partition, ids[at], glimpse(values[at]), at in followed)
            self._glances.append(glance)

    def after(self, made: Made) -> None:
        """And this is what it made of them."""
        for glance in self._glances:
            self._tap.saw(glance, *(_fate(glance, made) or ("held", "")))
        self._glances = []

    def take(self) -> list[Glance]:
        """The looks that somebody else will see the end of."""
        taken, self._glances = self._glances, []
        return taken


class Tap:
    """Safe to use from any thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._sampling = False
        self._following: dict[str, set[Id]] = {}
        """By partition, the names of what is followed."""
        self._held: dict[tuple[str, Partition, Id], str] = {}
        self._due: dict[str, float] = {}
        self._sampled: deque[Look] = deque(maxlen=KEPT)
        self._followed: deque[Look] = deque(maxlen=KEPT)
        self.on = False
        """Whether anything is looked at."""

    # What a front end asks

    def switch(self, on: bool) -> None:
        """Begin, or stop, to look at a few records a second of each stage."""
        with self._lock:
            self._sampling = on
            if not on:
                self._sampled.clear()
            self.on = self._sampling or bool(self._following)

    def follow(self, id: str | None) -> None:
        """Look at this record (``SOURCE/PARTITION:OFFSET``) at every stage that it comes to from now on,
        at its children, and at what it is merged into; None follows nothing.

        Raises :class:`~pipeline.errors.ConfigurationError` for what is no id.
        """
        names = {} if id is None else _parsed(id)
        with self._lock:
            self._following = names
            self._held.clear()
            self._followed.clear()
            self.on = self._sampling or bool(names)

    def samples(self) -> tuple[Look, ...]:
        """The newest looks, in order of time."""
        with self._lock:
            return tuple(sorted([*self._sampled, *self._followed], key=lambda look: look.at))

    # What the stages tell; only while it is on

    def trail(self, stage: str, partition: Partition, ids: Ids) -> Trail | None:
        """How to look at the records that ``stage`` is about to be given; None where there is no need."""
        if not ids:
            return None
        now = self._clock.monotonic()
        with self._lock:
            sampled = self._sampling and now >= self._due.get(stage, now)
            if sampled:
                self._due[stage] = now + EVERY_S
        if sampled or self.followed_among(partition, ids):
            return Trail(self, partition, sampled=sampled)
        return None

    def followed_among(self, partition: Partition, ids: Ids) -> list[int]:
        """Where the followed record, or what it became or came from, is among these."""
        names = self._following and self._following.get(str(partition))
        if not names:
            return []
        return list(islice((at for name in tuple(names) for at in _places(ids, name)), AT_ONCE))

    def saw(self, glance: Glance, outcome: Fate, after: str) -> None:
        """What became of a record."""
        at = self._clock.monotonic()
        id = glance.partition.record(glance.id)
        look = Look(at, id, glance.stage, glance.before, after, outcome, glance.followed)
        with self._lock:
            (self._followed if glance.followed else self._sampled).append(look)
            if outcome == "held" and glance.followed:
                self._held[glance.stage, glance.partition, glance.id] = glance.before

    def gave_up(self, stage: str, trail: Trail | None, groups: Sequence[Released]) -> None:
        """A stage with a memory gave these up: of what it was just given, and of what it held before."""
        glances = trail.take() if trail is not None else []
        self._learn(fact for group in groups for fact in group.lineage if isinstance(fact, Merger))
        for glance in glances:
            self.saw(glance, *_fate_among(glance, groups))
        now = {(glance.partition, glance.id) for glance in glances}
        for held, before in list(self._held.items()):
            if held[0] != stage or held[1:] in now:
                continue
            glance = Glance(*held, before, followed=True)
            outcome, after = _fate_among(glance, groups)
            if outcome != "held":
                with self._lock:
                    self._held.pop(held, None)
                self.saw(glance, outcome, after)

    def at_output(self, stage: str, batch: Batch, trail: Trail | None = None) -> None:
        """A batch is about to be turned into what the sink writes; the sink tells the rest."""
        if self.on and isinstance(batch.values, list):
            trail = trail or self.trail(stage, batch.partition, batch.ids)
            if trail is not None:
                trail.before(stage, batch.ids, batch.values)
                batch.glances += trail.take()

    def delivered(self, delivered: Written, sink: str) -> None:
        """The sink was given a batch, and says what it wrote of it."""
        receipt = None if delivered.written is delivered.given else set(delivered.written)
        reasons = {letter.id: letter.reason for letter in delivered.refused}
        for glance in delivered.batch.glances:
            if glance.id in reasons:
                self.saw(glance, "rejected", reasons[glance.id])
            elif next(_places(delivered.given, glance.id), None) is not None:
                if receipt is None or glance.id in receipt:
                    self.saw(glance, "given", f"written to {sink}")
                else:
                    self.saw(glance, "held", f"{sink} did not say that it wrote it")

    def _learn(self, mergers: Iterable[Merger]) -> None:
        for merger in mergers:
            for partition, id in merger.followers:
                names = self._following.get(str(partition), ())
                if any(_related(name, id) for name in tuple(names)):
                    with self._lock:
                        if sum(map(len, self._following.values())) < NAMES:
                            self._following.setdefault(str(merger.partition), set()).add(merger.leader)
                    break


def _parsed(id: str) -> dict[str, set[Id]]:
    partition, colon, rest = id.rpartition(":")
    offset, dot, path = rest.partition(".")
    children = path.split(".") if dot else []
    if not colon or "/" not in partition or not all(part.isdecimal() for part in (offset, *children)):
        raise ConfigurationError(f"{id!r} is no id of a record; write SOURCE/PARTITION:OFFSET")
    return {partition: {Id(int(offset), path)}}


def _related(one: Id, other: Id) -> bool:
    """Whether one of them is the other, or came from it."""
    if one.offset != other.offset:
        return False
    shorter, longer = sorted((one.path, other.path), key=len)
    return not shorter or longer == shorter or longer.startswith(f"{shorter}.")


def _places(ids: Ids, id: Id) -> Iterator[int]:
    """The positions among ``ids`` of a record, of those it came from, and of its children."""
    passed = 0
    for run in ids.runs:
        if run.start <= id.offset < run.stop:
            at = passed + id.offset - run.start
            if ids.paths is None or _related(ids[at], id):
                yield at
        passed += len(run)


def _fate(glance: Glance, made: Made) -> tuple[Fate, str] | None:
    """What became of a record, and in words; None where it is not among these."""
    if (places := list(_places(made.ids, glance.id))) and made.values:
        texts = [glimpse(made.values[at]) for at in places[:CHILDREN]]
        more = [f"… {len(places) - CHILDREN} more"] if len(places) > CHILDREN else []
        return "given", _together([*texts, *more])
    for letter in made.rejected:
        if _related(letter.id, glance.id):
            return "rejected", letter.reason
    if next(_places(made.filtered, glance.id), None) is not None:
        return "filtered", ""
    return None


def _fate_among(glance: Glance, groups: Sequence[Released]) -> tuple[Fate, str]:
    for group in groups:
        if group.partition == glance.partition and (fate := _fate(glance, group)) is not None:
            return fate
    for group in groups:
        for fact in group.lineage:
            if isinstance(fact, Merger) and (glance.partition, glance.id) in fact.followers:
                return "given", f"merged into {fact.partition.record(fact.leader)}"
    return "held", ""


def _together(texts: list[str]) -> str:
    """One text for all children of a record."""
    return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
