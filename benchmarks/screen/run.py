"""What the full screen costs: processor time, the way from a key to the screen, the first paint, throughput.

    python -m benchmarks.screen.run --seconds 20 --turns 5

Everything runs on a pseudo-terminal of 120x40 that is read as fast as it is written. The screen's cost is the
processor time of its thread, fed with a new snapshot at each look. Throughput is that of the orders benchmark
with the screen against that without, in turns.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path
from statistics import median

import psutil

from benchmarks.orders.generate import generate

ROOT = Path(__file__).resolve().parents[2]
LOADED = "benchmarks/screen/loaded_pipeline.py"
PIPELINE = "benchmarks/orders/orders_pipeline.py"
SIZE = (40, 120)
DEADLINE_S = 300.0
KEYS = (("4", "CACHES"), ("3", "SOURCES"), ("8", "DIAGNOSIS"), ("9", "lines,"), ("2", "LATENCY"))
"""Keys, and a word of the view that each brings up."""


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, arguments: list[str], environment: dict[str, str]) -> None:
        self._main, side = pty.openpty()
        fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", *SIZE, 0, 0))
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, *arguments], cwd=ROOT, stdin=side, stderr=side, stdout=subprocess.PIPE,
            env={**os.environ, "TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8", **environment},
            start_new_session=True,
        )  # fmt: skip
        os.close(side)
        self.seen = b""

    def send(self, text: str) -> None:
        os.write(self._main, text.encode())

    def read(self, timeout: float) -> bool:
        """Take what was written; whether there was anything."""
        if not select.select([self._main], [], [], timeout)[0]:
            return False
        try:
            data = os.read(self._main, 1 << 16)
        except OSError:
            return False
        self.seen += data
        return bool(data)

    def rest(self, seconds: float) -> None:
        """Read for so long."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            self.read(left)

    def wait_for(self, word: str) -> float:
        """The moment at which a word is on the screen, from here on."""
        end = time.perf_counter() + DEADLINE_S
        while word.encode() not in self.seen:
            if time.perf_counter() > end or (self.process.poll() is not None and not self.read(0.0)):
                raise SystemExit(f"{word!r} did not come: {self.seen[-2000:]!r}")
            self.read(0.05)
        return time.perf_counter()

    def finish(self) -> str:
        """Read on until it ends; what it printed to stdout."""
        end = time.perf_counter() + DEADLINE_S
        while self.process.poll() is None and time.perf_counter() < end:
            self.read(0.05)
        printed = self.process.stdout.read().decode() if self.process.stdout is not None else ""
        os.close(self._main)
        return printed


def cost(seconds: float, interval: float, stages: int) -> float:
    """The share of a core that the screen's thread takes."""
    terminal = Terminal(["-m", "benchmarks.screen.fed", f"{seconds}", f"{interval}", f"{stages}"], {})
    told = json.loads(terminal.finish())
    return float(told["cpu_s"]) / float(told["wall_s"])


def first_paint() -> tuple[float, float]:
    """Seconds from the start of the process to the first panel of the demo, and of its processor time."""
    terminal = Terminal(["monitor.py"], {})
    painted = terminal.wait_for("STAGES") - terminal.started
    spent = psutil.Process(terminal.process.pid).cpu_times()
    terminal.process.send_signal(signal.SIGTERM)
    terminal.finish()
    return painted, spent.user + spent.system


def key_to_screen(turns: int) -> list[float]:
    """Seconds from a key to the view that it brings up, with the engine at full load."""
    terminal = Terminal(["monitor.py", "run", LOADED], {})
    terminal.wait_for("STAGES")
    terminal.rest(2.0)
    times = []
    for turn in range(turns):
        key, word = KEYS[turn % len(KEYS)]
        # Away from the beat of the looks.
        terminal.rest(0.5 + turn % 7 * 0.037)
        terminal.seen = b""
        sent = time.perf_counter()
        terminal.send(key)
        times.append(terminal.wait_for(word) - sent)
    terminal.process.send_signal(signal.SIGTERM)
    terminal.finish()
    return times


def throughput(source: Path, *, screen: bool) -> float:
    """Records a second of the orders benchmark, of its own report."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {"ORDERS_INPUT": str(source), "ORDERS_OUTPUT": folder}
        report = Path(folder) / "report.json"
        arguments = [
            "monitor.py",
            "run",
            PIPELINE,
            "--json",
            str(report),
            *([] if screen else ["--headless"]),
        ]
        terminal = Terminal(arguments, environment)
        if screen:
            terminal.wait_for("ENDED")
            terminal.send("q")
        terminal.finish()
        told = json.loads(report.read_text())
        return float(told["records"]["read"]) / float(told["duration_s"])


def p95(values: list[float]) -> float:
    return sorted(values)[max(0, int(len(values) * 0.95) - 1)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=20.0, help="how long the cost is measured")
    parser.add_argument("--turns", type=int, default=5, help="how often throughput and paint are measured")
    parser.add_argument("--keys", type=int, default=60)
    parser.add_argument("--records", type=int, default=1_000_000)
    wanted = parser.parse_args()
    for interval, stages in ((0.25, 8), (0.1, 8)):
        shares = [cost(wanted.seconds, interval, stages) for _ in range(max(1, wanted.turns // 2))]
        print(f"screen at {1 / interval:.0f} Hz, {stages} stages: {median(shares):.1%} of a core", flush=True)
    paints = [first_paint() for _ in range(wanted.turns)]
    walls, spent = [wall for wall, _ in paints], [cpu for _, cpu in paints]
    told = f"median {median(walls):.2f} s, best {min(walls):.2f} s, processor {median(spent):.2f} s"
    print(f"first paint after the start: {told}", flush=True)
    keys = key_to_screen(wanted.keys)
    told = f"median {median(keys) * 1000:.0f} ms, p95 {p95(keys) * 1000:.0f} ms"
    print(f"key to screen with the engine at full load: {told}", flush=True)
    source = generate(wanted.records)
    ratios = []
    for _ in range(wanted.turns):
        headless = throughput(source, screen=False)
        ratios.append(throughput(source, screen=True) / headless)
    told = ", ".join(f"{ratio:.2f}" for ratio in ratios)
    print(f"throughput with the screen against headless: median {median(ratios):.2f} of {told}")


if __name__ == "__main__":
    main()
