"""Lets screens in other terminals attach to a run: one socket, and clients that cannot slow it."""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
from collections.abc import Callable
from pathlib import Path

import msgspec

from metrics.snapshot import Snapshot
from pipeline.clock import Clock
from pipeline.errors import ConfigurationError
from run.attach.protocol import CREDENTIALS, Call, FrameBuffer, Message, State, packed, perform
from run.live import LiveRun
from run.recording.frames import MAGIC, Frame, SnapshotWriter

MOST_CLIENTS = 6
"""Their sockets count among the open files of the process, which are watched."""
STUCK_S = 20.0
"""A client that takes nothing for so long is let go."""
ALIVE_EVERY_S = 2.0
"""So often a client hears that the run is there, also where nothing changes."""
MOST_WAITING = 8 * 1024 * 1024
LONGEST_PATH = 100
"""Of a socket; the systems' limits are 104 and 108 bytes."""


class _Client:
    """A screen that is attached. What it has not taken yet is one snapshot at most, and answers."""

    def __init__(self, connection: socket.socket, greeting: bytes, now: float) -> None:
        self.socket = connection
        self.waiting = bytearray(greeting)
        self.taken_at = now
        self.incoming = FrameBuffer(magic=False)
        self._writer = SnapshotWriter()
        self._shown: Snapshot | None = None
        self._state: State | None = None
        self._told_at = now

    def offer(self, snapshot: Snapshot, state: State, now: float) -> None:
        """Give it the newest snapshot, unless it has not even taken an older one."""
        if self.waiting:
            return
        if state != self._state or now - self._told_at > ALIVE_EVERY_S:
            self._state, self._told_at = state, now
            self.waiting += packed(Message.STATE, state)
        if snapshot is not self._shown:
            self._shown = snapshot
            self.waiting += self._writer.frame(snapshot).encode()

    def send(self, now: float) -> None:
        """Raises OSError where it is gone."""
        if not self.waiting:
            self.taken_at = now
            return
        with contextlib.suppress(BlockingIOError):
            sent = self.socket.send(self.waiting)
            del self.waiting[:sent]
            self.taken_at = now


class Server:
    """Serves one run. All methods are for one thread; none but :meth:`step` waits."""

    def __init__(
        self, run: LiveRun, header: Callable[[], Frame], path: Path, clock: Clock, *, read_only: bool
    ) -> None:
        """Raises :class:`~pipeline.errors.ConfigurationError` where it cannot listen."""
        self._run = run
        self._header = header
        self._clock = clock
        self._read_only = read_only
        self._clients: list[_Client] = []
        self._selector = selectors.DefaultSelector()
        self._listener = _listening(path)
        self._selector.register(self._listener, selectors.EVENT_READ)

    @property
    def clients(self) -> int:
        """How many are attached."""
        return len(self._clients)

    def step(self, timeout: float) -> None:
        """Wait for something to do, at most so many seconds; take calls, and send what is new."""
        for key, _ in self._selector.select(timeout):
            if key.fileobj is self._listener:
                self._accept()
            else:
                self._receive(key.data)
        self.publish()

    def publish(self) -> None:
        """Offer every client the newest state."""
        if not self._clients:
            return
        snapshot = self._run.snapshot
        state = State(self._run.powers - {"resend"}, self._read_only, self._run.finished)
        now = self._clock.monotonic()
        for client in tuple(self._clients):
            try:
                client.offer(snapshot, state, now)
                client.send(now)
            except OSError:
                self._drop(client)
                continue
            if now - client.taken_at > STUCK_S or len(client.waiting) > MOST_WAITING:
                self._drop(client)
                continue
            events = selectors.EVENT_READ | (selectors.EVENT_WRITE if client.waiting else 0)
            self._selector.modify(client.socket, events, client)

    def end(self, last: Frame, deadline: float) -> None:
        """Send the last frame to those who take it before ``deadline`` (on the clock), and close."""
        self.publish()
        for client in self._clients:
            client.waiting += last.encode()
        while self._clients and (now := self._clock.monotonic()) < deadline:
            for client in tuple(self._clients):
                try:
                    client.send(now)
                except OSError:
                    client.waiting.clear()
                if not client.waiting:
                    self._drop(client)
            if self._clients:
                self._selector.select(0.05)
        self.close()

    def close(self) -> None:
        """Let everybody go."""
        for client in tuple(self._clients):
            self._drop(client)
        with contextlib.suppress(OSError, KeyError, ValueError):
            self._selector.unregister(self._listener)
        self._listener.close()
        self._selector.close()

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return
        if not _is_owner(connection) or len(self._clients) >= MOST_CLIENTS:
            connection.close()
            return
        connection.setblocking(False)
        client = _Client(connection, MAGIC + self._header().encode(), self._clock.monotonic())
        self._clients.append(client)
        self._selector.register(connection, selectors.EVENT_READ, client)

    def _receive(self, client: _Client) -> None:
        try:
            data = client.socket.recv(1 << 16)
            frames = client.incoming.feed(data)
            calls = [
                msgspec.msgpack.decode(frame.payload, type=Call)
                for frame in frames
                if frame.kind == Message.CALL
            ]
        except BlockingIOError:
            return
        except (OSError, ConfigurationError, msgspec.DecodeError):
            self._drop(client)
            return
        for call in calls:
            answer = perform(self._run, call, read_only=self._read_only)
            client.waiting += packed(Message.ANSWER, answer)
        if not data:
            self._drop(client)

    def _drop(self, client: _Client) -> None:
        if client in self._clients:
            self._clients.remove(client)
            self._selector.unregister(client.socket)
            client.socket.close()


def _listening(path: Path) -> socket.socket:
    if len(os.fsencode(path)) > LONGEST_PATH:
        raise ConfigurationError(
            f"--listen: the path of the socket is too long ({path}); set XDG_RUNTIME_DIR to a shorter one"
        )
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # The folder keeps others out until the mode is set.
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen(MOST_CLIENTS)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise ConfigurationError(f"--listen: {path}: {error.strerror or error}") from error
    return listener


def _is_owner(connection: socket.socket) -> bool:
    """Whether the other side is this user, where the system tells."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return True
    try:
        told = connection.getsockopt(socket.SOL_SOCKET, option, CREDENTIALS.size)
    except OSError:
        return False
    _, user, _ = CREDENTIALS.unpack(told)
    return bool(user == os.getuid())
