"""The outcome of a stage for some records, and how a record's failure is told."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import GeneratorType, NoneType, TracebackType
from typing import Any

from pipeline.batch import Originals, Rejection
from pipeline.control import Failure
from pipeline.errors import PipelineError, Reject
from pipeline.ids import NO_IDS, Id, Ids

FATAL = (MemoryError,)
"""Exceptions that say nothing about the record at hand: they end the run."""

SPECIAL = frozenset({NoneType, list, Reject, GeneratorType})
"""What a function of one record may return that is not the one value that goes on.

These types themselves; of those that extend them only verdicts are no values (see :func:`is_special`).
"""


def is_special(kind: type) -> bool:
    """Whether results of this type are something other than one value that goes on."""
    return kind in SPECIAL or issubclass(kind, Reject)


@dataclass(slots=True)
class Bad:
    """A record that failed: its position among those given, and why, as text.

    Text, not the exception: that would keep its traceback, the frames and so the batch alive.
    """

    position: int
    reason: str
    traceback: str | None = None
    attempts: int = 1


@dataclass(slots=True)
class Outcome:
    """What became of the records given to an operator.

    ``ids`` and ``values`` go on. ``created`` counts the children beyond one a record.
    """

    ids: Ids
    values: list[Any]
    filtered: Ids = NO_IDS
    rejected: list[Rejection] = field(default_factory=list)
    families: list[tuple[Id, int]] = field(default_factory=list)
    created: int = 0


def children(parent: Id, results: list[Any]) -> Iterator[tuple[Id, Any]]:
    """What a stage returned in the place of one record, each with its id: values, and None or verdicts where
    these are not wanted."""
    return ((parent.child(index), result) for index, result in enumerate(results))


def rejections(
    stage: str, ids: Ids, values: list[Any] | None, bad: list[Bad], originals: Originals | None
) -> list[Rejection]:
    """The dead letters of the bad ones; ``values`` are what the stage was given, where worth keeping."""
    return [
        letter(
            stage, ids[item.position], values[item.position] if values is not None else None, item, originals
        )
        for item in bad
    ]


def letter(stage: str, id: Id, value: Any, bad: Bad, originals: Originals | None) -> Rejection:
    """The dead letter of one record; ``value`` is kept where it is not what was read anyway."""
    original = originals.of(id) if originals is not None else None
    whole = original is not None
    if original is None:
        original, value = value, None
    elif value is original:
        value = None
    return Rejection(id, stage, bad.reason, original, value, bad.traceback, bad.attempts, whole)


FUSED = "<fused stages>"
"""What the loop written for chained stages calls its file."""

_ENGINE = str(Path(__file__).resolve().parent.parent)

_frames: dict[tuple[tuple[object, int], ...], str] = {}
_FRAMES_KEPT = 256


def describe(error: BaseException) -> tuple[str, str]:
    """A one-line reason and the traceback of an exception, as text.

    Formatting a traceback reads source files; failures mostly repeat themselves, so that the
    frames are formatted once for each place.
    """
    message = text_of(error)
    reason = f"{type(error).__name__}: {message}" if message else type(error).__name__
    trace = _below_the_engine(error.__traceback__)
    if error.__cause__ is not None or error.__context__ is not None:
        return reason, "".join(traceback.format_exception(error.with_traceback(trace)))
    key = _places(trace)
    frames = _frames.get(key)
    if frames is None:
        frames = "".join(traceback.format_tb(trace))
        if len(_frames) < _FRAMES_KEPT:
            _frames[key] = frames
    return reason, f"Traceback (most recent call last):\n{frames}{reason}\n"


def text_of(error: BaseException) -> str:
    """What an exception says; its ``__str__`` is the user's, and may fail."""
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - a record whose failure cannot be told is rejected all the same
        return "(it cannot be shown as text)"


def failure_of(stage: str, error: BaseException) -> Failure:
    """What to tell about an exception that ends the run; the product's own say already where it was."""
    reason, trace = describe(error)
    message = text_of(error) if isinstance(error, PipelineError) else f"stage {stage!r} died: {reason}"
    return Failure(stage, message, trace)


def _below_the_engine(trace: TracebackType | None) -> TracebackType | None:
    """The traceback from the user's first frame on; the whole one where there is none."""
    frame = trace
    while frame is not None:
        name = frame.tb_frame.f_code.co_filename
        if name != FUSED and not name.startswith(_ENGINE):
            return frame
        frame = frame.tb_next
    return trace


def _places(trace: TracebackType | None) -> tuple[tuple[object, int], ...]:
    places = []
    while trace is not None:
        places.append((trace.tb_frame.f_code, trace.tb_lineno))
        trace = trace.tb_next
    return tuple(places)
