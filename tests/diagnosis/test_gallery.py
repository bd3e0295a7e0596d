"""The pipelines of ``examples/buggy``: each is diagnosed from its file alone.

``make diagnosis`` runs all of them; otherwise those that are quick.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from diagnosis.change import Change
from diagnosis.engine import Diagnoser
from metrics.findings import Diagnosis
from pipeline.clock import SystemClock
from run.diagnose.launcher import TrialLauncher
from tests.house.project import ROOT

GALLERY = ROOT / "examples" / "buggy"
BUDGET_S = 500.0
"""Far more than is needed: a busy machine is no reason for another verdict."""


@dataclass(frozen=True)
class Bug:
    """What is to be found: the causes, with stage and line of the first, and whether its repair is proved."""

    file: str
    causes: frozenset[str]
    stage: str | None
    line: int | None
    proved: bool = True
    quick: bool = False


BUGS = (
    Bug("leak.py", frozenset({"leak"}), "enrich", 30, quick=True),
    Bug("batching.py", frozenset({"batching"}), "Fahrenheit", 20, quick=True),
    Bug("handles.py", frozenset({"handles"}), "audit", 37, quick=True),
    Bug("shared_state.py", frozenset({"shared_state"}), "label", 16),
    Bug("race.py", frozenset({"race"}), "number", 29),
    Bug("clock.py", frozenset({"clock"}), "Windows", 29),
    Bug("poison.py", frozenset({"poison_record"}), "score", 28),
    Bug("deadlock.py", frozenset({"deadlock"}), "book", 25),
    Bug("slow_sink.py", frozenset({"slow_sink"}), "output", 23, proved=False),
    Bug("story.py", frozenset({"batching", "leak"}), "InCents", 50),
)
ALL = os.environ.get("GALLERY") == "all"


def diagnosed(file: Path) -> Diagnosis:
    """The diagnosis of a file."""
    launcher = TrialLauncher(str(file))
    return Diagnoser(launcher, SystemClock(), BUDGET_S, first=Change(sink="own")).run().diagnosis


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "bug",
    [
        pytest.param(
            bug,
            id=bug.file,
            marks=pytest.mark.skipif(not (ALL or bug.quick), reason="make diagnosis runs it"),
        )
        for bug in BUGS
    ],
)
def test_the_bug_is_named_with_its_place_its_rivals_and_a_repair(bug: Bug) -> None:
    found = diagnosed(GALLERY / bug.file)
    assert {each.cause for each in found.conclusions} == bug.causes, found
    first = found.conclusions[0]
    assert first.stage == bug.stage
    assert first.location is not None
    file, _, line = first.location.partition(":")
    assert file == bug.file
    assert bug.line is not None
    assert abs(int(line) - bug.line) <= 3
    assert first.fix
    assert first.verified is bug.proved
    assert len(found.ruled_out) >= 5
    assert all(each.because for each in found.ruled_out)


@pytest.mark.timeout(600)
def test_nothing_is_found_where_nothing_is_wrong() -> None:
    found = diagnosed(GALLERY / "healthy.py")
    assert found.state == "healthy", found
    assert not found.conclusions


def test_every_pipeline_of_the_gallery_is_diagnosed() -> None:
    assert {path.name for path in GALLERY.glob("*.py")} == {bug.file for bug in BUGS} | {"healthy.py"}


@pytest.mark.timeout(600)
def test_a_run_that_was_sick_says_why_before_its_summary(tmp_path: Path) -> None:
    file = tmp_path / "cut.py"
    file.write_text(
        "from pipeline import Pipeline, count\n\n"
        'cut = Pipeline("cut", batch_size=20)\n'
        'cut.read(lambda: ((at, {"n": at}) for at in range(400)))\n\n\n'
        "@cut.stage(batch=True)\n"
        "def steps(batch):\n"
        "    return [batch[at] for at in range(len(batch) - 1)]\n\n\n"
        "cut.write(count())\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        [sys.executable, str(ROOT / "monitor.py"), "run", str(file), "--headless", "--diagnose"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONUTF8": "1"},
        stdout=subprocess.PIPE,
        encoding="utf-8",
        timeout=BUDGET_S,
        check=False,
    )
    assert done.returncode != 0
    why, _, summary = done.stdout.partition("╔")
    assert why.startswith("DIAGNOSIS of cut: ")
    assert "PIPELINE STATUS" in summary
