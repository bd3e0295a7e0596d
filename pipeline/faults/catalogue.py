"""All faults, in one list."""

from __future__ import annotations

from pipeline.faults import batching, clock, handles, leak, lookalike, race, shared_state
from pipeline.faults.spec import Variant

VARIANTS: tuple[Variant, ...] = (
    *race.VARIANTS,
    *leak.VARIANTS,
    *batching.VARIANTS,
    *shared_state.VARIANTS,
    *clock.VARIANTS,
    *handles.VARIANTS,
    *lookalike.VARIANTS,
)


def find(name: str) -> Variant | None:
    """The fault of this name, without regard to case."""
    return next((each for each in VARIANTS if each.name == name.strip().casefold()), None)
