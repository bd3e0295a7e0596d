"""What a fault is: a bug as a user might have written it, as text, and what it must change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, get_args

Family = Literal["race", "leak", "batching", "shared_state", "clock", "handles", "lookalike"]
FAMILIES: tuple[Family, ...] = get_args(Family)

Site = Literal["record", "batch", "sink", "source", "arrivals", "timer", "queue", "machine"]
"""Where a fault is put in.

``record``: a function around that of a stage. ``batch``: a stage with a memory in the place of one. ``sink``:
around the writing. ``source``: what was read, before it is decoded. ``arrivals``: when a source may be read.
``timer``: the clock by which a stage is measured. ``queue``: the sink, and the queue before it. ``machine``:
a process beside this one.
"""

Kind = Literal["whole", "share", "number", "seconds"]
Value = int | float

Intensity = Literal["low", "medium", "high"]
INTENSITIES: tuple[Intensity, ...] = get_args(Intensity)

Evidence = Literal[
    "lost",
    "duplicated",
    "rejected",
    "filtered",
    "changed",
    "grows",
    "held_open",
    "threads",
    "slow",
    "stalls",
    "fails",
    "impossible_times",
    "collections",
    "processor",
    "uneven",
    "backlog",
    "plateau",
]
"""What of a run must differ.

Ids lost or twice; records rejected, or filtered, that were not before; values that differ; a container (or
type) that grows with the records; files, or threads, left open; time taken; no move at all; an end with exit
code 1; times that cannot be; more collections; a busy processor; an uneven rate; a queue beyond its bound; a
container that grows up to a limit.
"""


@dataclass(frozen=True, slots=True)
class Param:
    """A number that may be given: the constant of its name, in capitals, in the fault's text."""

    name: str
    default: Value
    help: str
    kind: Kind = "whole"
    least: Value = 0
    most: Value = 1_000_000_000

    @property
    def constant(self) -> str:
        """What the text calls it."""
        return self.name.upper()


RATE = Param("rate", 1.0, "share of the records or batches that it happens to", "share", 0.0, 1.0)


@dataclass(frozen=True, slots=True)
class Variant:
    """A fault.

    ``text`` is Python source that defines, by site:

    - ``record``: the function ``around(call)``, which gives another function of one record
    - ``batch``: the class ``Blocks(handle)``, a stage with a memory
    - ``sink``, ``queue``: the class ``Out(sink)``
    - ``source``: the function ``clean(raws)``
    - ``arrivals``: the class ``Gate(pace)``
    - ``timer``: the class ``Timer(clock)``

    When it is taken out, an Event ``closing`` of it is set, which ends its waits, and then its ``close()`` is
    called. A function ``wall()`` of it takes the place of the time of day. The line at fault ends with
    ``#!``. ``cause`` is what a diagnosis should call it; ``holder`` names the container that grows.
    """

    name: str
    cause: str
    help: str
    symptom: str
    evidence: Evidence
    site: Site
    text: str = ""
    params: tuple[Param, ...] = ()
    low: Mapping[str, Value] = field(default_factory=lambda: MappingProxyType({}))
    high: Mapping[str, Value] = field(default_factory=lambda: MappingProxyType({}))
    holder: str | None = None

    @property
    def family(self) -> str:
        """The part of the name before the dot."""
        return self.name.partition(".")[0]

    def preset(self, intensity: Intensity) -> dict[str, Value]:
        """The parameters at an intensity: the defaults are those of ``medium``."""
        values = {param.name: param.default for param in self.params}
        values.update(self.low if intensity == "low" else self.high if intensity == "high" else {})
        return values
