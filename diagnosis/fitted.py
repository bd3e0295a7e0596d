"""What was fitted to diagnosed cases: ``fitted.json`` beside this file, written by ``make diagnosis-fit``.

Likelihoods come from the development part of the benchmark, the temperature from its calibration part.
Where nothing was fitted, what the hypotheses say by hand stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

FILE = Path(__file__).with_name("fitted.json")
COOLEST, HOTTEST = 0.5, 3.0
"""Bounds of the temperature."""


@dataclass(frozen=True, slots=True)
class Basis:
    """What it was fitted from. Losses are nats a case, of the right cause, each case left out of its own fit.

    ``strength`` is how many cases the numbers set by hand count for; 0 where they were better alone.
    """

    development_cases: int = 0
    calibration_cases: int = 0
    strength: float = 0.0
    development_loss_by_hand: float = 0.0
    development_loss: float = 0.0
    calibration_loss_by_hand: float = 0.0
    calibration_loss_untempered: float = 0.0
    calibration_loss: float = 0.0


@dataclass(frozen=True, slots=True)
class Fitted:
    """``likelihoods``: by cause and experiment, how probable each outcome is. ``temperature``: the power to
    which all odds are raised in the end: above 1 they were too timid, below 1 too bold."""

    basis: Basis = field(default_factory=Basis)
    temperature: float = 1.0
    likelihoods: Mapping[str, Mapping[str, Mapping[str, float]]] = field(default_factory=dict)

    def row(self, cause: str, experiment: str, outcomes: Mapping[str, float]) -> Mapping[str, float] | None:
        """What was fitted for these outcomes; None where nothing was, or the experiment had others then."""
        found = self.likelihoods.get(cause, {}).get(experiment)
        return found if found is not None and found.keys() == outcomes.keys() else None


def load(path: Path = FILE) -> Fitted:
    """Raises OSError and ValueError: the file belongs to the program, so that either is a fault of it."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Fitted)
    except msgspec.MsgspecError as error:
        raise ValueError(f"{path}: {error}") from error


FITTED = load()
