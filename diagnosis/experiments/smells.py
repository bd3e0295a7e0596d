"""Weak signs in the source: what the code looks like, never more than a factor of three."""

from __future__ import annotations

from diagnosis.experiments.base import Case, Experiment, Finding
from diagnosis.source import Site, SiteKind


class Smell(Experiment):
    """One kind of sign, in the code that the stages run."""

    family = "source"
    ordinary = {"there": 0.3, "not_there": 0.7}
    runs = 0.0
    sites: tuple[SiteKind, ...] = ()
    unlocked = False

    def carry_out(self, case: Case) -> Finding:
        found = found_in(case, self.sites, unlocked=self.unlocked)
        if not found:
            return Finding("not_there", "the stages' code has none", 0)
        places = ", ".join(f"{each.name} at line {each.line}" for each in found[:3])
        return Finding("there", places, len(found))


def found_in(case: Case, kinds: tuple[SiteKind, ...], *, unlocked: bool = False) -> list[Site]:
    """The sites of these kinds in the code of the stages, or anywhere where that is not known."""
    mine: set[str] = set()
    for shape in case.first.stages:
        mine |= case.source.reach(shape)
    return [
        site
        for site in case.source.of_kind(*kinds)
        if (site.function in mine or not mine or site.function == "") and not (unlocked and site.locked)
    ]


class SharedWrite(Smell):
    name = "smell_write"
    question = "is something shared written without a lock, by a stage with several threads?"
    sites = ("check_then_act", "write")
    unlocked = True

    def carry_out(self, case: Case) -> Finding:
        many = {each.name: each for each in case.first.stages if each.workers > 1}
        reached = {name for shape in many.values() for name in case.source.reach(shape)}
        found = [
            site
            for site in case.source.of_kind("check_then_act", "write")
            if site.function in reached and not site.locked
        ]
        if not found:
            return Finding(
                "not_there", "no stage with several threads writes what is shared without a lock", 0
            )
        places = ", ".join(f"{each.name} at line {each.line}" for each in found[:3])
        return Finding("there", f"written without a lock: {places}", len(found))


class SlicedBatch(Smell):
    name = "smell_slice"
    question = "is a batch cut up, or counted?"
    sites = ("slice", "bound", "hold")


class Clocked(Smell):
    name = "smell_clock"
    question = "is the wall clock asked?"
    sites = ("clock",)


class Reused(Smell):
    name = "smell_reuse"
    question = "is something mutable kept for all calls, or changed in place?"
    sites = ("mutable_default", "returns_shared", "mutate")
