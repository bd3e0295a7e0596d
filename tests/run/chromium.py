"""A headless Chromium, driven over its debugging pipe."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome")
DEADLINE_S = 60.0


def find() -> str | None:
    """The program, where it is installed."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


# The browser reads commands from 3 and writes answers to 4, whatever numbers the pipes have here.
_IN_PLACE = """
import os, sys
commands, answers = (os.dup(os.dup(os.dup(int(each)))) for each in sys.argv[1:3])
os.dup2(commands, 3)
os.dup2(answers, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


class Browser:
    """One page of a browser."""

    def __init__(self, commands: int, answers: int) -> None:
        self._commands, self._answers = commands, answers
        self._number = 0
        self._rest = b""
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.ask(f"{domain}.enable")

    def open(self, link: str) -> None:
        """Go to a page."""
        self.ask("Page.navigate", url=link)

    def text(self) -> str:
        """What the page shows; the lines of the screen are lines."""
        lines = "[...document.querySelectorAll('.line')].map(line => line.textContent).join('\\n')"
        return str(self.evaluate(f"{lines} + '\\n' + (document.getElementById('status')?.textContent ?? '')"))

    def evaluate(self, expression: str) -> Any:
        """The value of an expression."""
        return self.ask("Runtime.evaluate", expression=expression, awaitPromise=True)["result"].get("value")

    def press(self, key: str) -> None:
        """Press a key that gives a character."""
        for kind in ("keyDown", "keyUp"):
            self.ask("Input.dispatchKeyEvent", type=kind, key=key, text=key if kind == "keyDown" else "")

    def until(self, text: str) -> str:
        """Wait for a text to be shown."""
        end = time.monotonic() + DEADLINE_S
        while text not in (shown := self.text()):
            assert time.monotonic() < end, f"{text!r} is not shown:\n{shown}"
            time.sleep(0.05)
        return shown

    def complaints(self) -> list[str]:
        """Errors of the script, what the page's policy kept from it, requests to elsewhere."""
        self.evaluate("1")
        found = []
        for event in self.events:
            if event["method"] == "Runtime.exceptionThrown":
                found.append(json.dumps(event["params"]))
            if event["method"] == "Log.entryAdded" and event["params"]["entry"]["level"] == "error":
                found.append(event["params"]["entry"]["text"] + event["params"]["entry"].get("url", ""))
        return found

    def requests(self) -> list[str]:
        """The addresses that were asked for."""
        sent = (each for each in self.events if each["method"] == "Network.requestWillBeSent")
        return [each["params"]["request"]["url"] for each in sent]

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """A command to the page."""
        return self.call(method, session=self._session, **parameters)

    def call(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """A command to the browser, or to a page of it."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if session is not None:
            message["sessionId"] = session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + DEADLINE_S
        while True:
            answer = self._next(end)
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result
            if "method" in answer:
                self.events.append(answer)

    def _next(self, end: float) -> dict[str, Any]:
        while b"\0" not in self._rest:
            ready, _, _ = select.select([self._answers], [], [], max(0.0, end - time.monotonic()))
            assert ready, "the browser does not answer"
            data = os.read(self._answers, 1 << 16)
            assert data, "the browser is gone"
            self._rest += data
        message, _, self._rest = self._rest.partition(b"\0")
        answer: dict[str, Any] = json.loads(message)
        return answer


@contextlib.contextmanager
def browser(program: str, home: Path) -> Iterator[Browser]:
    """A browser with one empty page; it ends with this."""
    from_us, to_browser = os.pipe()
    from_browser, to_us = os.pipe()
    words = [
        program,
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
        f"--user-data-dir={home}",
        "--window-size=1200,800",
        "--remote-debugging-pipe",
        "about:blank",
    ]
    process = subprocess.Popen(
        [sys.executable, "-c", _IN_PLACE, str(from_us), str(to_us), *words],
        pass_fds=(from_us, to_us),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(from_us)
    os.close(to_us)
    try:
        yield Browser(to_browser, from_browser)
    finally:
        process.kill()
        process.wait(DEADLINE_S)
        os.close(to_browser)
        os.close(from_browser)
