"""A process that has imported what a trial needs, and becomes one, again and again.

Importing takes longer than most trials run. A fork of a process that has done it, and has run nothing of
the user's, is as fresh as one that was just started, without that time.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from run.trial.command import child

PARTS = 4
"""Descriptors that come with a request: the words (JSON), stdout, stderr, and where the end is told."""


@dataclass(frozen=True, slots=True)
class _Running:
    pid: int
    reply: int


def serve(descriptor: int) -> int:
    """Carry out what is asked for through a socket, several at once, until its other end is closed.

    To each request ``PID`` is replied when it has begun and its wait status when it is over, a line each.
    """
    control = socket.socket(fileno=descriptor)
    watched = selectors.EpollSelector()
    replies: set[int] = set()
    watched.register(control, selectors.EVENT_READ)
    while True:
        for key, _ in watched.select():
            if isinstance(key.data, _Running):
                watched.unregister(key.fd)
                os.close(key.fd)
                _tell(key.data.reply, _ended(key.data.pid))
                os.close(key.data.reply)
                replies.remove(key.data.reply)
                continue
            _, given, _, _ = socket.recv_fds(control, 1, PARTS)
            if len(given) != PARTS:
                return 0
            replies.add(given[-1])
            running = _begun(given, [control.fileno(), watched.fileno(), *replies])
            watched.register(os.pidfd_open(running.pid), selectors.EVENT_READ, running)


def _ended(pid: int) -> int:
    """The wait status of a trial that is over, when nothing of what it has started is left.

    Its number is its own until then: nobody else is killed under it.
    """
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    return os.waitpid(pid, 0)[1]


def _begun(given: list[int], mine: Sequence[int]) -> _Running:
    """A new trial, which has none of the descriptors that are ``mine``."""
    asked, out, err, reply = given
    pid = os.fork()
    if pid == 0:
        try:
            for each in mine:
                os.close(each)
            os._exit(_become(asked, out, err))
        finally:
            os._exit(1)
    for each in (asked, out, err):
        os.close(each)
    _tell(reply, pid)
    return _Running(pid, reply)


def _become(asked: int, out: int, err: int) -> int:
    """The trial itself, in a session of its own, with standard streams of its own."""
    os.setsid()
    with open(asked, encoding="utf-8") as file:
        sys.argv = ["-c", *json.load(file)]
    for given, wanted in ((out, 1), (err, 2)):
        os.dup2(given, wanted)
        os.close(given)
    return child()


def _tell(reply: int, number: int) -> None:
    with suppress(BrokenPipeError):  # whoever asked does not wait any more
        os.write(reply, b"%d\n" % number)
