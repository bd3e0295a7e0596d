"""A diagnosis beside a run: trials in other processes, while this one goes on, or when it is over."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from metrics.findings import Diagnosis
from metrics.snapshot import FaultState
from pipeline.clock import Clock
from pipeline.errors import ConfigurationError
from pipeline.threads import spawn
from run.tampering import sealed

if TYPE_CHECKING:
    from run.diagnose.launcher import TrialLauncher

BUDGET_S = 120.0
FIRST_S = 20.0
"""The first trial reads for so long at most."""


class Diagnosing:
    """Looks for the cause of what is wrong with one pipeline file. Safe to use from any thread."""

    def __init__(self, target: str, clock: Clock, faults: Callable[[], Sequence[FaultState]]) -> None:
        """``faults`` are those that were put in on purpose: the trials' pipeline has them too, and who
        diagnoses is not told."""
        self._target = target
        self._clock = clock
        self._faults = faults
        self._launcher: TrialLauncher | None = None
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._over = threading.Event()
        self._over.set()
        self.found: Diagnosis | None = None
        """What is known by now; None before the first diagnosis."""

    def begin(self, budget_s: float = BUDGET_S) -> None:
        """Begin in the background. Raises ConfigurationError while one is under way."""
        with self._lock:
            if not self._over.is_set():
                raise ConfigurationError("a diagnosis is under way already")
            self._over.clear()
            self._stopped.clear()
            self.found = Diagnosis("running", doing="starting")
        spawn("diagnosis", lambda: self._run(budget_s))

    def wait(self, seconds: float) -> bool:
        """Wait for the end of the one under way, so long at most; tell whether it is over."""
        return self._over.wait(seconds)

    def stop(self) -> None:
        """End the one under way, with what is known."""
        self._stopped.set()
        launcher = self._launcher
        if launcher is not None:
            launcher.stop()

    def _run(self, budget_s: float) -> None:
        folder = Path(tempfile.mkdtemp(prefix="run-"))
        try:
            # A seventh of what a start would take, and few runs are diagnosed.
            from diagnosis.change import Change
            from diagnosis.engine import Diagnoser
            from run.diagnose.launcher import TrialLauncher

            context = None
            if texts := [_text(fault) for fault in self._faults() if fault.lifted_s is None]:
                context = folder / "context"
                context.write_text(sealed(texts), encoding="ascii")
            self._launcher = TrialLauncher(self._target, clock=self._clock, context=context)
            first = Change(duration_s=FIRST_S)
            self.found = (
                Diagnoser(
                    self._launcher,
                    self._clock,
                    budget_s,
                    first=first,
                    progress=self._tell,
                    stopped=self._stopped.is_set,
                )
                .run()
                .diagnosis
            )
        except Exception as error:  # noqa: BLE001 - the run is not to suffer from its diagnosis
            self.found = Diagnosis("undetermined", doubt=f"the diagnosis failed: {error}")
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            self._launcher = None
            self._over.set()

    def _tell(self, diagnosis: Diagnosis) -> None:
        self.found = diagnosis


def _text(fault: FaultState) -> str:
    place = f"@{fault.stage}" if fault.stage is not None else ""
    return ",".join([f"{fault.name}{place}", *(f"{name}={value}" for name, value in fault.params)])
