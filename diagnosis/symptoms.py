"""What is wrong with a run, as measures that a run of an experiment can be held against."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Literal, get_args

from diagnosis.observation import Container, Observation, Opened, StageTimes
from metrics.findings import Symptom

Kind = Literal[
    "failed",
    "stall",
    "lost",
    "duplicated",
    "rejected",
    "changed",
    "books",
    "handles",
    "memory",
    "slow",
    "history",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""The gravest first."""

GROWS_PER_RECORD = 0.04
"""Items a record that a container gains in the second half of a run."""
LEAST_GROWTH = 40
LEFT_PER_RECORD = 0.01
LEAST_LEFT = 6
SLOWER = 1.7
"""The last third of a run takes so many times as long a record as the first."""
STEPS = 8
"""A third of a run is so many batches at least: in a few it shows how threads took turns."""
COMPUTES = 0.3
MORE_WORK = 1.3
REJECTED_SHARE = 0.05
NAMED = 20_000
"""So many ids of lost records a run names at most."""
SINK_SHARE = 0.6
SINK_LEAST_S = 0.3
SINK_RECORD_S = 0.0001
"""A sink that takes so long for each record writes them one by one."""
WARM = 32
LEAST_APART = 10
APART_SHARE = 0.02
"""Fewer records than that may be made otherwise because of those before them."""
OWN_SHARE = 0.5
"""Where so many records have a value that no other has, a field is a running one."""
GC_SHARE = 0.3
GC_LEAST_S = 0.3
"""Less than this in the collector is no trouble, whatever its share of a short run."""

TOO_LONG = 2.0
TOO_LONG_S = 2.0
"""A batch that took so many times as long as the whole run, and so many seconds more, cannot be."""


@dataclass(frozen=True, slots=True)
class Sickness:
    """How sick a run is in one respect: an amount (0: not at all) and, where records have it, their ids."""

    amount: float
    ids: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return self.amount > 0


WELL = Sickness(0.0)


@dataclass(frozen=True, slots=True)
class Trouble:
    """A symptom that is being explained: ``reference`` is the run that content is held against,
    ``unsteady`` the ids that differ between two such runs."""

    kind: Kind
    symptom: Symptom
    sick: Sickness
    reference: Observation | None = None
    unsteady: frozenset[str] = frozenset()
    by_content: bool = True
    """Whether contents are compared, or only which records came through: contents that hold times differ."""
    stage: str | None = None
    skip: int = 0
    """The run that ``history`` is held against begins so many records later."""

    def measure(self, run: Observation) -> Sickness:
        """How sick another run is in this respect."""
        if run.ending in ("died", "refused") and self.kind != "failed":
            return Sickness(1.0)
        return measure(self.kind, run, self.reference, self.unsteady, by_content=self.by_content)


def measure(
    kind: Kind,
    run: Observation,
    reference: Observation | None = None,
    unsteady: frozenset[str] = frozenset(),
    *,
    by_content: bool = True,
) -> Sickness:
    """How sick a run is in one respect."""
    match kind:
        case "failed":
            return Sickness(1.0) if run.ending in ("failed", "died", "refused") else WELL
        case "stall":
            return Sickness(1.0) if run.ending == "stalled" else WELL
        case "lost":
            return Sickness(run.lost, frozenset(run.lost_ids))
        case "duplicated":
            return Sickness(run.duplicated, frozenset(run.duplicated_ids))
        case "rejected":
            return _rejected(run)
        case "changed":
            return _changed(run, reference, unsteady, by_content=by_content)
        case "books":
            return _books(run)
        case "handles":
            return Sickness(sum(each.left for each in kept(run)))
        case "memory":
            return Sickness(max((growth(run, each) for each in growing(run)), default=0.0))
        case "history":
            return Sickness(
                max((len(each) for each in depending(run, reference, unsteady).values()), default=0)
            )
        case "slow":
            return _slow(run)


def depending(
    run: Observation, other: Observation | None, unsteady: frozenset[str] = frozenset()
) -> dict[tuple[str, str], frozenset[str]]:
    """The records (by content) of which a stage makes something else in another run, by stage and field.

    The other run begins at a later record. Not counted are the first records of it, which may need some
    before them, and fields (``STAGE FIELD``) that differ anyway. Nor are fields that no record keeps as it
    came with them, each with a value of its own: a running number, or a total, is what it is by those before.
    """
    found: dict[tuple[str, str], frozenset[str]] = {}
    if other is None:
        return found
    for stage, theirs in other.altered.items():
        mine = run.altered.get(stage, {})
        common = [content for content in list(theirs)[WARM:] if content in mine]
        fields = {name for content in common for name in (*mine[content], *theirs[content])}
        for name in fields:
            if f"{stage} {name}" in unsteady:
                continue
            kept = max(sum(name not in each for each in one.values()) for one in (mine, theirs))
            apart = [each for each in common if mine[each].get(name) != theirs[each].get(name)]
            own = len({mine[each].get(name) for each in common}) > OWN_SHARE * len(common)
            if (kept >= WARM or not own) and len(apart) >= max(LEAST_APART, APART_SHARE * len(common)):
                found[stage, name] = frozenset(apart)
    return found


def _rejected(run: Observation) -> Sickness:
    raised = [each for each in run.rejections if each.raised or "outcomes for" in each.reason]
    settled = max(1, run.delivered + run.filtered + run.rejected)
    if not raised and run.rejected / settled > REJECTED_SHARE and settled >= 20:
        raised = list(run.rejections)
    return Sickness(sum(each.count for each in raised), frozenset(id for each in raised for id in each.ids))


def _changed(
    run: Observation, reference: Observation | None, unsteady: frozenset[str], *, by_content: bool
) -> Sickness:
    if reference is None or run.ending == "stalled":
        return WELL
    skip = set(run.lost_ids) | set(reference.lost_ids) | unsteady
    # Only so many lost ids are named: with more of them, only what both have can be compared.
    partial = max(run.lost, reference.lost) >= NAMED or run.ending != "complete"
    skip |= {id for each in (*run.rejections, *reference.rejections) if each.raised for id in each.ids}
    common = _both_read(run, reference)
    wrong = {
        id
        for id, content in reference.hashes.items()
        if id not in skip
        and common(id)
        and (run.hashes.get(id) != content if by_content else id not in run.hashes)
        and not (partial and id not in run.hashes)
    }
    if partial:
        return Sickness(len(wrong), frozenset(wrong))
    wrong |= {id for id in run.hashes if id not in reference.hashes and id not in skip and common(id)}
    return Sickness(len(wrong), frozenset(wrong))


def _both_read(run: Observation, reference: Observation) -> Callable[[str], bool]:
    """Whether both runs came as far as a record: so many of several partitions are others in each run."""
    if len(reference.partitions) < 2:
        return lambda _id: True
    ends = [_ends(run), _ends(reference)]
    last = {place: min(each.get(place, -1) for each in ends) for place in ends[0].keys() | ends[1].keys()}

    def both(id: str) -> bool:
        place, offset = placed(id)
        return offset <= last.get(place, -1)

    return both


def _ends(run: Observation) -> dict[str, int]:
    """By partition, the last offset of which something came out."""
    ends: dict[str, int] = {}
    for id in run.hashes:
        place, offset = placed(id)
        ends[place] = max(ends.get(place, -1), offset)
    return ends


def placed(id: str) -> tuple[str, int]:
    """Partition and offset of the record that was read, from its id or one of those that descend from it."""
    place, _, number = id.rpartition(":")
    return place, int(number.partition(".")[0])


def _books(run: Observation) -> Sickness:
    """What the books hold that cannot be: times, or counts that differ."""
    if (stage := impossible(run)) is not None:
        return Sickness(stage.longest_s / elapsed(run))
    return Sickness(len(run.disagreements)) if run.ending == "complete" else WELL


def impossible(run: Observation) -> StageTimes | None:
    """The first stage in whose books a batch took longer than the whole run, by far; None where none did.

    The stages of a chain share one watch, so that what is wrong with it shows in all of them, and in the
    decoding of what they take.
    """
    most = TOO_LONG * elapsed(run) + TOO_LONG_S
    found = [each for each in run.times if each.longest_s > most]
    ends = {each.name for each in run.stages if each.kind in ("ingestion", "output")}
    return next((each for each in found if each.name not in ends), found[0] if found else None)


def elapsed(run: Observation) -> float:
    """Seconds from a run's beginning to the last look at it."""
    return max(run.duration_s, run.samples[-1].at_s if run.samples else 0.0)


def _slow(run: Observation) -> Sickness:
    factor = slowing(run)
    if factor >= SLOWER:
        return Sickness(factor)
    if _worth_looking_at(run) and run.sink_waits_s / run.duration_s >= SINK_SHARE:
        return Sickness(run.sink_waits_s / run.duration_s)
    return Sickness(share) if (share := collecting(run)) >= GC_SHARE else WELL


def root(id: str) -> str:
    """The id of the record that was read, of one that may descend from it."""
    place, offset = placed(id)
    return f"{place}:{offset}"


def _worth_looking_at(run: Observation) -> bool:
    """A run that takes its time, or at least a sink that does for every record."""
    return run.duration_s > SINK_LEAST_S or (
        run.duration_s > SINK_LEAST_S / 3
        and run.sink_waits_s / max(1, run.delivered + run.filtered + run.rejected) >= SINK_RECORD_S
    )


def collecting(run: Observation) -> float:
    """The share of a run's time that the cyclic collector takes; 0 where that is next to nothing.

    Both are time of a processor where the run took more of that than went by: several threads did.
    """
    if run.machine.gc_s < GC_LEAST_S:
        return 0.0
    return run.machine.gc_s / max(run.duration_s, run.machine.cpu_s)


def slowing(run: Observation) -> float:
    """How many times as long a record takes at the end of a run as at its beginning, by medians."""
    costs = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in pairwise(run.batch_at) if b[0] > a[0]]
    third = len(costs) // 3
    if third < STEPS or run.duration_s < 0.25:
        return 1.0
    early, late = median(costs[2 : third + 2]), median(costs[-third:])
    factor = late / early if early > 0 else 1.0
    return factor if factor < SLOWER or not _only_by_the_clock(run) else 1.0


def _only_by_the_clock(run: Observation) -> bool:
    """Whether a run that computes needs no more computing for its last records than for its first: then it is
    other programs that make it slow. One that waits for something is told by the clock alone."""
    samples = [each for each in run.samples if each.cpu_s > 0]
    third = len(samples) // 3
    if third < 4:
        return False
    early, late = samples[1 : third + 1], samples[-third:]
    costs = [
        (part[-1].cpu_s - part[0].cpu_s) / max(1, part[-1].records - part[0].records)
        for part in (early, late)
    ]
    whole = samples[-1].cpu_s - samples[0].cpu_s
    computes = whole >= COMPUTES * run.duration_s * (1 - run.machine.run_wait)
    return computes and costs[1] < MORE_WORK * costs[0]


def growing(run: Observation) -> list[Container]:
    """The containers that gain items all the time, the largest gain first."""
    found = [each for each in run.containers if growth(run, each) > 0]
    return sorted(found, key=lambda each: -growth(run, each))


def growth(run: Observation, container: Container) -> float:
    """Items gained for each record in the second half of a run; 0 where it did not keep growing."""
    lengths = container.lengths
    if len(lengths) < 6 or len(lengths) != len(run.at):
        return 0.0
    middle = next((place for place, at in enumerate(run.at) if at >= run.at[-1] / 2), len(lengths) - 2)
    records = run.at[-1] - run.at[middle]
    if records <= 0:
        return 0.0
    # What is emptied at the end was in use until then; what was lower in between is a buffer.
    late = lengths[middle:]
    more = min(late[-3:]) - max(late[:1])
    falls = sum(b < a for a, b in pairwise(late))
    rate = more / records
    highest = 0
    for length in lengths:
        highest = max(highest, length)
        if length < highest / 2 and highest > LEAST_GROWTH:
            return 0.0  # it is emptied now and then
    if more < LEAST_GROWTH or rate < GROWS_PER_RECORD or falls > len(late) // 4:
        return 0.0
    return rate


def kept(run: Observation) -> list[Opened]:
    """What was opened and left open, so much of it that it follows the records."""
    settled = max(1, run.delivered + run.filtered + run.rejected)
    batches = max(1, len(run.batch_at))
    found = [
        each
        for each in run.opened
        if each.left >= LEAST_LEFT and (each.left / settled >= LEFT_PER_RECORD or each.left >= 0.5 * batches)
    ]
    return sorted(found, key=lambda each: -each.left)
