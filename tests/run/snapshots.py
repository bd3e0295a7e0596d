"""Snapshots of every possible content, and recordings made of them."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TypeVar, Union

from hypothesis import strategies as st

from metrics.report import RunReport
from metrics.snapshot import Anomaly, FaultState, LogLine, Snapshot
from run.recording.file import RecordingFile
from run.recording.frames import SCHEMA, Header, SnapshotWriter, ending_frame, header_frame
from tests.metrics import made

T = TypeVar("T")
STARTED = datetime(2024, 5, 1, 12, 0, 0, 250_000, tzinfo=UTC)


def anything(type: type[T]) -> st.SearchStrategy[T]:
    """Every value of a type out of which snapshots are made; text with unpaired surrogates included."""
    made: st.SearchStrategy[T] = _of(type)
    return made


def _of(hint: Any) -> st.SearchStrategy[Any]:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin in (Union, types.UnionType):
        return st.one_of([_of(each) for each in arguments])
    if origin is tuple:
        if arguments[-1] is Ellipsis:
            return st.lists(_of(arguments[0]), max_size=2).map(tuple)
        return st.tuples(*[_of(each) for each in arguments])
    if dataclasses.is_dataclass(hint):
        hints = typing.get_type_hints(hint)
        return st.builds(hint, **{name: _of(each) for name, each in hints.items()})  # type: ignore[arg-type]
    return _PLAIN[hint]


_PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    type(None): st.none(),
    bool: st.booleans(),
    int: st.integers(-(2**63), 2**64 - 1),
    float: st.floats(allow_nan=False),
    str: st.text(st.characters(), max_size=4),
    datetime: st.datetimes(timezones=st.just(UTC)),
}


def moment(at_s: float, **changes: Any) -> Snapshot:
    """A snapshot of a run under way, at this second of it."""
    read = int(at_s * 100)
    state = made.snapshot(run=made.records(read=read, delivered=read), elapsed_s=at_s)
    return dataclasses.replace(state, phase="running", **changes)


def anomaly(at_s: float, text: str = "p95 of transform: 900 ms") -> Anomaly:
    return Anomaly("p95", "transform", "step", "warning", at_s, None, 900.0, (None, 80.0), text)


def fault(at_s: float) -> FaultState:
    return FaultState("leak.dict", "transform", (("rate", "0.5"),), at_s, None, "memory grows")


def a_run(seconds: int) -> list[Snapshot]:
    """Snapshots of a run with an anomaly at 3.3 s, one at 7.1 s, and a fault at 5 s; four a second."""
    states = []
    for number in range(seconds * 4):
        at = number / 4
        found = tuple(anomaly(begin) for begin in (3.3, 7.1) if begin <= at)
        faults = (fault(5.0),) if at >= 5 else ()
        log = (LogLine(at, "info", "orders", f"line {number}"),)
        states.append(moment(at, anomalies=found, faults=faults, log=log))
    return states


def recorded(
    path: Path, snapshots: Sequence[Snapshot], report: RunReport | None = None, *, key_every: int = 10
) -> Path:
    """Write a recording."""
    writer = SnapshotWriter(key_every)
    file = RecordingFile(path)
    file.append(header_frame(Header(SCHEMA, "demo", STARTED, 7, "2.0.0", "3.11", 42)))
    for snapshot in snapshots:
        file.append(writer.frame(snapshot))
    if report is not None:
        file.append(ending_frame(report))
    file.close()
    return path
