"""Looks at records on their way, as front ends show them."""

from __future__ import annotations

from collections.abc import Iterable

from metrics.snapshot import TapSample
from pipeline.tap import Look


def samples(looks: Iterable[Look], started_at: float) -> tuple[TapSample, ...]:
    """Looks with their times in seconds since ``started_at``, which is on the monotonic clock."""
    return tuple(
        TapSample(
            at_s=max(0.0, look.at - started_at),
            id=look.id,
            stage=look.stage,
            before=look.before,
            after=look.after,
            outcome=look.outcome,
            followed=look.followed,
        )
        for look in looks
    )
