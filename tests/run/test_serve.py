"""The screen in a browser: shown to whoever has the link, to nobody else, and steered only where allowed."""

from __future__ import annotations

import http.client
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from pipeline.engine import Options
from pipeline.errors import ConfigurationError
from run import demo
from run.attach.presence import Presence
from run.display import Display
from run.serve import command
from run.serve import http as serve_http
from run.serve.http import MOST_VIEWERS, WebServer
from run.session import Session
from tests.run import chromium
from tests.run.command import DEADLINE_S, DOOR, here

DEAF = """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print('{}', flush=True)
while True:
    signal.pause()
"""

DEEP_IN_WORK = """
import sys, time
from run.serve import command

class Deep:
    def stream(self, live, display, size, commands, frames):
        frames.write(b"drawing\\n")
        frames.flush()
        while True:
            try:
                time.sleep(60)
            except BaseException:
                pass

command.main(sys.argv[1:], "monitor.py", owns_process=True, show=Deep())
"""

ECHO = """
import sys
print('{"size": [%s, %s]}' % tuple(sys.argv[1:]), flush=True)
for line in sys.stdin:
    print(line.strip(), flush=True)
"""


@pytest.fixture
def server() -> Iterator[WebServer]:
    """A server whose screens give back what they are told."""

    def start(columns: int, rows: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-c", ECHO, str(columns), str(rows)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    under_test = WebServer(0, start)
    yield under_test
    under_test.close()


class Client:
    """Asks as a browser would, but for what is changed."""

    def __init__(self, server: WebServer) -> None:
        self.host = f"127.0.0.1:{server.port}"
        self.port = server.port
        self.headers: dict[str, str | None] = {
            "Host": self.host,
            "Authorization": f"Bearer {server.token}",
            "Sec-Fetch-Site": "same-origin",
        }

    def ask(
        self, method: str, path: str, body: bytes | None = None, /, **changes: str | None
    ) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)
        named = {name.replace("_", "-"): value for name, value in changes.items()}
        origin = {"Origin": f"http://{self.host}"} if method == "POST" else {}
        headers = {**self.headers, **origin, **named}
        connection.putrequest(method, path, skip_host=True)
        for name, value in headers.items():
            if value is not None:
                connection.putheader(name, value)
        if body is not None and "Content-Length" not in headers:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        return connection.getresponse()


@pytest.fixture
def client(server: WebServer) -> Client:
    return Client(server)


def test_it_listens_on_this_machine_alone(server: WebServer) -> None:
    assert server.server_address[0] == "127.0.0.1"
    assert len(server.token) >= 43
    with pytest.raises(ConfigurationError, match=f"--port {server.port}: "):
        WebServer(server.port, server._start)


def test_the_page_is_for_the_link_and_comes_with_a_policy(server: WebServer, client: Client) -> None:
    page = client.ask("GET", f"/?token={server.token}", Authorization=None)
    assert page.status == 200
    assert "script-src 'self'" in str(page.headers["Content-Security-Policy"])
    assert "unsafe" not in str(page.headers["Content-Security-Policy"])
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert server.token.encode() not in page.read()
    for path in ("/screen.js", "/screen.css"):
        assert client.ask("GET", path).status == 200
    assert client.ask("GET", "/nowhere").status == 404


@pytest.mark.parametrize(
    "changes",
    [
        {"Authorization": None},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer x"},
        {"Host": "evil.example"},
        {"Host": "evil.example:80"},
        {"Host": None},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
    ids=str,
)
def test_strangers_and_other_pages_are_refused(client: Client, changes: dict[str, str | None]) -> None:
    assert client.ask("GET", "/frames?columns=80&rows=24", None, **changes).status in (400, 403)
    assert client.ask("POST", "/keys?viewer=x", b"{}", **changes).status in (400, 403)


def test_a_change_without_an_origin_is_refused(client: Client) -> None:
    assert client.ask("POST", "/keys?viewer=x", b"{}", Origin=None).status == 403


@pytest.mark.parametrize("token", ["", "x", "\u00e9"])
def test_a_wrong_token_shows_nothing(client: Client, token: str) -> None:
    path = f"/?token={token}".encode().decode("latin-1")
    assert client.ask("GET", path.replace("\u00e9", "%C3%A9").replace("Ã©", "%C3%A9")).status == 403


def test_commands_reach_the_screen_that_they_are_for(client: Client) -> None:
    frames = client.ask("GET", "/frames?columns=100&rows=30")
    assert frames.status == 200
    name = json.loads(frames.readline())["viewer"]
    assert json.loads(frames.readline()) == {"size": [100, 30]}
    assert client.ask("POST", f"/keys?viewer={name}", b'{"key": "p"}').status == 204
    assert json.loads(frames.readline()) == {"key": "p"}
    assert client.ask("POST", "/keys?viewer=other", b'{"key": "p"}').status == 410
    for wrong in (b"p", b"[1]", b'{"key":\n"p"}', b"\xff"):
        assert client.ask("POST", f"/keys?viewer={name}", wrong).status == 400, wrong
    assert client.ask("POST", f"/keys?viewer={name}", b"{}", Content_Length="99999").status == 413
    assert client.ask("POST", f"/keys?viewer={name}", b"{}", Content_Length="x").status == 413
    assert client.ask("GET", "/frames?columns=x&rows=30").status == 400
    frames.close()


def test_there_is_room_for_so_many_screens_and_they_end_with_the_server(
    server: WebServer, client: Client
) -> None:
    open_ones = [client.ask("GET", "/frames?columns=80&rows=24") for _ in range(MOST_VIEWERS)]
    assert all(each.status == 200 for each in open_ones)
    assert client.ask("GET", "/frames?columns=80&rows=24").status == 503
    processes = list(server._viewers.values())
    assert len(processes) == MOST_VIEWERS
    server.close()
    assert all(process.poll() is not None for process in processes)


def test_a_screen_that_hears_nothing_ends_with_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve_http, "END_S", 0.1)
    started = []

    def start(columns: int, rows: int) -> subprocess.Popen[bytes]:
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            [sys.executable, "-c", DEAF, str(columns), str(rows)], stdin=pipe, stdout=pipe
        )
        started.append(process)
        return process

    server = WebServer(0, start)
    try:
        frames = Client(server).ask("GET", "/frames?columns=80&rows=24")
        assert "viewer" in json.loads(frames.readline())
        assert frames.readline() == b"{}\n"
    finally:
        server.close()
    assert [process.poll() for process in started] == [-signal.SIGKILL]
    assert server.open_viewer(80, 24) is None
    assert len(started) == 1


def test_a_viewer_ends_when_it_is_told_to_whatever_it_is_at() -> None:
    session = Session(demo.demo(10), Options())
    presence = Presence(session, listen=True, read_only=False)
    presence.start()
    display = msgspec.json.encode(Display()).decode()
    words = [command.VIEWER, str(presence.socket), "80", "24", display]
    viewer = subprocess.Popen(
        [sys.executable, "-c", DEEP_IN_WORK, *words],
        cwd=DOOR.parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert viewer.stdout is not None
        assert viewer.stdout.readline() == b"drawing\n"
        viewer.terminate()
        assert viewer.wait(DEADLINE_S) == -signal.SIGTERM
    finally:
        viewer.kill()
        viewer.communicate()
        presence.end(None)


def test_a_connection_that_says_nothing_is_ended(server: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve_http._Handler, "timeout", 0.1)
    silent = http.client.HTTPConnection("127.0.0.1", server.port, timeout=DEADLINE_S)
    silent.connect()
    assert silent.sock.recv(10) == b""


class Serving:
    """``serve`` in a process of its own."""

    def __init__(self, *words: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(DOOR), "serve", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert self.process.stderr is not None
        told = ""
        for line in self.process.stderr:
            told += line.decode()
            if found := re.search(r"http://127\.0\.0\.1:(\d+)/\?token=(\S+)", told):
                self.link, self.port, self.token = found[0], int(found[1]), found[2]
                return
        raise AssertionError(told)

    def stop(self) -> tuple[int, str]:
        """End it as Ctrl+C does; the exit code and what stdout had."""
        while self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                out, _ = self.process.communicate(timeout=5)
            except subprocess.TimeoutExpired:
                continue
            return self.process.returncode, out.decode()
        out, _ = self.process.communicate(timeout=DEADLINE_S)
        return self.process.returncode, out.decode()


@pytest.fixture
def serving() -> Iterator[list[Serving]]:
    started: list[Serving] = []
    yield started
    for each in started:
        each.process.kill()
        each.process.communicate(timeout=DEADLINE_S)


@pytest.mark.parametrize("control", [False, True], ids=["view-only", "control"])
def test_a_browser_shows_the_screen_and_steers_only_where_allowed(
    serving: list[Serving], tmp_path: Path, control: bool
) -> None:
    program = chromium.find()
    if program is None:
        pytest.skip("Chromium is not installed (Debian: apt install chromium)")
    served = Serving("--limit", "4000", "--rate", "100", *(["--allow-control"] if control else []))
    serving.append(served)
    with chromium.browser(program, tmp_path / "chromium") as page:
        page.open(served.link)
        page.until("STAGES")
        page.until("demo")
        page.until("RUNNING")
        page.press("p")
        if control:
            page.until("PAUSED")
            page.press("p")
            page.until("RUNNING")
        else:
            page.until("READ-ONLY")
            time.sleep(0.5)
            assert "PAUSED" not in page.text()
        assert page.evaluate("document.querySelectorAll('.line').length") > 20
        assert page.evaluate("document.querySelectorAll('.line span').length") > 50
        assert page.complaints() == []
        asked = {url.partition("?")[0] for url in page.requests()} - {"about:blank"}
        here_ = f"http://127.0.0.1:{served.port}"
        assert asked <= {f"{here_}/{path}" for path in ("", "screen.js", "screen.css", "frames", "keys")}
        page.open(f"http://127.0.0.1:{served.port}/?token=wrong")
        end = time.monotonic() + DEADLINE_S
        while "token is missing or wrong" not in str(page.evaluate("document.body.textContent")):
            assert time.monotonic() < end
            time.sleep(0.05)
    code, out = served.stop()
    assert code == 130
    assert "INTERRUPTED" in out


def test_serve_reports_as_any_run_does_and_leaves_nothing_behind(serving: list[Serving]) -> None:
    served = Serving("--limit", "50", "--rate", "1000", "--json", "-")
    serving.append(served)
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=DEADLINE_S)
    connection.request(
        "GET", "/frames?columns=80&rows=24", headers={"Authorization": f"Bearer {served.token}"}
    )
    frames = connection.getresponse()
    text = ""
    while "successfully processed" not in text:
        frame = json.loads(frames.readline())
        text += "".join(run[1] for line in frame.get("lines", {}).values() for run in line)
    code, out = served.stop()
    assert code == 0, out
    assert json.loads(out)["records"]["delivered"] == 50


def test_wrong_words() -> None:
    for words, told in (
        (["--port", "99999"], "must be 65535 or less"),
        (["nowhere.py"], "there is no such file"),
        (["--allow-contorl"], "did you mean --allow-control?"),
    ):
        done = here("serve", *words)
        assert done.code == 2
        assert told in done.err
