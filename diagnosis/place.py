"""Where it is: the stage, the object, the line."""

from __future__ import annotations

from dataclasses import dataclass

from diagnosis.experiments import Case
from diagnosis.experiments.delay import suspects
from diagnosis.fix import Tried
from diagnosis.observation import Remembered
from diagnosis.repairs.leak import sites
from diagnosis.repairs.others import place_of_stall
from diagnosis.symptoms import growing, kept
from metrics.findings import Cause


@dataclass(frozen=True, slots=True)
class Place:
    """None where it is not known."""

    stage: str | None
    object: str | None
    location: str | None


def place(case: Case, cause: Cause, tried: Tried | None) -> Place:
    """What a repair that works shows comes first; then what was seen."""
    location = tried.repair.place if tried is not None else None
    thing = tried.repair.object if tried is not None else None
    stage: str | None = None
    first = case.first
    if case.kind == "history" and (tried is None or not tried.verified):
        stage = case.trouble.symptom.stage
        location, thing = _kept_for_others(case, stage)
    elif cause == "leak":
        top = growing(first)
        if top:
            thing, stage = thing or top[0].object, top[0].stage
            found = sites(case, top[0])
            location = location or (found[0].place if found else None)
    elif cause == "handles":
        left = kept(first)
        if left:
            thing, stage, location = thing or left[0].kind, left[0].stage, location or left[0].place
    elif cause == "race" and location is None:
        found = suspects(case)
        if found:
            location, thing = found[0].place, thing or found[0].name
    elif cause == "shared_state" and case.edges:
        stage = case.edges[0] if case.edges[0] in case.stages else None
    elif (
        cause in ("deadlock", "dead_worker", "backpressure", "poison_record", "input_drift")
        and location is None
    ):
        location = place_of_stall(case) or first.failed_at
    elif cause in ("slow_sink", "disk_full"):
        stage = (case.trouble.symptom.stage if cause == "disk_full" else None) or "output"
    by_code = case.source.stage_of(location, first.stages)
    if by_code is None and stage is None:
        stage = case.trouble.symptom.stage
    if by_code is None and stage is None and len(case.stages) == 1:
        stage = case.stages[0]
    return Place(by_code or stage, thing, _short(location))


def _kept_for_others(case: Case, stage: str | None) -> tuple[str | None, str | None]:
    """The line of a stage's code that writes what its next call reads."""
    names = {name for shape in case.first.stages if shape.name == stage for name in case.source.reach(shape)}
    sites = [
        site
        for site in case.source.of_kind("mutable_default", "grow", "write", "mutate")
        if site.function in names or (site.kind == "mutable_default" and site.name in names)
    ]
    rank = {"mutable_default": 0, "grow": 1, "write": 1, "mutate": 2}
    if not sites:
        return None, case.remembered.name if case.remembered is not None else None
    first = min(sites, key=lambda site: (rank[site.kind], site.line))
    if case.remembered is not None:
        return _written(case, case.remembered) or first.place, case.remembered.name
    return first.place, first.name


def _written(case: Case, remembered: Remembered) -> str | None:
    """The first line that changes what a function remembers."""
    last = remembered.name.rpartition(".")[2]
    found = [
        site
        for site in case.source.of_kind("grow", "mutate", "write", "mutable_default")
        if site.file == remembered.file and site.name in (remembered.name, last)
    ]
    return found[0].place if found else None


def _short(location: str | None) -> str | None:
    return location.rpartition("/")[2] if location else None
