"""Processes of trials: forked from one that has everything imported, where there is such a thing."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from run import exit_codes

HOUSE = Path(__file__).resolve().parents[2]
_DOOR = f"import sys; sys.path.insert(0, {str(HOUSE)!r}); "
_CHILD = _DOOR + "from run.trial.command import child; sys.exit(child())"
"""What ``monitor.py trial`` does, without importing what only other commands need."""
_SERVER = _DOOR + "from run.trial.forks import serve; sys.exit(serve(int(sys.argv.pop())))"


_GONE_S = 1.0
_TRIES = 5
"""What cannot be killed is not waited for any longer."""


class Process:
    """A trial under way. Its stdout and stderr go to files, so that it never waits for a reader."""

    def __init__(self) -> None:
        self.out: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the process
        self.err: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115

    def wait(self, seconds: float) -> int | None:
        """Its exit code, negative for a signal; None if it goes on after ``seconds``."""
        raise NotImplementedError

    def end(self) -> None:
        """Kill it and every other process of its group, and see it gone."""
        raise NotImplementedError

    def said(self) -> tuple[bytes, bytes]:
        """What it wrote to stdout and stderr."""
        self.out.seek(0)
        self.err.seek(0)
        return self.out.read(), self.err.read()

    def close(self) -> None:
        """Let go of its files."""
        self.out.close()
        self.err.close()


class Started(Process):
    """A new interpreter."""

    def __init__(self, words: Sequence[str], environment: Mapping[str, str]) -> None:
        super().__init__()
        self._process = subprocess.Popen(
            [sys.executable, "-c", _CHILD, *words],
            stdin=subprocess.DEVNULL,
            stdout=self.out,
            stderr=self.err,
            env=environment,
            start_new_session=True,
        )

    def wait(self, seconds: float) -> int | None:
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def end(self) -> None:
        _kill(self._process.pid)
        self._process.wait()


class Forked(Process):
    """A fork of what :class:`Forks` keeps ready. See :mod:`run.trial.forks` for what is replied."""

    def __init__(self, words: Sequence[str], control: socket.socket) -> None:
        super().__init__()
        self._told = b""
        self._reply, theirs = os.pipe()
        try:
            with tempfile.TemporaryFile() as asked:
                asked.write(json.dumps(list(words)).encode())
                asked.seek(0)
                given = [asked.fileno(), self.out.fileno(), self.err.fileno(), theirs]
                socket.send_fds(control, [b"!"], given)
        except OSError:
            self.close()
            raise
        finally:
            os.close(theirs)

    def wait(self, seconds: float) -> int | None:
        while self._told.count(b"\n") < 2:
            if not select.select([self._reply], [], [], seconds)[0]:
                return None
            more = os.read(self._reply, 64)
            if not more:
                return exit_codes.MONITOR  # it is gone that should tell
            self._told += more
        return os.waitstatus_to_exitcode(int(self._told.splitlines()[1]))

    def end(self) -> None:
        # When its end is told its group is gone, and its number may be another's.
        for _ in range(_TRIES):
            if self.wait(0.0) is not None and self._told.count(b"\n") != 1:
                return
            if self._told:
                _kill(int(self._told.splitlines()[0]))
            self.wait(_GONE_S)

    def close(self) -> None:
        super().close()
        os.close(self._reply)


def _kill(group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


class Forks:
    """Starts trials, as quickly as this system allows. Safe to use from several threads."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """``environment`` is that of every trial."""
        self._environment = dict(environment)
        self._control: socket.socket | None = None
        if not (sys.platform == "linux" and hasattr(os, "pidfd_open")):
            return
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-c", _SERVER, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=self._environment,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        self._control = ours
        self._over = weakref.finalize(self, _dismiss, ours, process)

    def start(self, words: Sequence[str]) -> Process:
        """A trial with these words behind its command."""
        if self._control is not None:
            try:
                return Forked(words, self._control)
            except OSError:
                self._control = None
        return Started(words, self._environment)


def _dismiss(control: socket.socket, process: subprocess.Popen[bytes]) -> None:
    """It ends when nobody can ask it any more."""
    control.close()
    try:
        process.wait(2.0)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
