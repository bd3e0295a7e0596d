"""What a bottleneck does to the stages around it, in words."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from metrics.format import percent
from metrics.lanes import FULL
from metrics.snapshot import StageState

HELD_UP = 0.3
"""A stage that is blocked for this share of its time is told."""
LEAST_S = 2


def consequences(words: str, stages: Sequence[StageState]) -> str:
    """The bottleneck's words with how long its queue has been full, and who waits for it.

    ``transform is the bottleneck: busy 97%, its queue is full for 40s; validation is blocked 60%``
    """
    waiting = [_blocked(stage) for stage in stages if words.partition(" is ")[0] != stage.name]
    full_s = 0
    if "its queue is" in words:
        # In a chain the queue is before the first of the stages that share a thread.
        named = next((at for at, stage in enumerate(stages) if words.startswith(f"{stage.name} is ")), None)
        queues = (
            [stage.queue_fill for stage in stages[: named + 1] if stage.queue] if named is not None else []
        )
        full_s = len(list(takewhile(lambda fill: fill >= FULL, reversed(queues[-1])))) if queues else 0
    lasting = f" for {full_s}s" if full_s >= LEAST_S else ""
    return "; ".join([words + lasting, *(each for each in waiting if each)])


def _blocked(stage: StageState) -> str:
    share = stage.recent.blocked if stage.recent is not None else None
    return f"{stage.name} is blocked {percent(share, 0)}" if share is not None and share >= HELD_UP else ""
