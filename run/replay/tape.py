"""A recording that is read: every frame up to the last whole one, and any moment of it."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import replace
from io import BufferedReader
from pathlib import Path

import msgspec

from metrics.report import RunReport
from metrics.snapshot import Anomaly, FaultState, Snapshot
from metrics.verdict import exit_code, judge
from pipeline.errors import ConfigurationError
from run.live import Mark
from run.recording.frames import (
    HEAD_BYTES,
    MAGIC,
    Frame,
    Kind,
    SnapshotReader,
    frame_length,
    frame_of,
    header_of,
    report_of,
    snapshot_of,
)

TICK_S = 1e-6
"""Between two snapshots of one time, so that each can be gone to."""


class _Marked(msgspec.Struct):
    """The part of a snapshot that marks come from."""

    elapsed_s: float
    problem: str | None = None
    anomalies: tuple[Anomaly, ...] = ()
    faults: tuple[FaultState, ...] = ()


class Tape:
    """Gives the snapshots of a recording by number. For one thread at a time.

    ``times`` are their seconds of the run, each later than the one before. ``damage`` says, in words, why a
    recording ends before the run's end; None where it is whole.
    """

    def __init__(self, path: Path) -> None:
        """Raises :class:`~pipeline.errors.ConfigurationError` where there is nothing that can be shown."""
        self.path = path
        self.times = array("d")
        self.damage: str | None = None
        self._offsets = array("Q")
        self._keys = array("Q")
        """The numbers of the key frames."""
        self._ending: RunReport | None = None
        self._reader = SnapshotReader()
        self._read_to = -1
        """The number of the frame that the reader has decoded last."""
        self._file = self._opened()
        try:
            self._index()
        except OSError as error:
            raise ConfigurationError(f"{path}: it cannot be read: {error.strerror or error}") from error
        if not self.times:
            raise ConfigurationError(f"{path}: the recording has no snapshot in it{_because(self.damage)}")

    def _opened(self) -> BufferedReader:
        if self.path.is_dir():
            raise ConfigurationError(f"{self.path}: is a folder; give the file that --record wrote")
        try:
            return self.path.open("rb")
        except FileNotFoundError:
            raise ConfigurationError(
                f"{self.path}: there is no such file; give the file that --record wrote"
            ) from None
        except OSError as error:
            reason = error.strerror or str(error)
            raise ConfigurationError(f"{self.path}: it cannot be opened: {reason}") from error

    def __len__(self) -> int:
        return len(self.times)

    @property
    def whole(self) -> bool:
        """Whether the run was recorded to its end."""
        return self._ending is not None

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _index(self) -> None:
        begin = self._file.read(len(MAGIC))
        if begin != MAGIC:
            what = "it is empty" if not begin else "it is no recording, or its begin is damaged"
            raise ConfigurationError(f"{self.path}: {what}; give the file that --record wrote")
        first = self._next()
        if first is None:
            raise ConfigurationError(f"{self.path}: the recording has no header{_because(self.damage)}")
        try:
            self.header = header_of(first)
        except ConfigurationError as error:
            raise ConfigurationError(f"{self.path}: {error}") from error
        while (offset := self._file.tell()) >= 0 and (frame := self._next()) is not None:
            if frame.plain_kind == Kind.ENDING:
                self._ending = self._report_in(frame)
                break
            if frame.plain_kind not in (Kind.KEY, Kind.NEXT) or not (
                self._keys or frame.plain_kind == Kind.KEY
            ):
                # Kinds of a later version tell nothing that this one knows to show.
                continue
            if frame.plain_kind == Kind.KEY:
                self._keys.append(len(self.times))
            self._offsets.append(offset)
            self.times.append(max(frame.at_s, self.times[-1] + TICK_S if self.times else 0.0))
        if self._ending is None:
            self.damage = self.damage or "the run was not ended in good order"
        else:
            self.damage = None

    def _report_in(self, frame: Frame) -> RunReport | None:
        try:
            return report_of(frame)
        except ConfigurationError as error:
            self.damage = str(error)
            return None

    def _next(self) -> Frame | None:
        """The frame at the file's position; None at the last whole one's end."""
        offset = self._file.tell()
        head = self._file.read(HEAD_BYTES)
        if not head:
            return None
        length = frame_length(head) if len(head) == HEAD_BYTES else 0
        payload = self._file.read(length) if length else b""
        frame = frame_of(head, payload) if length is not None and len(head) == HEAD_BYTES else None
        if frame is None:
            cut = len(head) < HEAD_BYTES or (length is not None and len(payload) < length)
            self.damage = f"{'it is cut off' if cut else 'it is damaged'} at byte {offset:,}"
        return frame

    def snapshot(self, number: int) -> Snapshot:
        """The snapshot with this number, from 0 on.

        Raises :class:`~pipeline.errors.ConfigurationError` where it is of another version of the monitor.
        """
        if self._ending is not None and number == len(self) - 1:
            return self._ending.snapshot
        data, kind = self._data(number)
        try:
            return snapshot_of(data, kind)
        except ConfigurationError as error:
            raise ConfigurationError(f"{self.path}: {error}") from error

    def __iter__(self) -> Iterator[Snapshot]:
        return (self.snapshot(number) for number in range(len(self)))

    def _data(self, number: int) -> tuple[bytes, int]:
        key = self._keys[bisect_right(self._keys, number) - 1]
        at = self._read_to + 1 if key <= self._read_to < number else key
        while True:
            self._file.seek(self._offsets[at])
            frame = self._next()
            if frame is None:
                raise ConfigurationError(f"{self.path}: it has changed while it was being read")
            self._read_to = -1
            data = self._reader.data(frame)
            self._read_to = at
            if at == number:
                return data, frame.kind
            at += 1

    def number_at(self, at_s: float) -> int:
        """The snapshot that was the newest at this second of the run."""
        return max(0, bisect_right(self.times, at_s) - 1)

    def number_from(self, at_s: float) -> int:
        """The first snapshot that knows of this second of the run."""
        return min(len(self) - 1, bisect_left(self.times, at_s))

    def marks(self) -> tuple[Mark, ...]:
        """Where anomalies and faults began, and what ended the run, in order of time."""
        decoder = msgspec.msgpack.Decoder(_Marked)
        found: dict[Mark, None] = {}
        for number in sorted({*self._keys, len(self) - 1}):
            data, _ = self._data(number)
            try:
                found.update(dict.fromkeys(_marks_in(decoder.decode(data))))
            except msgspec.DecodeError:
                continue
        if self._ending is not None:
            last = self._ending.snapshot
            found.update(
                dict.fromkeys(_marks_in(_Marked(last.elapsed_s, last.problem, last.anomalies, last.faults)))
            )
        problems = [mark for mark in found if mark.kind == "problem"]
        for later in problems[1:]:
            del found[later]
        return tuple(sorted(found, key=lambda mark: mark.at_s))

    def report(self) -> RunReport:
        """The run's own report; of a recording that breaks off, one that says so.

        Raises :class:`~pipeline.errors.ConfigurationError` where the last snapshot is not understood.
        """
        if self._ending is not None:
            return self._ending
        last = judge(self.snapshot(len(self) - 1), interrupted=True)
        broken = f"the recording breaks off after {last.elapsed_s:.1f} s: {self.damage}"
        last = replace(last, reasons=(*last.reasons, broken))
        return RunReport(
            snapshot=last,
            started_at=self.header.started_at,
            duration_s=last.elapsed_s,
            seed=self.header.seed,
            exit_code=exit_code(last),
        )


def _marks_in(state: _Marked) -> Iterator[Mark]:
    for anomaly in state.anomalies:
        yield Mark(anomaly.at_s, "anomaly", anomaly.text)
    for fault in state.faults:
        where = f" at {fault.stage}" if fault.stage else ""
        yield Mark(fault.at_s, "fault", f"{fault.name}{where}")
    if state.problem is not None:
        yield Mark(state.elapsed_s, "problem", state.problem)


def _because(damage: str | None) -> str:
    return f": {damage}" if damage else ""
