"""What passes between a run that listens and screens attached to it: frames of a recording, and calls.

The run begins with :data:`~run.recording_frames.MAGIC` and a header, then sends its state and snapshots
as they come, and at its end the report. A screen sends calls; each is answered.
"""

from __future__ import annotations

import inspect
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import msgspec

from pipeline.errors import ConfigurationError
from run.live import FaultChoice, LetterLine, LiveRun, Power
from run.recording.frames import HEAD_BYTES, MAGIC, Frame, escaped, frame_length, frame_of, unescaped


class Message(IntEnum):
    """Kinds of frames beside those of a recording."""

    STATE = 16
    CALL = 17
    ANSWER = 18


class State(msgspec.Struct, frozen=True, array_like=True):
    """What a front end may ask of the run now, and whether it is over."""

    powers: frozenset[Power]
    read_only: bool
    finished: bool


class Call(msgspec.Struct, frozen=True, array_like=True):
    """``number`` is given back in the answer."""

    number: int
    method: str
    arguments: tuple[msgspec.Raw, ...]


class Answer(msgspec.Struct, frozen=True, array_like=True):
    """``error`` is what the method raised, in words; else ``result`` is what it gave."""

    number: int
    error: str | None
    result: msgspec.Raw


@dataclass(frozen=True, slots=True)
class Method:
    """A method of :class:`~run.live.LiveRun` that can be called from elsewhere. ``changes`` marks what a
    read-only run refuses."""

    arguments: tuple[Any, ...]
    result: Any
    changes: bool = True


METHODS: dict[str, Method] = {
    "pause": Method((), None),
    "resume": Method((), None),
    "step_record": Method((), None),
    "step_batch": Method((), None),
    "set_rate": Method((float | None,), None),
    "drain": Method((), None),
    "abort": Method((), None),
    "faults": Method((), Sequence[FaultChoice], changes=False),
    "inject": Method((str,), None),
    "lift_faults": Method((), None),
    "take_census": Method((), None),
    "diagnose": Method((), None),
    "tap": Method((bool,), None, changes=False),
    "follow": Method((str | None,), None, changes=False),
    "letters": Method((str, int, int), Sequence[LetterLine], changes=False),
    "letter": Method((str,), str, changes=False),
    "save_recording": Method((str,), None),
}

LOCAL = frozenset({"printed", "resend_letters", "play", "set_speed", "step_frame", "seek", "seek_mark"})
"""Methods of LiveRun that mean nothing to a run elsewhere: one that is over has let go of its screens."""


def methods_of_live_runs() -> set[str]:
    """The names of all methods that a front end may call."""
    return {name for name, _ in inspect.getmembers(LiveRun, inspect.isfunction) if not name.startswith("_")}


def packed(kind: Message, value: State | Call | Answer) -> bytes:
    """A message as a frame."""
    return Frame(kind, 0.0, msgspec.msgpack.encode(value)).encode()


def raw(value: object) -> msgspec.Raw:
    """An argument or a result."""
    return msgspec.Raw(msgspec.msgpack.encode(escaped(value)))


def plain(data: msgspec.Raw, type: Any) -> Any:
    """What :func:`raw` was given. Raises :class:`msgspec.DecodeError`."""
    return unescaped(msgspec.msgpack.decode(data, type=type))


def perform(run: LiveRun, call: Call, *, read_only: bool) -> Answer:
    """Carry a call out; whatever goes wrong is in the answer."""
    try:
        return Answer(call.number, None, raw(_performed(run, call, read_only=read_only)))
    except ConfigurationError as error:
        return Answer(call.number, escaped(str(error)), raw(None))
    except Exception as error:  # noqa: BLE001 - a screen far away is no reason for the run to fail
        return Answer(call.number, escaped(f"{type(error).__name__}: {error}"), raw(None))


def _performed(run: LiveRun, call: Call, *, read_only: bool) -> object:
    method = METHODS.get(call.method)
    if method is None:
        raise ConfigurationError(f"this run knows no {call.method!r}; it may be of an older version")
    if method.changes and read_only:
        raise ConfigurationError("read-only: the run was started so that nobody can change it from here")
    arguments = [plain(given, wanted) for given, wanted in zip(call.arguments, method.arguments, strict=True)]
    done: Callable[..., object] = getattr(run, call.method)
    return done(*arguments)


class FrameBuffer:
    """Cuts what comes out of a socket into frames."""

    def __init__(self, *, magic: bool) -> None:
        self._data = bytearray()
        self._magic = magic

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that are whole by now.

        Raises :class:`~pipeline.errors.ConfigurationError` for what is none.
        """
        self._data += data
        if self._magic:
            if len(self._data) < len(MAGIC):
                return []
            if not self._data.startswith(MAGIC):
                raise ConfigurationError("what answers is no run of this monitor")
            del self._data[: len(MAGIC)]
            self._magic = False
        frames = []
        while len(self._data) >= HEAD_BYTES:
            head = bytes(self._data[:HEAD_BYTES])
            length = frame_length(head)
            if length is None:
                raise ConfigurationError("the connection is damaged")
            if len(self._data) < HEAD_BYTES + length:
                break
            frame = frame_of(head, bytes(self._data[HEAD_BYTES : HEAD_BYTES + length]))
            if frame is None:
                raise ConfigurationError("the connection is damaged")
            del self._data[: HEAD_BYTES + length]
            frames.append(frame)
        return frames


CREDENTIALS = struct.Struct("3i")
"""What SO_PEERCRED gives: process, user, group."""
