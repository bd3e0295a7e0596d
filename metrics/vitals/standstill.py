"""Stages that stand still: a thread of theirs waits for a lock, and no record comes through."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from metrics.snapshot import ThreadState

IDLE_CPU = 0.1
"""A thread that takes more of a processor is at work, however often it is seen at a lock."""
GAP_S = 2.0
"""Who tries again and again for a lock is not seen at it each time."""


class Standstill:
    """Since when each stage stands still. Looks at what others have measured, for one thread."""

    def __init__(self) -> None:
        self.since: dict[str, float] = {}
        self._seen: dict[str, float] = {}
        self._taken: dict[str, int] = {}

    def look(
        self, now: float, taken: Mapping[str, int], threads: Sequence[ThreadState], *, paused: bool
    ) -> None:
        """``taken`` are the records that each stage has taken by now."""
        waiting = set() if paused else _all_waiting(threads)
        for stage, records in taken.items():
            moved = self._taken.get(stage) != records
            if stage in waiting:
                self._seen[stage] = now
            if moved or paused or now - self._seen.get(stage, -GAP_S) >= GAP_S:
                self.since.pop(stage, None)
            elif stage in waiting:
                self.since.setdefault(stage, now)
        self._taken = dict(taken)


def words(stage: str, since_s: float, threads: Iterable[ThreadState]) -> str:
    """Which threads wait for a lock and where; ``since_s`` is in seconds of the run."""
    told = list(threads)
    own = [each for each in told if each.stage == stage and each.waits_for_lock]
    others = [each for each in told if each.stage != stage and each.waits_for_lock and each.place]
    places = list(dict.fromkeys(each.place for each in own if each.place))
    noun = "its threads wait" if len(own) > 1 else "its thread waits"
    where = f" at {', '.join(places)}" if places else ""
    also = "".join(f", and so does {each.name} at {each.place}" for each in others[:2])
    minutes, second = divmod(int(since_s), 60)
    return f"{stage} has stood still since {minutes}:{second:02}: {noun} for a lock{where}{also}"


def _all_waiting(threads: Sequence[ThreadState]) -> set[str | None]:
    """The stages of which whoever is at a record waits: where one does not, it may be what the others wait
    for, and get on."""
    busy = [each for each in threads if each.state == "busy"]
    return {each.stage for each in busy} - {each.stage for each in busy if not _waits(each)}


def _waits(thread: ThreadState) -> bool:
    return thread.waits_for_lock and (thread.cpu is None or thread.cpu < IDLE_CPU)
