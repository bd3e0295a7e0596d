"""The first runs: what is wrong, if anything is."""

from __future__ import annotations

from dataclasses import dataclass, replace

from diagnosis.change import Change
from diagnosis.lab import Lab
from diagnosis.observation import GARBAGE, Container, Observation
from diagnosis.symptoms import (
    KINDS,
    SINK_SHARE,
    Kind,
    Sickness,
    Trouble,
    collecting,
    depending,
    elapsed,
    growing,
    growth,
    impossible,
    kept,
    measure,
    root,
    slowing,
)
from metrics.findings import Symptom

RECORDS = 2_000
"""The most records of a trial."""
TRIAL_S = 1.5
"""About how long a trial may take."""
OWN_SHARE = 0.3
"""A sink that takes so much of a run may be what makes it slow, which cannot be looked at again."""
SHORTER = 5
LEAST_READ = 150
"""Records of an input that is looked at without its beginning."""
SMALL = 24
"""Batches of so many records show the edges of batches, and let threads alternate."""


@dataclass(frozen=True, slots=True)
class Screened:
    """The troubles, the gravest first, with the run of each and the base of its trials."""

    troubles: tuple[tuple[Trouble, Change, Observation], ...]
    as_is: Observation
    reference: Observation | None
    runs: int


def screen(lab: Lab, first: Change) -> Screened:
    """Run it as it is, in small batches, and in one thread record by record; compare."""
    as_is = lab.one(first)
    found: list[tuple[Trouble, Change, Observation]] = []
    if as_is.ending in ("refused", "died", "failed", "stalled"):
        base = Change(limit=_limit(as_is, first))
        again = lab.one(base)
        shown = again if again.ending == as_is.ending else as_is
        base = base if shown is again else first
        kind: Kind = "stall" if as_is.ending == "stalled" else "failed"
        trouble = Trouble(kind, described(kind, shown, Sickness(1.0)), Sickness(1.0))
        return Screened(((trouble, base, shown), *_others(kind, shown, base)), as_is, None, lab.runs)
    limit = _limit(as_is, first)
    small = Change(limit=limit, batch_size=SMALL)
    plain = lab.one(small)
    # Twice, for what is rare in a run.
    second = lab.run(small, times=2)[1]
    serial = Change(limit=limit, batch_size=1, driver="serial", workers=1)
    reference = lab.one(serial)
    candidates = [(small, plain), (small, second), (first, as_is)]
    for kind in KINDS:
        for base, run in candidates:
            if kind == "changed":
                continue
            if not measure(kind, run):
                continue
            where, shown = base, run
            if run is as_is and not _in_own_sink(kind, run):
                where, shown = _in_a_trial(kind, lab, limit, as_is, first)
            sick = measure(kind, shown)
            if not _by_chance(kind, lab, where, shown):
                found.append((Trouble(kind, described(kind, shown, sick), sick), where, shown))
                break
    changed = _changed(lab, small, serial, [plain, second], reference)
    if changed is not None:
        found.append(changed)
    if not found:
        found += _history(lab, serial, reference)
    found = _without_consequences(found)
    order = {kind: place for place, kind in enumerate(KINDS)}
    found.sort(key=lambda each: order[each[0].kind])
    return Screened(tuple(found), as_is, reference, lab.runs)


_OPEN = ("_io.", "socket.", "subprocess.", "threading.", "tempfile.", "selectors.", "logging.", "concurrent.")


def _without_consequences(
    found: list[tuple[Trouble, Change, Observation]],
) -> list[tuple[Trouble, Change, Observation]]:
    """Without what only shows the same thing once more."""
    kinds = {trouble.kind: trouble for trouble, _, _ in found}
    wrong = frozenset[str]().union(
        *(kinds[kind].sick.ids for kind in ("lost", "duplicated", "rejected") if kind in kinds)
    )
    kept_ones = []
    for trouble, base, run in found:
        if (
            trouble.kind == "changed"
            and wrong
            and len(trouble.sick.ids & _families(wrong, trouble)) >= 0.8 * len(trouble.sick.ids)
        ):
            continue
        if (
            trouble.kind == "books"
            and impossible(run) is None
            and kinds.keys() & {"lost", "duplicated", "rejected"}
        ):
            # What is lost, or comes twice, is in one book and not in the other.
            continue
        if trouble.kind == "duplicated" and "lost" in kinds:
            # One fault puts a record in the place of another.
            continue
        if trouble.kind == "memory" and "handles" in kinds and _holds_what_is_open(growing(run)[0]):
            continue
        kept_ones.append((trouble, base, run))
    return kept_ones


def _holds_what_is_open(container: Container) -> bool:
    """Whether it grows with what is left open: it holds that, or has no name of its own."""
    return container.items.startswith(_OPEN) or not container.clearable


def _families(ids: frozenset[str], trouble: Trouble) -> frozenset[str]:
    """The ids, with those of records that descend from them."""
    roots = {root(id) for id in ids}
    return frozenset(id for id in trouble.sick.ids if root(id) in roots)


def _others(kind: Kind, run: Observation, base: Change) -> tuple[tuple[Trouble, Change, Observation], ...]:
    found = []
    others: tuple[Kind, ...] = ("handles", "memory")
    for other in others:
        sick = measure(other, run)
        if sick and kind != other:
            found.append((Trouble(other, described(other, run, sick), sick), base, run))
    return tuple(found)


def _history(lab: Lab, serial: Change, reference: Observation) -> list[tuple[Trouble, Change, Observation]]:
    """What functions of one record make of some by those that came before them.

    It is a metamorphic relation: the input without its beginning gives the rest of what all of it gives (see
    Chen et al., *Metamorphic Testing: A Review of Challenges and Opportunities*, 2018).
    """
    if reference.ending != "complete" or not reference.altered or reference.read < LEAST_READ:
        return []
    skip = reference.read // 3 | 1
    later = lab.one(replace(serial, start=skip))
    if later.ending != "complete" or not depending(reference, later):
        return []
    # Times, and chance, differ anyway.
    again = lab.run(serial, times=2)[1]
    unsteady = frozenset(f"{stage} {name}" for stage, name in _differing(reference, again))
    apart = depending(reference, later, unsteady)
    if not apart:
        return []
    few = reference.read // SHORTER
    if few >= LEAST_READ:
        # A part of the input that shows it too is as good, and each run of it takes less.
        short, sooner = replace(serial, limit=few), few // 3 | 1
        whole, rest = lab.one(short), lab.one(replace(short, start=sooner))
        if shown := depending(whole, rest, unsteady):
            apart, serial, reference, later, skip = shown, short, whole, rest, sooner
    (stage, name), records = max(apart.items(), key=lambda each: len(each[1]))
    sick = Sickness(len(records))
    text = (
        f"{stage} gives {len(records):,} of {later.read:,} records another {name} if the input begins later"
    )
    symptom = Symptom("history", stage, text, sick.amount, "records")
    return [(Trouble("history", symptom, sick, later, unsteady, skip=skip), serial, reference)]


def _differing(one: Observation, other: Observation) -> set[tuple[str, str]]:
    """The stages and fields that are not the same in two runs of the same input."""
    return {
        (stage, name)
        for stage, made in one.altered.items()
        for content, fields in made.items()
        for name in {*fields, *other.altered.get(stage, {}).get(content, {})}
        if fields.get(name) != other.altered.get(stage, {}).get(content, {}).get(name)
    }


def _in_own_sink(kind: Kind, run: Observation) -> bool:
    """Whether it is the pipeline's own sink that is slow."""
    return kind == "slow" and run.sink_waits_s >= SINK_SHARE * run.duration_s


def _in_a_trial(
    kind: Kind, lab: Lab, limit: int, as_is: Observation, first: Change
) -> tuple[Change, Observation]:
    """What only the first run showed, in batches as they are: without its sink, if it shows there too."""
    base = Change(limit=limit)
    run = lab.one(base)
    return (base, run) if measure(kind, run) else (first, as_is)


def _by_chance(kind: Kind, lab: Lab, base: Change, run: Observation) -> bool:
    """Whether a symptom that noise can make does not come again."""
    if kind != "slow":
        return False
    if base.sink == "own":
        if run.sink_waits_s >= OWN_SHARE * run.duration_s:
            return False
        # What the sink has little to do with shows without it.
        base = replace(base, sink="count")
    again = [measure(kind, each) for each in lab.run(base, times=4)]
    return sum(bool(each) for each in again) < 3


def _changed(
    lab: Lab, base: Change, serial: Change, runs: list[Observation], reference: Observation
) -> tuple[Trouble, Change, Observation] | None:
    """Records that come out other than in one thread and record by record."""
    if reference.ending in ("stalled", "died", "refused"):
        # A thread that waits for ever is waited for by it: there is nothing to hold contents against.
        return None
    worst = max(runs, key=lambda run: measure("changed", run, reference).amount)
    sick = measure("changed", worst, reference)
    if not sick:
        return None
    other = lab.run(serial, times=2)[1]
    unsteady = measure("changed", other, reference).ids
    by_content = True
    if unsteady:
        steady = measure("changed", worst, reference, unsteady)
        if steady.amount < 0.2 * sick.amount:
            # Contents hold times, or chance: what is compared is which records come through.
            by_content = False
            unsteady = frozenset()
            sick = measure("changed", worst, reference, by_content=False)
            own = measure("changed", other, reference, by_content=False)
            if not sick and own:
                sick, worst = own, other
        else:
            sick = steady
    if not sick:
        return None
    trouble = Trouble(
        "changed", described("changed", worst, sick), sick, reference, unsteady, by_content=by_content
    )
    return trouble, base, worst


def _limit(as_is: Observation, first: Change) -> int:
    """So many records that a trial takes about :data:`TRIAL_S`."""
    most = min(as_is.read or RECORDS, first.limit or RECORDS, RECORDS)
    settled = as_is.delivered + as_is.filtered + as_is.rejected
    if settled and as_is.duration_s > TRIAL_S:
        busy = max(0.05, as_is.duration_s - as_is.sink_waits_s)
        most = min(most, max(120, int(settled / busy * TRIAL_S)))
    return max(1, most)


def described(kind: Kind, run: Observation, sick: Sickness) -> Symptom:
    """A symptom in words."""
    first = ", ".join(sorted(sick.ids)[:3])
    some = f": {first}{', ...' if len(sick.ids) > 3 else ''}" if first else ""
    stage = None
    value: float | None = sick.amount
    unit = "records"
    match kind:
        case "failed":
            text, value, unit = run.problem or run.ending, None, ""
        case "stall":
            waiting = [each.stage for each in run.stacks if each.frames and each.stage]
            stage = waiting[0] if waiting else None
            text = f"nothing moves any more after {run.delivered + run.filtered + run.rejected:,} records"
        case "lost":
            stage = next((each.name for each in run.times if each.lost), None)
            text = f"{run.lost:,} of {run.read:,} records are lost{some}"
        case "duplicated":
            text = f"{run.duplicated:,} records come twice{some}"
        case "rejected":
            reasons = [each for each in run.rejections if each.raised] or list(run.rejections)
            stage = reasons[0].stage if reasons else None
            why = reasons[0].reason[:120] if reasons else ""
            text = f"{sick.amount:,.0f} of {run.read:,} records are rejected: {why}"
        case "changed":
            text = f"{sick.amount:,.0f} records come out otherwise than one by one in one thread{some}"
        case "books":
            stage, text, unit = _disagreeing(run)
        case "handles":
            left = kept(run)
            stage = left[0].stage
            text = f"{left[0].kind}: {left[0].left:,} left open of {left[0].times:,} opened"
            unit = f"{left[0].kind}s"
        case "memory":
            top = growing(run)[0]
            stage, unit = top.stage, "items a record"
            grows = "pile up, for the cyclic collector is off" if top.type == GARBAGE else "grows"
            what = f"{growth(run, top):.2f} items a record, {top.lengths[-1]:,} at the end"
            text = f"{top.name} {grows}: {what}"
        case "history":
            text = "what comes out for a record depends on those before it"
        case "slow":
            unit = ""
            text = _slow_words(run)
    return Symptom(kind, stage, text, value, unit)


def _disagreeing(run: Observation) -> tuple[str | None, str, str]:
    """Where the books cannot be right, in words, and the unit of how wrong they are."""
    late = impossible(run)
    if late is None:
        return None, f"the books disagree: {'; '.join(run.disagreements)[:200]}", "differences"
    took = f"{late.longest_s:,.1f} s, in a run of {elapsed(run):.1f} s"
    return late.name, f"the books cannot be right: a batch in {late.name} took {took}", "times the run"


def _slow_words(run: Observation) -> str:
    if slowing(run) >= 1.7:
        return f"a record takes {slowing(run):.1f} times as long at the end as at the beginning"
    if run.sink_waits_s > 0.5 * run.duration_s:
        return f"{run.sink_waits_s / run.duration_s:.0%} of the time goes into the sink"
    return f"{collecting(run):.0%} of the time goes into collecting garbage"


def with_reference(trouble: Trouble, reference: Observation | None) -> Trouble:
    """The same, held against another run."""
    return replace(trouble, reference=reference)
