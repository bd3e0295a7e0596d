"""Carries out runs, remembers them, and keeps count of what they cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from diagnosis.change import Change
from diagnosis.launcher import Launcher
from diagnosis.observation import Observation
from pipeline.clock import Clock

LONGEST_S = 30.0
"""The longest that one run may take."""


class OutOfBudget(Exception):  # noqa: N818 - no error: the diagnosis ends with what is known
    """There is no time for another run."""


@dataclass(slots=True)
class Lab:
    """Where experiments are made. ``deadline`` is on ``clock``'s monotonic time.

    ``cure`` is in force in every run: what is found to cure one trouble, while another is looked for.
    """

    launcher: Launcher
    clock: Clock
    deadline: float
    base: Change = field(default_factory=Change)
    cure: Change = field(default_factory=Change)
    stopped: Callable[[], bool] = lambda: False
    runs: int = 0
    spent_s: float = 0.0
    _known: dict[Change, list[Observation]] = field(default_factory=dict)

    def change(self, **different: object) -> Change:
        """The base with something different."""
        change = replace(self.base, **different)  # type: ignore[arg-type]
        return _with_cure(change, self.cure)

    def run(self, change: Change, *, times: int = 1) -> list[Observation]:
        """So many runs; those made before are not made again. Raises :class:`OutOfBudget`."""
        known = self._known.setdefault(change, [])
        while len(known) < times:
            known.append(self.fresh(change))
        return known[:times]

    def one(self, change: Change) -> Observation:
        """One run, perhaps one that was made before."""
        return self.run(change)[0]

    def fresh(self, change: Change) -> Observation:
        """A run that was not made before."""
        now = self.clock.monotonic()
        left = self.deadline - now
        if self.stopped() or left <= 1.0:
            raise OutOfBudget
        observation = self.launcher.launch(change, min(LONGEST_S, left))
        self.runs += 1
        self.spent_s += self.clock.monotonic() - now
        if self.stopped():
            raise OutOfBudget
        return observation

    def cost_of_a_run(self) -> float:
        """Seconds, from what runs took so far."""
        return self.spent_s / self.runs if self.runs else 1.0


def _with_cure(change: Change, cure: Change) -> Change:
    if cure == Change():
        return change
    return replace(
        change,
        copy=tuple(dict.fromkeys((*change.copy, *cure.copy))),
        lock=tuple(dict.fromkeys((*change.lock, *cure.lock))),
        clear=tuple(dict.fromkeys((*change.clear, *cure.clear))),
        clear_above=max(change.clear_above, cure.clear_above),
        patches=(*cure.patches, *change.patches),
        collector=cure.collector if cure.collector != "on" else change.collector,
    )
