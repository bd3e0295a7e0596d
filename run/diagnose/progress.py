"""How far a diagnosis is, on stderr."""

from __future__ import annotations

from metrics.findings import Diagnosis
from run.narrator import is_terminal, overwrite, say


class Progress:
    """A line that changes on a terminal, else a line for each experiment."""

    def __init__(self) -> None:
        self._live = is_terminal()
        self._told = ""

    def __call__(self, diagnosis: Diagnosis) -> None:
        beliefs = ", ".join(f"{each.cause} {each.probability:.0%}" for each in diagnosis.beliefs[:3])
        if self._live:
            overwrite(f"{diagnosis.cost_s:5.1f}s  {beliefs}{'  ' if beliefs else ''}{diagnosis.doing}")
        elif diagnosis.doing and diagnosis.doing != self._told:
            say(f"{diagnosis.cost_s:6.1f}s  {diagnosis.doing}" + (f"  [{beliefs}]" if beliefs else ""))
        self._told = diagnosis.doing

    def end(self) -> None:
        """The line that changes is no longer wanted."""
        if self._live:
            overwrite("")
