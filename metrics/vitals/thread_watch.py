"""What the threads of the process do: what they work for, where they are, and what they take."""

from __future__ import annotations

import sys
import sysconfig
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType

from metrics.snapshot import ThreadState
from metrics.vitals.lock_wait import waits_for_lock
from metrics.vitals.machine import Scheduling
from pipeline.thread_facts import ThreadFact

EVERY_S = 0.5
MOST_THREADS = 64
"""So many are told of; a pipeline that leaks threads has more."""
MOST_FRAMES = 200
MOST_FILES = 4096

_HOUSE = Path(__file__).resolve().parents[2]
_OWN = tuple(
    f"{_HOUSE / folder}/" for folder in ("tui", "run", "diagnosis", "metrics", "pipeline", "data", "launcher")
)
# What was put in on purpose is not to be told by its name.
_UNSPOKEN = f"{_HOUSE / 'pipeline' / 'faults'}/"
_LIBRARY = tuple(f"{sysconfig.get_path(name)}/" for name in ("stdlib", "platstdlib", "purelib", "platlib"))
_INSTALLED = ("/site-packages/", "/dist-packages/")


class ThreadWatch:
    """Looks twice a second; ``facts`` are the engine's threads, as it knows them."""

    def __init__(self, facts: Callable[[], Sequence[ThreadFact]]) -> None:
        self._facts = facts
        self._due = 0.0
        self._at = 0.0
        self._cpu: dict[int, float] = {}
        self._seen: Mapping[int, Scheduling] | None = None
        self._places: Mapping[int, str | None] = {}
        """Where each thread was at the last look."""
        self.states: tuple[ThreadState, ...] = ()

    def look(self, now: float, scheduling: Mapping[int, Scheduling] | None) -> None:
        """Bring :attr:`states` up to date, if it is time; ``scheduling`` is the newest there is."""
        self._share(now, scheduling)
        if now < self._due:
            return
        self._due = now + EVERY_S
        frames = _frames()
        known = {fact.ident: fact for fact in self._facts() if fact.ident is not None}
        threads = [thread for thread in threading.enumerate() if thread.ident is not None]
        # The engine's own first: they are what the run is about.
        threads.sort(key=lambda thread: thread.ident not in known)
        states = []
        places: dict[int, str | None] = {}
        stuck = False
        for thread in threads[:MOST_THREADS]:
            ident = thread.ident or 0
            fact, frame = known.get(ident), frames.get(ident)
            where = places[ident] = place(frame) if frame is not None else None
            # That is looked for only in a thread that may be stuck; of the user's own threads, only where one
            # of the run's is.
            suspect = fact.doing == "busy" if fact else stuck
            waits = (
                frame is not None
                and suspect
                and where is not None
                and where == self._places.get(ident)
                and waits_for_lock(frame)
            )
            stuck = stuck or waits
            states.append(
                ThreadState(
                    name=thread.name,
                    stage=fact.stage if fact else None,
                    state=fact.doing if fact else None,
                    cpu=self._cpu.get(thread.native_id or 0),
                    place=where,
                    waits_for_lock=waits,
                )
            )
        # A frame keeps its variables alive.
        del frames, frame
        self._places = places
        self.states = tuple(states)

    def _share(self, now: float, scheduling: Mapping[int, Scheduling] | None) -> None:
        if scheduling is None or scheduling is self._seen:
            return
        took, self._at = now - self._at, now
        if self._seen is not None and took > 0:
            nothing = Scheduling(0.0, 0.0)
            self._cpu = {
                id: max(0.0, own.cpu - self._seen.get(id, nothing).cpu) / took
                for id, own in scheduling.items()
            }
        self._seen = scheduling


def place(frame: FrameType) -> str | None:
    """``orders.py:41 enrich``: the innermost frame that is the user's; where none is, the product's."""
    own: str | None = None
    at: FrameType | None = frame
    for _ in range(MOST_FRAMES):
        if at is None:
            break
        kind = _kind(at.f_code.co_filename)
        if kind == "user":
            return _named(at)
        if kind == "own" and own is None:
            own = _named(at)
        at = at.f_back
    return own


_kinds: dict[str, str] = {}


def _kind(file: str) -> str:
    known = _kinds.get(file)
    if known is None:
        if file.startswith("<") or file.startswith(_UNSPOKEN):
            known = "unspoken"
        elif file.startswith(_OWN) or file == str(_HOUSE / "monitor.py"):
            known = "own"
        elif file.startswith(_LIBRARY) or any(folder in file for folder in _INSTALLED):
            known = "library"
        else:
            known = "user"
        if len(_kinds) < MOST_FILES:
            _kinds[file] = known
    return known


def _named(frame: FrameType) -> str:
    code = frame.f_code
    return f"{Path(code.co_filename).name}:{frame.f_lineno} {code.co_name}"


def _frames() -> Mapping[int, FrameType]:
    # Without the GIL a running thread's frames change while they are walked.
    if not getattr(sys, "_is_gil_enabled", lambda: True)():
        return {}
    return sys._current_frames()
