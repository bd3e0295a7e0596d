"""What an experiment changes about a run: plain values that go to the other process as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Literal

import msgspec


@dataclass(frozen=True, slots=True)
class Delay:
    """Wait ``seconds`` each time before a line of the user's source is executed."""

    file: str
    line: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Patch:
    """Lines ``first`` to ``last`` (from 1, both included) of a file are ``lines`` instead; ``last`` =
    ``first - 1`` inserts."""

    file: str
    first: int
    last: int
    lines: tuple[str, ...]


def patched(text: str, patches: Iterable[Patch]) -> str:
    """A text with some of its lines replaced; all patches speak of the lines as they were."""
    lines = text.splitlines()
    for each in sorted(patches, key=lambda each: -each.first):
        lines[each.first - 1 : each.last] = each.lines
    return "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True)
class ClockChange:
    """What the user's code sees of the time; the engine's own clock is not touched.

    ``step_s`` is added to the wall clock from the record number ``step_at`` on; wall and monotonic
    clocks run ``slew`` times as fast; ``frozen`` makes each reading a fixed step after the one before.
    """

    step_s: float = 0.0
    step_at: int = 0
    slew: float = 1.0
    frozen: bool = False


ALL = "*"
"""Everything, where things are named that are to be set back."""

Collector = Literal["on", "off", "each_batch"]
Driver = Literal["threads", "serial"]
SinkChoice = Literal["count", "own"]


@dataclass(frozen=True, slots=True)
class Change:
    """One thing (seldom more) that a run is to have different. The default changes nothing but the sink.

    - ``limit``: read so many records; ``start``: pass over so many first; ``only``: read only these ids
      (``SOURCE/PARTITION:OFFSET``); ``repeat``: read the first ``limit / repeat`` records so many times.
    - ``copy``: the values that these stages give are copied deeply (``ingestion``: those that were read).
    - ``lock``: calls of these stages' functions exclude one another.
    - ``clear``: containers (by their name in an observation) that are emptied whenever they hold more
      than ``clear_above`` items.
    - ``slow``: stages that wait so many seconds more for each record.
    - ``forget``: what functions of the user's remember under these names (:data:`ALL`: whatever it is) is set
      back, before each call of a stage that is a function, to what it was at first.
    - ``objects``: live objects of these classes of the user's are counted, whether the cyclic collector is on
      or off.
    - ``steady``: the times of stages are taken by the machine's clock and no other.
    - ``seeded``: ``random`` and ``uuid`` give the same in every run.
    """

    limit: int | None = None
    start: int = 0
    only: tuple[str, ...] | None = None
    repeat: int = 1
    batch_size: int | None = None
    workers: int | None = None
    driver: Driver = "threads"
    seed: int = 0
    copy: tuple[str, ...] = ()
    lock: tuple[str, ...] = ()
    delays: tuple[Delay, ...] = ()
    clear: tuple[str, ...] = ()
    clear_above: int = 0
    slow: tuple[tuple[str, float], ...] = ()
    collector: Collector = "on"
    clock: ClockChange | None = None
    forget: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()
    steady: bool = False
    seeded: bool = False
    sink: SinkChoice = "count"
    patches: tuple[Patch, ...] = ()
    duration_s: float | None = None

    def described(self) -> str:
        """What is different, in words; ``as it is`` where nothing is."""
        parts = []
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in ("seed", "duration_s") or value == field.default:
                continue
            parts.append(f"{field.name}={_short(value)}")
        return ", ".join(parts) or "as it is"


def _short(value: object) -> str:
    if isinstance(value, tuple) and len(value) > 3:
        return f"{len(value)} items"
    if isinstance(value, tuple):
        return "+".join(_short(each) for each in value)
    if isinstance(value, Delay):
        return f"{value.seconds:g}s before line {value.line}"
    if isinstance(value, Patch):
        return f"lines {value.first}-{value.last} replaced"
    if isinstance(value, ClockChange):
        told = [
            f"{f.name}={getattr(value, f.name)}" for f in fields(value) if getattr(value, f.name) != f.default
        ]
        return " ".join(told) or "own"
    return str(value)


def to_json(change: Change) -> str:
    """A change as one line; what is as by default is left out."""
    given = {f.name: getattr(change, f.name) for f in fields(change) if getattr(change, f.name) != f.default}
    return msgspec.json.encode(given).decode()


def from_json(text: str) -> Change:
    """The reverse of :func:`to_json`. Raises ValueError."""
    try:
        return msgspec.json.decode(text, type=Change)
    except msgspec.MsgspecError as error:
        raise ValueError(str(error)) from error
