"""Who opens files, sockets, processes, threads and log handlers in a trial, and what is left of them."""

from __future__ import annotations

import gc
import logging
import os
import selectors
import sys
import threading
import weakref
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from diagnosis.observation import Opened
from run.trial.files import UserFiles

_DEEP = 24
Key = tuple[str, str | None, str | None]
"""Kind, place, stage."""


_collect = gc.collect
"""As it is before a trial takes it away from the user's code."""


class OpenWatch:
    """An audit hook that notes the user's line behind each thing that is opened."""

    def __init__(self, files: UserFiles, stage: Callable[[], str | None]) -> None:
        self._files = files
        self._stage = stage
        self._times: Counter[Key] = Counter()
        self._paths: dict[Key, set[str]] = {}
        self._weak: dict[Key, list[weakref.ref[Any]]] = {}
        self._handlers: dict[Key, list[weakref.ref[logging.Handler]]] = {}
        self._ends: dict[Key, list[tuple[int, int]]] = {}
        """Descriptors with their inodes: a number is used again for something else."""
        self._before: set[str] = set()
        self._on = False

    def install(self) -> None:
        """From now on; an audit hook cannot be taken out again."""
        self._before = set(_open_fds().values())
        self._on = True
        sys.addaudithook(self._hear)
        add = logging.Logger.addHandler

        watch = self

        def add_handler(self: logging.Logger, hdlr: logging.Handler) -> None:
            if watch._on and (key := watch._key("handler")) is not None:
                watch._times[key] += 1
                watch._handlers.setdefault(key, []).append(weakref.ref(hdlr))
            add(self, hdlr)

        logging.Logger.addHandler = add_handler  # type: ignore[method-assign]
        begin = threading.Thread.start

        def start(self: threading.Thread) -> None:
            # Python 3.11 has no audit event for it.
            if watch._on and (key := watch._key("thread")) is not None:
                watch._times[key] += 1
                watch._weak.setdefault(key, []).append(weakref.ref(self))
            begin(self)

        threading.Thread.start = start  # type: ignore[method-assign]
        self._hear_of_pipes()
        self._hear_of_selectors()

    def _hear_of_pipes(self) -> None:
        """There is no audit event for them."""
        real = os.pipe
        watch = self

        def pipe() -> tuple[int, int]:
            ends = real()
            # Those of a child process are told as that process.
            own = sys._getframe(1).f_globals.get("__name__") != "subprocess"
            if own and watch._on and (key := watch._key("pipe")) is not None:
                watch._times[key] += 1
                watch._ends.setdefault(key, []).extend((end, os.fstat(end).st_ino) for end in ends)
            return ends

        os.pipe = pipe

    def _hear_of_selectors(self) -> None:
        base: Any = selectors.BaseSelector.__subclasses__()[0]
        made = base.__init__
        watch = self

        def make(self: Any) -> None:
            if watch._on and (key := watch._key("selector")) is not None:
                watch._times[key] += 1
                watch._weak.setdefault(key, []).append(weakref.ref(self))
            made(self)

        base.__init__ = make

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self._on:
            return
        if event == "open":
            if isinstance(arguments[0], int):
                return
            key = self._key("file")
            if key is not None:
                path = os.path.realpath(os.fspath(arguments[0]))
                # A folder is opened with a mode by tempfile alone, which opens the file itself right after.
                self._times[key] += not (isinstance(arguments[1], str) and Path(path).is_dir())
                self._paths.setdefault(key, set()).add(path)
        elif event == "socket.__new__" and (key := self._key("socket")) is not None:
            self._times[key] += 1
            self._weak.setdefault(key, []).append(weakref.ref(arguments[0]))
        elif event == "subprocess.Popen" and (key := self._key("process")) is not None:
            self._times[key] += 1

    def _key(self, kind: str) -> Key | None:
        """The innermost line of the user's files; else the stage at work; None for the monitor's own."""
        files = self._files
        frame: FrameType | None = sys._getframe(2)
        for _ in range(_DEEP):
            if frame is None:
                break
            if frame.f_code.co_filename in files:
                return kind, f"{frame.f_code.co_filename}:{frame.f_lineno}", self._stage()
            frame = frame.f_back
        stage = self._stage()
        return (kind, None, stage) if stage is not None else None

    def stop(self) -> None:
        """Hear nothing any more."""
        self._on = False

    def opened(self) -> tuple[Opened, ...]:
        """What is left, before and after a collection of garbage."""
        self.stop()
        before = {key: self._left(key) for key in self._times}
        _collect()
        found = []
        for key, times in self._times.items():
            left = self._left(key)
            kind, place, stage = key
            found.append(Opened(kind, place, stage, times, before[key], max(0, before[key] - left)))
        return tuple(sorted(found, key=lambda each: -each.left))

    def _left(self, key: Key) -> int:
        kind = key[0]
        if kind == "file":
            paths = self._paths.get(key, set())
            return sum(_is_one_of(target, paths) for target in _open_fds().values())
        if kind == "pipe":
            return sum(_inode(end) == inode for end, inode in self._ends.get(key, ()))
        if kind == "handler":
            attached = {id(each) for each in _handlers()}
            held = [reference() for reference in self._handlers.get(key, ())]
            return sum(each is not None and id(each) in attached for each in held)
        if kind == "process":
            share = sum(other[0] == "process" for other in self._times)
            return _processes() // max(1, share)
        alive = [reference() for reference in self._weak.get(key, ())]
        if kind == "socket":
            return sum(each is not None and each.fileno() != -1 for each in alive)
        if kind == "selector":
            return sum(each is not None and each.get_map() is not None for each in alive)
        running = {id(thread) for thread in threading.enumerate()}
        return sum(each is not None and id(each) in running for each in alive)


def _is_one_of(target: str, paths: set[str]) -> bool:
    """Whether a descriptor is of one of these files; of one without a name, the folder was opened."""
    name = target.removesuffix(" (deleted)")
    folder, _, last = name.rpartition("/")
    return name in paths or (last.startswith("#") and folder in paths)


def _inode(descriptor: int) -> int:
    try:
        return os.fstat(descriptor).st_ino
    except OSError:
        return -1


def _handlers() -> list[logging.Handler]:
    loggers: list[Any] = [logging.root, *logging.Logger.manager.loggerDict.values()]
    return [handler for logger in loggers for handler in getattr(logger, "handlers", ())]


def count_handlers() -> int:
    """Log handlers in force."""
    return len(_handlers())


def _processes() -> int:
    """Child processes that were not waited for, or whose pipes are open."""
    import subprocess

    left = 0
    for each in gc.get_objects():
        if type(each) is subprocess.Popen:
            pipes = [pipe for pipe in (each.stdin, each.stdout, each.stderr) if pipe is not None]
            left += each.returncode is None or any(not pipe.closed for pipe in pipes)
    return left


def _open_fds() -> dict[str, str]:
    found = {}
    folder = Path("/proc/self/fd")
    if not folder.is_dir():
        return {}
    for link in folder.iterdir():
        try:
            found[link.name] = str(link.readlink())
        except OSError:
            continue
    return found


def count_fds() -> int:
    """Open descriptors; -1 where the system does not tell."""
    for folder in ("/proc/self/fd", "/dev/fd"):
        try:
            return sum(1 for _ in os.scandir(folder))
        except OSError:
            continue
    return -1
