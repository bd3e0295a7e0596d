"""What a front end may ask of a run: one in this process, one it is attached to, or a recording."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from metrics.snapshot import Snapshot
from pipeline.errors import ConfigurationError

Power = Literal["steer", "inject", "census", "diagnose", "tap", "letters", "resend", "seek", "record"]
"""Something that a run may let a front end do: change its course, put faults in, count its objects, look for
causes, look at records, look at dead letters, send these again when it is over, move in time, keep its last
minutes."""


@dataclass(frozen=True, slots=True)
class FaultChoice:
    """A fault that can be put in: ``params`` are names with their default values, as text."""

    name: str
    help: str
    symptom: str
    params: tuple[tuple[str, str], ...]
    stages: tuple[str, ...]
    """Where it can be put in."""


@dataclass(frozen=True, slots=True)
class LetterLine:
    """A dead letter in a list."""

    id: str
    stage: str
    reason: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Resent:
    """How an order to send dead letters again stands: ``text`` says what became of it when it is no longer
    ``under_way``, ``sound`` whether that is as it should be. Orders are numbered from 1 on."""

    number: int
    under_way: bool
    sound: bool
    text: str


class Resends(Protocol):
    """What sends dead letters again for a run in this process."""

    resent: Resent | None

    def begin(self, ids: Sequence[str]) -> None:
        """Send these, without any all of them; returns at once. Raises ConfigurationError."""
        ...


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment of a recording that is worth going to: where an anomaly or a fault began, or what ended the
    run."""

    at_s: float
    kind: Literal["anomaly", "fault", "problem"]
    text: str


@dataclass(frozen=True, slots=True)
class Playhead:
    """Where a recording stands: at ``at_s`` of ``start_s`` to ``end_s`` (seconds of the run), in frame
    ``frame`` of ``frames``.

    ``whole`` is False where the recording breaks off before the run's end, as after a crash. ``marks`` are
    in order of time.
    """

    at_s: float
    start_s: float
    end_s: float
    frame: int
    frames: int
    playing: bool
    speed: float
    whole: bool
    marks: tuple[Mark, ...] = ()


class LiveRun(Protocol):
    """A run that a front end watches and steers; a run extends this class. Every method returns at once."""

    @property
    def snapshot(self) -> Snapshot:
        """The newest state; a new object whenever anything changed."""
        ...

    @property
    def finished(self) -> bool:
        """Whether the run is over and :attr:`snapshot` is its last word."""
        ...

    def pause(self) -> None:
        """Let every stage stop after the batch at hand."""
        ...

    def resume(self) -> None:
        """Go on."""
        ...

    def step_record(self) -> None:
        """Pause, and move one record one hop on: the one that is furthest along."""
        ...

    def step_batch(self) -> None:
        """Pause, and move one batch one hop on: the one that is furthest along."""
        ...

    def set_rate(self, records_per_s: float | None) -> None:
        """Read at most so many records a second from all sources together; None lifts the limit."""
        ...

    def drain(self) -> None:
        """Read no more, finish what is in flight, then end."""
        ...

    def abort(self) -> None:
        """End now; what is in flight stays uncommitted and is named."""
        ...

    @property
    def owned(self) -> bool:
        """Whether the run ends with its front end. One that is not owned (attached, recorded) goes on
        without it: to leave, by a key or a signal, neither drains it nor asks."""
        return True

    @property
    def connection(self) -> str:
        """What stands between this front end and the run's newest state, in words; "" where nothing does."""
        return ""

    def printed(self, lines: Sequence[str]) -> None:
        """Keep lines that the pipeline printed while a screen held its output; they come back in
        ``snapshot.log``."""
        return

    # What not every run can do: ask ``powers`` first. What cannot be done, or not as asked, raises
    # ConfigurationError, as all of these do unless a run defines them.

    @property
    def powers(self) -> frozenset[Power]:
        """What may be asked of this run."""
        return frozenset()

    def faults(self) -> Sequence[FaultChoice]:
        """What :meth:`inject` takes (``inject``)."""
        raise _cannot()

    def inject(self, fault: str) -> None:
        """Put a fault in, written as for ``--fault`` (``inject``)."""
        raise _cannot()

    def lift_faults(self) -> None:
        """Take out every fault that is at work (``inject``)."""
        raise _cannot()

    def take_census(self) -> None:
        """Count the live objects; a later snapshot has the result (``census``)."""
        raise _cannot()

    def diagnose(self) -> None:
        """Look for the cause of what is wrong; snapshots tell how far it is (``diagnose``)."""
        raise _cannot()

    def tap(self, on: bool) -> None:
        """Begin, or stop, to show sampled records in snapshots (``tap``)."""
        raise _cannot()

    def follow(self, id: str | None) -> None:
        """Show this record at every stage that it comes to; None follows no record (``tap``)."""
        raise _cannot()

    def letters(self, match: str, first: int, count: int) -> Sequence[LetterLine]:
        """Dead letters whose id, stage or reason contains ``match``, from number ``first`` on
        (``letters``)."""
        raise _cannot()

    def letter(self, id: str) -> str:
        """All that is known of one dead letter, as text (``letters``)."""
        raise _cannot()

    def resend_letters(self, ids: Sequence[str]) -> None:
        """When the run is over: send these dead letters through the pipeline as its file is now, without
        ``ids`` all; :attr:`resent` tells how far it is (``resend``)."""
        raise _cannot()

    @property
    def resent(self) -> Resent | None:
        """How the last order to send dead letters again stands; None where there was none (``resend``)."""
        return None

    def save_recording(self, path: str) -> None:
        """Write the last minutes to a file that ``replay`` reads (``record``)."""
        raise _cannot()

    @property
    def playhead(self) -> Playhead | None:
        """Where a recording stands; None for a run that is not one (``seek``)."""
        return None

    def play(self, on: bool) -> None:
        """Let time pass, or stop it (``seek``). At the end, it begins again from the start."""
        raise _cannot()

    def set_speed(self, times: float) -> None:
        """Let time pass so many times as fast as it did (``seek``)."""
        raise _cannot()

    def step_frame(self, frames: int) -> None:
        """Stop, and go so many frames on, or back where negative (``seek``)."""
        raise _cannot()

    def seek(self, at_s: float) -> None:
        """Go to this second of the run (``seek``)."""
        raise _cannot()

    def seek_mark(self, marks: int) -> Mark | None:
        """Go to the next mark (1) or the one before (-1), and stop; None where there is none (``seek``)."""
        raise _cannot()


def _cannot() -> ConfigurationError:
    return ConfigurationError("this run cannot do that")
