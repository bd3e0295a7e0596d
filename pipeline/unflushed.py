"""Says what was in flight when a run was given up: where, how much, and which records first."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.ledger import Ledger
from pipeline.tasks.base import Task

IDS_NAMED = 3


def unflushed(seconds: float, ledger: Ledger, stages: Sequence[str], tasks: Sequence[Task]) -> str:
    """The problem of a run that should have ended within ``seconds``, in one line."""
    began = f"the run was to end within {seconds:g} s and did not"
    records = ledger.counts().in_flight
    if not records:
        return f"{began}, though everything is flushed by now; allow more with --drain-timeout"
    waiting, held = ledger.whereabouts()
    places = []
    for stage in stages:
        if count := sum(task.in_hand for task in tasks if task.stage == stage):
            places.append(f"{count:,} in {stage!r}")
        if count := held.get(stage, 0):
            places.append(f"{count:,} held by {stage!r}")
        if count := waiting.get(stage, 0):
            places.append(f"{count:,} waiting for {stage!r}")
    where = f" ({', '.join(places)})" if places else ""
    verb = "record is" if records == 1 else "records are"
    ids = ledger.open_ids(IDS_NAMED)
    named = f"{', '.join(ids)}{' ...' if records > len(ids) else ''}"
    return f"{began}: {records:,} {verb} not flushed{where}: {named}"
