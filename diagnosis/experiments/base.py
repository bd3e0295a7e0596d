"""What an experiment is: a question with finitely many outcomes, answered by runs with one thing changed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

from diagnosis.change import Change
from diagnosis.lab import Lab
from diagnosis.observation import Observation, Remembered
from diagnosis.source import Source
from diagnosis.symptoms import Kind, Sickness, Trouble

WITH_IDS: tuple[Kind, ...] = ("lost", "duplicated", "rejected", "changed")
CLEAN_ENOUGH = 0.05
MOST_REPEATS = 6


@dataclass(slots=True)
class Case:
    """A trouble, where it is examined, and what was learnt on the way to its place.

    ``share`` is how often a run of the base is sick; ``amount`` how sick it is then.
    """

    lab: Lab
    trouble: Trouble
    baseline: list[Observation]
    source: Source
    share: float = 1.0
    edges: tuple[str, ...] = ()
    """Stages whose output, copied, cures it."""
    lines: tuple[tuple[str, int], ...] = ()
    """Lines at which a wait makes it worse, the worst first."""
    records: tuple[str, ...] = ()
    """The fewest records that show it."""
    stride: int | None = None
    remembered: Remembered | None = None
    """What a function keeps from record to record, by which one comes out as earlier ones left it."""
    notes: dict[str, str] = field(default_factory=dict)

    @property
    def kind(self) -> Kind:
        return self.trouble.kind

    @property
    def first(self) -> Observation:
        """The run that showed it."""
        return self.baseline[0]

    @property
    def amount(self) -> float:
        """How sick the runs of the base are, those that are."""
        sick = [each.amount for each in map(self.trouble.measure, self.baseline) if each]
        return sum(sick) / len(sick) if sick else self.trouble.sick.amount

    @property
    def stages(self) -> tuple[str, ...]:
        """The user's stages, in flow order."""
        return tuple(
            each.name for each in self.first.stages if each.kind in ("function", "batch", "stateful")
        )

    def repeats(self) -> int:
        """Runs without a symptom that are needed before it is called gone: ln 0.05 / ln(1 - p)."""
        if self.share >= 0.98:
            return 1
        return min(MOST_REPEATS, math.ceil(math.log(CLEAN_ENOUGH) / math.log(1 - max(0.3, self.share))))

    def measure(self, change: Change, run: Observation) -> Sickness:
        """How sick a run with this change is. Contents are held against a reference with the same input."""
        trouble = self.trouble
        if trouble.kind == "history":
            later = self.lab.one(replace(serial(change), start=trouble.skip))
            return replace(trouble, reference=later).measure(run)
        if trouble.kind != "changed" or trouble.reference is None:
            return trouble.measure(run)
        base = self.lab.change()
        same = (change.limit, change.start, change.only, change.repeat) == (
            base.limit,
            base.start,
            base.only,
            base.repeat,
        )
        if same and change.patches == base.patches and change.clock is None:
            return trouble.measure(run)
        reference = self.lab.one(
            replace(
                serial(self.lab.change()),
                limit=change.limit,
                start=change.start,
                only=change.only,
                repeat=change.repeat,
                patches=change.patches,
                clock=change.clock,
            )
        )
        return replace(trouble, reference=reference).measure(run)

    def sick(self, change: Change, times: int | None = None) -> list[Sickness]:
        """How sick runs with this change are; ends at the first sick one unless ``times`` is given."""
        found: list[Sickness] = []
        for number in range(times or self.repeats()):
            found.append(self.measure(change, self.lab.run(change, times=number + 1)[-1]))
            if found[-1] and times is None:
                break
        return found


def own_threads(case: Case) -> bool:
    """Whether the pipeline's own code started threads while it ran."""
    return any(each.kind == "thread" and each.times for each in case.first.opened)


def serial(change: Change) -> Change:
    """The same, record by record in one thread: what contents are held against."""
    return replace(change, batch_size=1, driver="serial", workers=1)


@dataclass(frozen=True, slots=True)
class Finding:
    """What an experiment showed: one of its outcomes, in words, with the run that shows it."""

    outcome: str
    told: str
    n: int
    change: Change = field(default_factory=Change)


class Experiment:
    """Extend it: a file each, and an entry in :data:`diagnosis.experiments.EXPERIMENTS`.

    ``ordinary`` is how probable each outcome is where the experiment has nothing to do with the cause.
    ``runs`` is the cost. An ``intervention`` changes something; the others only look closer.
    """

    name: ClassVar[str]
    family: ClassVar[str]
    question: ClassVar[str]
    ordinary: ClassVar[Mapping[str, float]]
    kinds: ClassVar[tuple[Kind, ...]] = ()
    """The kinds of symptom that it bears on; none: all."""
    runs: ClassVar[float] = 1.0
    risk: ClassVar[float] = 0.0
    intervention: ClassVar[bool] = False

    def applies(self, case: Case) -> bool:
        """Whether it can be made here."""
        return not self.kinds or case.kind in self.kinds

    def carry_out(self, case: Case) -> Finding:
        """Make the runs and judge them. Raises :class:`~diagnosis.lab.OutOfBudget`."""
        raise NotImplementedError


def compared(case: Case, found: list[Sickness]) -> str:
    """``cured``, ``less`` or ``same``, against the base."""
    worst = max((each.amount for each in found), default=0.0)
    if worst <= 0:
        return "cured"
    return "less" if worst < 0.4 * case.amount else "same"


def told(case: Case, found: list[Sickness], what: str) -> str:
    """An observation in words."""
    unit = {
        "memory": "items a record",
        "handles": "left open",
        "slow": "times as long a record",
        "books": "times as long as the run, or counts that differ",
        "history": "records that depend on those before them",
        "failed": "failure",
        "stall": "stall",
    }.get(case.kind, f"records {case.kind}")
    shown = ", ".join(_number(each.amount) for each in found)
    return f"{what}: {shown} {unit} (as it is: {_number(case.amount)}; n = {len(found)})"


def _number(amount: float) -> str:
    return f"{amount:,.0f}" if amount >= 100 else f"{amount:.3g}"
