"""A web server for one person on this machine: a token in the link, and no other page may talk to it."""

from __future__ import annotations

import contextlib
import hmac
import http.server
import json
import secrets
import socketserver
import subprocess
import threading
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pipeline.errors import ConfigurationError
from pipeline.threads import spawn
from run.serve.page import FILES

ADDRESS = "127.0.0.1"
MOST_VIEWERS = 4
MOST_CONNECTIONS = 32
LONGEST_COMMAND = 4096
IDLE_S = 30.0
"""How long a request may take to come in."""
END_S = 5.0
"""How long a viewer that was told to end may take before it is killed."""

Start = Callable[[int, int], "subprocess.Popen[bytes]"]
"""Starts a screen of so many columns and rows: frames on its stdout, commands on its stdin."""

_SAFE = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class WebServer(socketserver.TCPServer):
    """Serves until :meth:`close`; each connection has a thread, each viewer a process."""

    allow_reuse_address = True
    request_queue_size = 16

    def __init__(self, port: int, start: Start) -> None:
        """``port`` 0 takes any that is free. Raises :class:`~pipeline.errors.ConfigurationError`."""
        self.token = secrets.token_urlsafe(32)
        self._start = start
        self._viewers: dict[str, subprocess.Popen[bytes]] = {}
        """Until they have ended."""
        self._closed = False
        self._lock = threading.Lock()
        self._room = threading.BoundedSemaphore(MOST_CONNECTIONS)
        try:
            super().__init__((ADDRESS, port), _Handler)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise ConfigurationError(
                f"--port {port}: {reason}; leave it out to take any that is free"
            ) from error
        spawn("web server", partial(self.serve_forever, 0.2))

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])

    @property
    def link(self) -> str:
        """What to open in a browser."""
        return f"http://{ADDRESS}:{self.port}/?token={self.token}"

    def close(self) -> None:
        """Stop serving, and end every viewer."""
        self.shutdown()
        self.server_close()
        with self._lock:
            self._closed = True
            viewers = list(self._viewers)
        for name in viewers:
            self.close_viewer(name)

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._room.acquire(blocking=False):
            self.shutdown_request(request)
            return
        spawn("web request", partial(self._handle, request, client_address))

    def _handle(self, request: Any, client_address: Any) -> None:
        try:
            # A connection that breaks off is no news.
            with contextlib.suppress(OSError, ValueError):
                self.finish_request(request, client_address)
            self.shutdown_request(request)
        finally:
            self._room.release()

    def allows(self, headers: Any, *, changing: bool) -> bool:
        """Whether a request comes from the page that this server gave out, as far as headers tell.

        A name that was made to lead here is not this Host; another page's request has its Origin.
        """
        hosts = {f"{name}:{self.port}" for name in (ADDRESS, "localhost")}
        host = headers.get("Host", "")
        origin = headers.get("Origin")
        if host not in hosts or headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
            return False
        if origin is None:
            return not changing
        return bool(origin == f"http://{host}")

    def knows(self, token: str) -> bool:
        """Whether this is the token of the link."""
        return hmac.compare_digest(token.encode(), self.token.encode())

    def open_viewer(self, columns: int, rows: int) -> tuple[str, subprocess.Popen[bytes]] | None:
        """A new screen and its name; None where there are too many, or the server is closing."""
        with self._lock:
            if self._closed or len(self._viewers) >= MOST_VIEWERS:
                return None
            name = secrets.token_urlsafe(8)
            process = self._viewers[name] = self._start(columns, rows)
        return name, process

    def close_viewer(self, name: str) -> None:
        """End a screen. It may be called by two threads at once; both wait until it has ended."""
        with self._lock:
            process = self._viewers.get(name)
        if process is not None:
            _end(process)
        with self._lock:
            self._viewers.pop(name, None)

    def command(self, name: str, line: bytes) -> bool:
        """Hand a command to a screen; whether there is such a screen."""
        with self._lock:
            process = self._viewers.get(name)
        if process is None or process.stdin is None:
            return False
        try:
            process.stdin.write(line + b"\n")
            process.stdin.flush()
        except OSError:
            return False
        return True


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    # Only now: a thread that reads from it, or writes to it, holds the stream until it has ended.
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()


class _Handler(http.server.BaseHTTPRequestHandler):
    server: WebServer
    server_version = "pipeline-monitor"
    sys_version = ""
    timeout = IDLE_S

    def do_GET(self) -> None:
        path, query = self._asked()
        if not self.server.allows(self.headers, changing=False):
            self._refuse(403, "This address is for the browser of the person who started it.")
        elif path in FILES and path != "/":
            self._answer(200, *FILES[path])
        elif path == "/" and self.server.knows(query.get("token", "")):
            self._answer(200, *FILES["/"])
        elif path == "/frames" and self._has_token():
            self._frames(query)
        elif path in ("/", "/frames"):
            self._refuse(403, "The token is missing or wrong: open the link that `serve` printed.")
        else:
            self._refuse(404, "There is nothing here.")

    def do_POST(self) -> None:
        path, query = self._asked()
        length = self.headers.get("Content-Length", "")
        if not self.server.allows(self.headers, changing=True) or not self._has_token():
            self._refuse(403, "The token is missing or wrong, or another page has asked.")
        elif path != "/keys":
            self._refuse(404, "There is nothing here.")
        elif not length.isdigit() or int(length) > LONGEST_COMMAND:
            self._refuse(413, "This is no command.")
        elif not _is_command(line := self.rfile.read(int(length))):
            self._refuse(400, "This is no command.")
        elif not self.server.command(query.get("viewer", ""), line):
            self._refuse(410, "This screen was closed.")
        else:
            self._answer(204, "text/plain", b"")

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are not told: their paths may hold the token."""

    def _asked(self) -> tuple[str, dict[str, str]]:
        parts = urlsplit(self.path)
        return parts.path, {name: values[0] for name, values in parse_qs(parts.query).items()}

    def _has_token(self) -> bool:
        given = self.headers.get("Authorization", "")
        return given.startswith("Bearer ") and self.server.knows(given.removeprefix("Bearer "))

    def _refuse(self, code: int, text: str) -> None:
        self._answer(code, "text/plain; charset=utf-8", text.encode())

    def _answer(self, code: int, kind: str, content: bytes | None) -> None:
        self.send_response(code)
        for name, value in _SAFE.items():
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        if content is not None:
            self.send_header("Content-Length", str(len(content)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content or b"")

    def _frames(self, query: dict[str, str]) -> None:
        try:
            columns, rows = int(query["columns"]), int(query["rows"])
        except (KeyError, ValueError):
            self._refuse(400, "Say how many columns and rows.")
            return
        opened = self.server.open_viewer(columns, rows)
        if opened is None:
            self._refuse(503, f"There are {MOST_VIEWERS} screens open already; close one.")
            return
        name, process = opened
        try:
            self._answer(200, "application/x-ndjson", None)
            self.wfile.write(json.dumps({"viewer": name}).encode() + b"\n")
            assert process.stdout is not None
            for line in process.stdout:
                self.wfile.write(line)
        finally:
            self.server.close_viewer(name)


def _is_command(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict) and b"\n" not in line
    except ValueError:
        return False
