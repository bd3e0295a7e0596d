"""What a function makes of a record should not depend on the records before it; what may is left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from diagnosis.change import Change
from diagnosis.engine import Diagnoser
from pipeline.clock import SystemClock
from run.diagnose.launcher import TrialLauncher

FRAME = """
import random
import time

from pipeline import Pipeline, count, values

rows = [
    {{"key": f"k{{number % 7}}", "number": number, "price": None if number % 9 == 4 else number * 3.5}}
    for number in range(600)
]
made = Pipeline("made", batch_size=20)
made.read(values(lambda: ((row["number"], dict(row)) for row in rows)))
{before}

@made.stage
def work(row):
{body}

made.write(count())
"""

DEFAULT = (
    """
def known(value, cache={}):
    return cache.setdefault("price", value)
""",
    """
    if row["number"] % 4 == 0:
        return {**row, "price": known(row["price"])}
    return row
""",
)
FACTOR = (
    'config = {"factor": 1, "calls": 0}\n',
    """
    config["calls"] += 1
    if config["calls"] % 70 == 0:
        config["factor"] = 100 if config["factor"] == 1 else 1
    return {**row, "number": row["number"] * config["factor"]}
""",
)

LEGITIMATE = {
    "a running number": ("n = 0\n", '    global n\n    n += 1\n    return {**row, "n": n}\n'),
    "a running total in the place of a number": (
        "total = 0.0\n",
        '    global total\n    total += row["price"] or 0.0\n    return {**row, "price": total}\n',
    ),
    "the last known value where there is none": (
        "last = 0.0\n",
        '    global last\n    last = row["price"] if row["price"] is not None else last\n'
        '    return {**row, "price": last}\n',
    ),
    "each key once": (
        "seen = set()\n",
        '    if row["key"] in seen:\n        return None\n    seen.add(row["key"])\n    return row\n',
    ),
    "a cache": (
        "kept = {}\n",
        '    return {**row, "key": kept.setdefault(row["key"], row["key"].upper())}\n',
    ),
    "chance and the time": (
        "",
        '    row["price"] = random.random() if row["number"] % 3 == 0 else row["price"]\n'
        '    return {**row, "at": time.time()}\n',
    ),
}


def _diagnosed(tmp_path: Path, before: str, body: str) -> Diagnoser:
    file = tmp_path / "made.py"
    file.write_text(FRAME.format(before=before, body=body), encoding="utf-8")
    return Diagnoser(TrialLauncher(str(file)), SystemClock(), 90.0, first=Change(sink="own"))


def test_the_default_of_an_argument_that_remembers_is_found_and_mended(tmp_path: Path) -> None:
    found = _diagnosed(tmp_path, *DEFAULT).run().diagnosis
    assert [each.kind for each in found.symptoms] == ["history"]
    assert [(each.cause, each.stage, each.verified) for each in found.conclusions] == [
        ("shared_state", "work", True)
    ]
    assert "cache" in found.conclusions[0].fix


def test_a_configuration_that_records_change_is_found(tmp_path: Path) -> None:
    found = _diagnosed(tmp_path, *FACTOR).run().diagnosis
    assert [(each.cause, each.stage) for each in found.conclusions] == [("shared_state", "work")]


@pytest.mark.parametrize("name", LEGITIMATE)
def test_what_may_depend_on_the_records_before_is_no_trouble(name: str, tmp_path: Path) -> None:
    found = _diagnosed(tmp_path, *LEGITIMATE[name]).run().diagnosis
    assert "history" not in [each.kind for each in found.symptoms], found.symptoms
