"""A pipeline in another process that is played: observations by rules, without a process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from diagnosis.change import Change, to_json
from diagnosis.observation import Container, Observation, Sample, StageShape, nothing

RECORDS = 600
Rule = Callable[[Change, Observation], Observation]


def sound(change: Change) -> Observation:
    """A run of 600 records in which nothing is wrong."""
    offsets = range(change.start, min(RECORDS, change.start + (change.limit or RECORDS)))
    ids = [f"made/values:{offset}" for offset in offsets]
    if change.only is not None:
        ids = [id for id in ids if id in change.only]
    read = len(ids)
    at = tuple(range(0, read + 1, max(1, read // 16)))
    return replace(
        nothing("complete", "", 0.2),
        problem=None,
        read=read,
        delivered=read,
        hashes={id: id for id in ids},
        stages=(StageShape("ingestion", "ingestion", 1), StageShape("work", "function", 1)),
        at=at,
        samples=tuple(Sample(each, each / 1000, 1, 5, 2, 0, 0, 1) for each in at),
        batch_at=tuple((each, each / 1000) for each in at),
        partitions=("made/values",),
    )


def without(run: Observation, lost: list[str]) -> Observation:
    """The same run with some records lost."""
    return replace(
        run,
        lost=len(lost),
        delivered=run.delivered - len(lost),
        lost_ids=tuple(lost),
        hashes={id: content for id, content in run.hashes.items() if id not in lost},
    )


def loses_the_last_of_each_batch(change: Change, run: Observation) -> Observation:
    """The fault of a batch's edge."""
    size = change.batch_size or 50
    ids = list(run.hashes)
    return without(run, [ids[at] for at in range(size - 1, len(ids), size)])


def keeps_every_record(change: Change, run: Observation) -> Observation:
    """A container that gains an item a record, until it is emptied."""
    bound = change.clear_above if "kept" in change.clear else None
    lengths = tuple(each if bound is None else min(each, bound) for each in run.at)
    return replace(run, containers=(Container("kept", "dict", "work", None, "kept", lengths),))


class Played:
    """Stands in for the door to the other process; ``sink`` is part of no rule here."""

    def __init__(self, *rules: Rule) -> None:
        self._rules = rules
        self.changes: list[Change] = []

    def launch(self, change: Change, deadline_s: float) -> Observation:
        """Play a run."""
        assert deadline_s > 0
        self.changes.append(change)
        run = sound(change)
        for rule in self._rules:
            run = rule(change, run)
        return run

    def command(self, change: Change) -> str:
        """What would repeat it."""
        return f"play {to_json(change)}"
