"""Tries repairs: a run with one against a run without, on the same input."""

from __future__ import annotations

import difflib
from collections import Counter
from dataclasses import dataclass, replace

from diagnosis.change import Change, Delay, Patch, patched
from diagnosis.experiments import Case
from diagnosis.experiments.base import serial
from diagnosis.lab import OutOfBudget
from diagnosis.observation import Observation
from diagnosis.repairs import REPAIRS, Repair
from diagnosis.symptoms import KINDS, Kind, measure
from metrics.findings import Cause

MOST_TRIED = 14
SLOWER = 3.0
"""A repair may make a run of a fraction of a second so many times slower before that speaks against it."""


@dataclass(frozen=True, slots=True)
class Tried:
    """A repair that was chosen, whether it was shown to work, and how that was shown, in words."""

    repair: Repair
    verified: bool
    shown: str
    diff: str | None
    change: Change


def mend(case: Case, cause: Cause) -> Tried | None:
    """The first repair that cures, with proof; else the first that there is."""
    candidates = REPAIRS[cause](case) if cause in REPAIRS else []
    failed = 0
    for repair in candidates[:MOST_TRIED]:
        try:
            problem, runs = _problem(case, repair)
            if problem is not None:
                failed += 1
                continue
            if not repair.proves:
                return Tried(repair, False, "", _diff(case, repair), _changed(case, repair))
            wrong = _wrong(case, repair)
        except OutOfBudget:
            break
        if wrong is False:
            continue
        shown = (
            f"{runs} of {runs} runs with it are without the symptom, with the same records in and none lost; "
            f"{_unfixed(case)} without it show it"
        )
        if wrong:
            shown += "; a repair that only looks like it does not help"
        elif failed:
            shown += f"; {failed} others that looked as likely did not help"
        return Tried(repair, True, shown, _diff(case, repair), _changed(case, repair))
    if candidates:
        return Tried(candidates[0], False, "", _diff(case, candidates[0]), Change())
    return None


def _unfixed(case: Case) -> str:
    sick = sum(bool(case.trouble.measure(run)) for run in case.baseline)
    return f"{sick} of {len(case.baseline)}"


def _changed(case: Case, repair: Repair, patches: tuple[Patch, ...] | None = None) -> Change:
    """The base with the repair in it."""
    change = repair.change if repair.change is not None else case.lab.change()
    made = patches if patches is not None else repair.patches
    if made:
        change = replace(
            change,
            patches=(*change.patches, *made),
            delays=tuple(_moved(each, made) for each in change.delays),
        )
    if repair.under is not None:
        change = replace(change, clock=repair.under)
    return change


def _moved(delay: Delay, patches: tuple[Patch, ...]) -> Delay:
    """A line where it is after the patches."""
    by = sum(
        len(patch.lines) - (patch.last - patch.first + 1)
        for patch in patches
        if patch.file == delay.file and patch.last < delay.line
    )
    return replace(delay, line=delay.line + by)


def _problem(case: Case, repair: Repair) -> tuple[str | None, int]:
    """Why a repair is none, None if it is one; and after how many runs that was known."""
    change = _changed(case, repair)
    under = None
    if repair.under is not None:
        under = case.lab.one(replace(case.lab.change(), clock=repair.under))
    thorough = repair.change is None or bool(repair.patches) or case.share < 1
    times = max(2, case.repeats()) if thorough else 1
    for number in range(times):
        run = case.lab.run(change, times=number + 1)[-1]
        problem = _sick(case, run, repair, under)
        if problem is not None:
            return problem, number + 1
    return None, times


def _sick(case: Case, run: Observation, repair: Repair, under: Observation | None) -> str | None:
    if case.kind not in ("failed", "stall") and run.ending != case.first.ending:
        return f"the run is {run.ending}: {run.problem}"
    if run.ending in ("died", "refused", "failed", "stalled"):
        return f"the run is {run.ending}: {run.problem}"
    if under is not None:
        # Put forward or back, the clock must not matter any more; it must have mattered before.
        well = case.first
        if (under.delivered, under.rejected) == (well.delivered, well.rejected):
            return "the clock does not matter without it either"
        if (run.delivered, run.rejected, run.lost) != (well.delivered, well.rejected, well.lost):
            return "the clock still matters"
        return None
    sick = case.measure(_changed(case, repair), run)
    if sick:
        return f"{case.kind} is still there"
    worse = [kind for kind in KINDS if kind not in ("slow", "changed", case.kind) and _more(case, run, kind)]
    if worse:
        return f"there is {worse[0]} now"
    return _harm(case, run, repair)


def _more(case: Case, run: Observation, kind: Kind) -> bool:
    return measure(kind, run).amount > measure(kind, case.first).amount * 1.2 + 1


def _harm(case: Case, run: Observation, repair: Repair) -> str | None:
    """What a repair does to what was well."""
    expected = repair.change.only if repair.change is not None else None
    if expected is None and case.kind != "failed" and run.read < case.first.read:
        return "fewer records are read"
    if repair.patches and run.delivered + run.filtered < case.first.delivered + case.first.filtered:
        return "fewer records come through"
    if repair.patches and case.kind in ("lost", "duplicated", "rejected") and _alters(case, run):
        return "records that were well come out otherwise"
    if run.duration_s > SLOWER * case.first.duration_s + 1.0:
        return "it is much slower"
    return None


def _alters(case: Case, run: Observation) -> bool:
    """Whether records that had nothing come out otherwise than before, more of them than from run to run."""
    ids = case.trouble.sick.ids
    known = [each.hashes for each in case.lab.run(case.lab.change(), times=3)]
    # What one thread gives one by one is right, too, where several of them race.
    right = case.trouble.reference or case.lab.one(serial(case.lab.change()))
    differs = [
        id
        for id, content in known[0].items()
        if id not in ids
        and run.hashes.get(id) not in (content, right.hashes.get(id))
        and all(each.get(id) == content for each in known)
    ]
    return len(differs) > 0.02 * max(1, len(known[0]))


def _wrong(case: Case, repair: Repair) -> bool | None:
    """Whether the wrong repair fails, as it must; None where there is none to try."""
    if not repair.wrong:
        return None
    change = _changed(case, repair, repair.wrong)
    for number in range(max(2, case.repeats())):
        if _sick(case, case.lab.run(change, times=number + 1)[-1], repair, None) is not None:
            return True
    return False


def _diff(case: Case, repair: Repair) -> str | None:
    """The patches as a unified diff."""
    parts: list[str] = []
    for file in dict.fromkeys(patch.file for patch in repair.patches):
        old = case.source.texts[file].splitlines()
        new = patched(
            case.source.texts[file], (each for each in repair.patches if each.file == file)
        ).splitlines()
        name = file.rpartition("/")[2]
        parts += difflib.unified_diff(old, new, f"a/{name}", f"b/{name}", lineterm="", n=2)
    return "\n".join(parts) or None


def most_common(names: list[str]) -> str | None:
    """The name that comes most often."""
    return Counter(names).most_common(1)[0][0] if names else None
