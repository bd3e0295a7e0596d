"""``--metrics-port``: the run's metrics for Prometheus, and whether it is well, over HTTP on this machine.

GET /metrics    all metrics, as text
GET /healthz    {"status": ..., "phase": ..., "reasons": [...]}; 503 for a run that is unhealthy or failed
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer

from metrics.prometheus import OPEN, PLAIN, exposition, wants_open
from metrics.snapshot import Snapshot
from pipeline.errors import ConfigurationError
from pipeline.threads import spawn
from run.product import VERSION

HOST = "127.0.0.1"
PATIENCE_S = 2.0
"""How long one client may take; they are served one after another."""
UNWELL = frozenset({"unhealthy", "failed"})


class MetricsEndpoint:
    """Answers from the newest snapshot, in a thread of its own, so that nobody who asks can slow the run."""

    def __init__(self, port: int) -> None:
        """Take ``port`` of 127.0.0.1, or a free one where it is 0.

        Raises :class:`~pipeline.errors.ConfigurationError` where it is not to be had.
        """
        try:
            self._server = _Server((HOST, port), _Handler)
        except OSError as error:
            raise ConfigurationError(
                f"--metrics-port {port}: cannot listen on {HOST}:{port}: {error.strerror or error}; "
                "name another port, or 0 for a free one"
            ) from error
        self._thread: threading.Thread | None = None
        self.address: tuple[str, int] = self._server.socket.getsockname()
        self.port = self.address[1]
        self.url = f"http://{HOST}:{self.port}/metrics"

    def serve(self, newest: Callable[[], Snapshot]) -> None:
        """Answer from now on; returns at once."""
        self._server.newest = newest
        self._thread = spawn("metrics endpoint", self._server.serve_forever)

    def close(self) -> None:
        """Answer no more, and give the port back."""
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join(PATIENCE_S)
        self._server.server_close()


class _Server(HTTPServer):
    newest: Callable[[], Snapshot]

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a client that went away: stderr is not ours."""

    def server_bind(self) -> None:
        # That of HTTPServer asks the name service who we are, which may take long.
        super(HTTPServer, self).server_bind()
        self.server_name, self.server_port = HOST, self.server_address[1]


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = PATIENCE_S
    server_version = f"pipeline-monitor/{VERSION}"
    sys_version = ""

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def log_message(self, *_: object) -> None:
        """Nothing: stderr is not ours."""

    def _answer(self, *, body: bool) -> None:
        path = self.path.partition("?")[0]
        snapshot = self.server.newest()
        if path == "/metrics":
            open_metrics = wants_open(self.headers.get("Accept", ""))
            text = exposition(snapshot, open_metrics=open_metrics)
            self._send(HTTPStatus.OK, OPEN if open_metrics else PLAIN, text, body=body)
        elif path == "/healthz":
            well = snapshot.status not in UNWELL
            state = {"status": snapshot.status, "phase": snapshot.phase, "reasons": snapshot.reasons}
            status = HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE
            self._send(status, "application/json", f"{json.dumps(state)}\n", body=body)
        else:
            text = "there is /metrics and /healthz\n"
            self._send(HTTPStatus.NOT_FOUND, "text/plain; charset=utf-8", text, body=body)

    def _send(self, status: HTTPStatus, kind: str, text: str, *, body: bool) -> None:
        data = text.encode("utf-8", "backslashreplace")
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if body:
            self.wfile.write(data)
