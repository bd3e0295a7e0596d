"""What a diagnosis says: plain values, for reports and screens, made by ``diagnosis/``.

Durations are seconds; confidences and probabilities run from 0 to 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Cause = Literal[
    "race",
    "leak",
    "batching",
    "shared_state",
    "clock",
    "handles",
    "slow_sink",
    "backpressure",
    "gc_pause",
    "noisy_neighbour",
    "input_drift",
    "poison_record",
    "disk_full",
    "deadlock",
    "dead_worker",
    "warm_up",
    "unknown",
    "healthy",
]


@dataclass(frozen=True, slots=True)
class Symptom:
    """What is wrong, as measured: ``kind`` is one of ``diagnosis.symptoms``."""

    kind: str
    stage: str | None
    text: str
    value: float | None
    unit: str
    at_s: float | None = None
    """When in the run it began."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A claim that bears on hypotheses. ``exact`` is arithmetic, not statistics; ``n`` is what it rests
    on."""

    family: str
    claim: str
    value: float | None
    unit: str
    n: int
    source: str
    exact: bool
    at_s: float | None = None


@dataclass(frozen=True, slots=True)
class Belief:
    """How probable a cause is now, and the evidence for and against it, in words."""

    cause: Cause
    probability: float
    evidence_for: tuple[str, ...] = ()
    evidence_against: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What it is. ``location`` is ``FILE:LINE``, ``object`` the container or name at fault; None where
    unknown."""

    cause: Cause
    stage: str | None
    object: str | None
    location: str | None
    confidence: float
    why: str
    fix: str
    verified: bool
    diff: str | None = None
    verification: str | None = None


@dataclass(frozen=True, slots=True)
class RuledOut:
    """A rival, how probable it still is, and why it is not it."""

    cause: Cause
    confidence: float
    because: str


@dataclass(frozen=True, slots=True)
class Step:
    """One turn of the log: hypothesis, prediction, experiment, observation, conclusion.

    ``command`` repeats the experiment. ``odds_before`` and ``odds_after`` are those of ``hypothesis``.
    """

    number: int
    at_s: float
    took_s: float
    hypothesis: Cause
    prediction: str
    experiment: str
    command: str
    observation: str
    conclusion: str
    odds_before: float
    odds_after: float


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A diagnosis, under way or over. ``beliefs`` are those of now, the most probable first.

    ``doing`` says what goes on while ``state`` is ``running``. ``doubt`` is what remains, ``next`` the
    experiment that would help most where it stays undetermined.
    """

    state: Literal["running", "concluded", "undetermined", "healthy"]
    symptoms: tuple[Symptom, ...] = ()
    beliefs: tuple[Belief, ...] = ()
    conclusions: tuple[Conclusion, ...] = ()
    ruled_out: tuple[RuledOut, ...] = ()
    log: tuple[Step, ...] = ()
    cost_s: float = 0.0
    doing: str = ""
    doubt: str = ""
    next: str = ""
