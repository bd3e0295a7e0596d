"""A program of these tests in a process of its own, spoken to in lines. Every wait has a deadline."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

ROOT = Path(__file__).parents[2]
DEADLINE_S = 60.0


class LineProcess:
    """Runs ``python -m MODULE``; lines go to its stdin and come from its stdout."""

    def __init__(self, module: str, *arguments: str) -> None:
        self._module = module
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._buffer = b""

    def say(self, line: str) -> None:
        """Send a line."""
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()

    def hear(self, timeout: float = DEADLINE_S) -> str:
        """The next line. Raises TimeoutError where none comes in time, EOFError where none will come."""
        line = self.hear_within(timeout)
        if line is None:
            raise TimeoutError(f"{self._module} said nothing for {timeout} s")
        return line

    def hear_within(self, timeout: float) -> str | None:
        """The next line if it comes within so many seconds."""
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        until = time.monotonic() + timeout
        while b"\n" not in self._buffer:
            ready, _, _ = select.select([descriptor], [], [], max(0.0, until - time.monotonic()))
            if not ready:
                return None
            data = os.read(descriptor, 65536)
            if not data:
                raise EOFError(f"{self._module} ended with exit code {self._process.wait(DEADLINE_S)}")
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line.decode()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
