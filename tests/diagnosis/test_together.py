"""One lock for all that touches the same thing, where no function of them calls another."""

from __future__ import annotations

from dataclasses import replace

import pytest

from diagnosis.change import Change
from diagnosis.experiments import Case
from diagnosis.lab import Lab
from diagnosis.observation import StageShape
from diagnosis.repairs import race
from diagnosis.screening import described
from diagnosis.source import Source
from diagnosis.symptoms import Trouble, measure
from pipeline.clock import ManualClock
from tests.diagnosis.made import Played, sound, without

FILE = "/made/steps.py"
APART = """
by_id = {}


def work(batch):
    add(batch)
    return give()


def add(batch):
    for each in batch:
        by_id[each] = each


def give():
    return [each for each in by_id.values()]
"""
ONE_IN_ANOTHER = """
by_id = {}


def work(batch):
    by_id[0] = 0
    add(batch)
    return batch


def add(batch):
    for each in batch:
        by_id[each] = each
"""


@pytest.mark.parametrize(
    ("text", "together"),
    [
        pytest.param(APART, ["add and give"], id="one that writes and one that goes over it"),
        # The one that calls the other would wait for itself; what is left is all at once, tried last.
        pytest.param(ONE_IN_ANOTHER, ["work and add"], id="one that calls the other"),
    ],
)
def test_what_touches_the_same_thing_is_locked_together(text: str, together: list[str]) -> None:
    sick = without(sound(Change()), ["made/values:1"])
    sick = replace(sick, stages=(StageShape("work", "batch", 1, file=FILE, line=5),))
    found = measure("lost", sick)
    trouble = Trouble("lost", described("lost", sick, found), found)
    source = Source.of([FILE], {FILE: text})
    case = Case(Lab(Played(), ManualClock(), 1_000.0), trouble, [sick], source)
    locked = [each.text.partition("while ")[2].partition(" reads")[0] for each in race.repairs(case)]
    assert [each for each in locked if " and " in each] == together
