"""Carries out experiments: a trial in a process of its own, ended with all that it started."""

from __future__ import annotations

import os
import shlex
import threading
from dataclasses import replace
from pathlib import Path

from diagnosis.change import Change, to_json
from diagnosis.observation import Observation, from_json, nothing
from pipeline.clock import Clock, SystemClock
from run import exit_codes
from run.diagnose.processes import Forks
from run.tampering import VARIABLE

_POLL_S = 0.1
_SPINS = 20_000
_STALL_S = 3.0
"""Of its own time, without what it waits for a processor."""


class TrialLauncher:
    """Implements :class:`diagnosis.launcher.Launcher` for one pipeline file."""

    def __init__(
        self,
        target: str,
        program: str = "monitor.py",
        clock: Clock | None = None,
        context: Path | None = None,
    ) -> None:
        """``context`` is a file that says, sealed, what else is in the pipeline of each trial."""
        self._target = target
        self._context = context
        self._program = program
        self._clock = clock or SystemClock()
        self._stop = threading.Event()
        self._started: Forks | None = None
        self._starting = threading.Lock()
        self._best = min(self._spin() for _ in range(5))

    def stop(self) -> None:
        """End the trial that is under way, and start no more; from any thread."""
        self._stop.set()

    def launch(self, change: Change, deadline_s: float) -> Observation:
        """See :meth:`diagnosis.launcher.Launcher.launch`."""
        began = self._clock.monotonic()
        words = [self._target, "--change", to_json(change), "--stalled-after", f"{_STALL_S:g}"]
        process = self._forks().start(words)
        spins: list[float] = []
        try:
            while (code := process.wait(_POLL_S)) is None:
                spins.append(self._spin())
                took = self._clock.monotonic() - began
                if took >= deadline_s or self._stop.is_set():
                    return nothing("stalled", f"it was ended after {took:.0f} s", took)
            # What it left behind may still write.
            process.end()
            out, err = process.said()
        finally:
            process.end()
            process.close()
        took = self._clock.monotonic() - began
        try:
            observation = from_json(out)
        except ValueError:
            if code == exit_codes.MONITOR:
                raise RuntimeError(f"a trial failed by itself:\n{err.decode('utf-8', 'replace')}") from None
            return nothing("died", _last_words(code, err), took)
        spin = sorted(spins)[len(spins) // 2] / self._best if spins else 1.0
        return replace(observation, machine=replace(observation.machine, spin=max(1.0, spin)))

    def _forks(self) -> Forks:
        with self._starting:
            if self._started is None:
                self._started = Forks(self.environment())
            return self._started

    def environment(self) -> dict[str, str]:
        """What a trial runs in."""
        # The order of sets and the like is not what is looked for, and would differ in every run.
        found = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONUNBUFFERED": "1"}
        return found if self._context is None else {**found, VARIABLE: str(self._context)}

    def command(self, change: Change) -> str:
        """See :meth:`diagnosis.launcher.Launcher.command`."""
        words = ["python", self._program] if self._program.endswith(".py") else [self._program]
        return shlex.join([*words, "trial", self._target, "--change", to_json(change)])

    def _spin(self) -> float:
        """How long a fixed piece of work takes now."""
        began = self._clock.monotonic()
        for _ in range(_SPINS):
            pass
        return max(1e-7, self._clock.monotonic() - began)


def _last_words(code: int, err: bytes) -> str:
    words = err.decode("utf-8", "replace").strip().splitlines()
    how = f"killed by signal {-code}" if code < 0 else f"exit {code}"
    return f"the process ended without a word ({how}): {words[-1] if words else 'nothing on stderr'}"


__all__ = ["TrialLauncher"]
