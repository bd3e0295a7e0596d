"""Objects in cycles that pile up because the collector is off are found; where it is on, none are counted."""

from __future__ import annotations

from pathlib import Path

import pytest

from diagnosis.change import Change
from diagnosis.engine import Diagnoser
from diagnosis.observation import GARBAGE, Observation
from diagnosis.symptoms import growing, measure
from pipeline.clock import SystemClock
from run.diagnose.launcher import TrialLauncher

FRAME = """
import gc

from pipeline import Pipeline, count, values

{before}


class Node:
    def __init__(self, row):
        self.row = row
        self.next = None


def linked(row):
    first, second = Node(row), Node(row)
    first.next, second.next = second, first
    return first


kept = []
made = Pipeline("made", batch_size=20)
made.read(values(lambda: iter([(number, {{"number": number}}) for number in range(900)])))


@made.stage
def early(row):
    return row


@made.stage
def work(row):
    {body}
    return row


made.write(count())
"""


def _written(tmp_path: Path, before: str, body: str) -> str:
    file = tmp_path / "made.py"
    file.write_text(FRAME.format(before=before, body=body), encoding="utf-8")
    return str(file)


def _run(file: str, change: Change | None = None) -> Observation:
    return TrialLauncher(file).launch(change or Change(limit=900), 30.0)


@pytest.mark.parametrize("off", ["gc.disable()", "gc.set_threshold(0)"])
def test_garbage_that_nothing_collects_is_found_and_mended(off: str, tmp_path: Path) -> None:
    file = _written(tmp_path, off, "linked(row)")
    found = Diagnoser(TrialLauncher(file), SystemClock(), 90.0, first=Change(sink="own")).run().diagnosis
    assert "memory" in [each.kind for each in found.symptoms]
    assert "objects of class Node" in found.symptoms[0].text
    line = Path(file).read_text(encoding="utf-8").splitlines().index(off) + 1
    leak = found.conclusions[0]
    assert (leak.cause, leak.stage, leak.location, leak.verified) == ("leak", "work", f"made.py:{line}", True)
    assert "+gc." in (leak.diff or "")


@pytest.mark.parametrize(
    ("before", "body"),
    [
        ("", "linked(row)"),
        ("gc.disable()", "Node(row)"),
        ("gc.disable()", "linked(row)\n    if row['number'] % 50 == 0:\n        gc.collect()"),
        ("gc.disable()\ngc.enable()", "linked(row)"),
    ],
    ids=["the collector is on", "no cycles", "collected by hand", "off for a while"],
)
def test_no_alarm_where_garbage_goes(before: str, body: str, tmp_path: Path) -> None:
    assert not measure("memory", _run(_written(tmp_path, before, body)))


def test_a_trial_that_switches_the_collector_off_itself_counts_nothing(tmp_path: Path) -> None:
    run = _run(_written(tmp_path, "", "linked(row)"), Change(limit=900, collector="off"))
    assert not [each for each in run.containers if each.type == GARBAGE]


def test_what_somebody_holds_is_not_garbage(tmp_path: Path) -> None:
    run = _run(_written(tmp_path, "gc.disable()", "kept.append(linked(row))"))
    assert [each.name for each in growing(run)] == ["kept"]
