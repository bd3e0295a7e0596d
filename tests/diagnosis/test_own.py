"""Repairs that give each call something of its own: what they write is run, and is as it should be."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

import pytest

from diagnosis.change import Change, patched
from diagnosis.engine import Diagnoser
from diagnosis.repairs import own
from diagnosis.repairs.base import Repair
from diagnosis.source import Source
from pipeline.clock import SystemClock
from run.diagnose.launcher import TrialLauncher

FILE = "/made/steps.py"

SORTED = """
latest = []

def work(number):
    latest.append(number)
    latest.sort(reverse=True)
    return latest[-1]
"""
SETTINGS = """
settings = {"factor": 1, "calls": []}

def work(number):
    if number == 4:
        settings["factor"] = 100; settings["calls"].append(number)
    return number * settings["factor"]
"""


def _source(text: str) -> Source:
    return Source.of([FILE], {FILE: text})


def _given(text: str) -> list[int]:
    names: dict[str, Callable[[int], int]] = {}
    exec(text, names)
    return [names["work"](number) for number in (3, 9, 4, 7, 1)]


def _function(source: Source) -> ast.FunctionDef:
    return next(node for _, node, _ in source.functions())


def _only(found: list[Repair]) -> Repair:
    assert len(found) == 1, found
    return found[0]


def test_what_is_kept_is_no_longer_put_in_order_in_place() -> None:
    source = _source(SORTED)
    repair = _only(own.ordered(source, FILE, _function(source), {"latest"}))
    assert "sorted(latest, reverse=True)" in repair.text
    assert _given(SORTED) == [3, 3, 3, 3, 1]
    assert _given(patched(SORTED, repair.patches)) == [3, 9, 4, 7, 1]


def test_a_list_of_the_call_itself_may_be_put_in_order() -> None:
    source = _source(
        "def work(numbers):\n    numbers = list(numbers)\n    numbers.sort()\n    return numbers\n"
    )
    assert own.ordered(source, FILE, _function(source), {"latest"}) == []


def test_settings_that_a_record_changes_are_copied_for_each_call_in_every_use_of_a_line() -> None:
    source = _source(SETTINGS)
    repair = _only(own.copied(source, FILE, _function(source), {"settings"}))
    assert repair.place == f"{FILE}:6"
    assert _given(SETTINGS) == [3, 9, 400, 700, 100]
    assert _given(patched(SETTINGS, repair.patches)) == [3, 9, 400, 7, 1]


def test_a_name_that_the_function_binds_itself_is_not_copied() -> None:
    text = "kept = []\n\ndef work(number):\n    global kept\n    kept.append(number)\n    kept = kept[-3:]\n"
    source = _source(text)
    assert own.copied(source, FILE, _function(source), {"kept"}) == []


@pytest.mark.parametrize(
    ("value", "left_out"),
    [
        pytest.param('100 if settings["factor"] == 1 else 1', True, id="nothing of the record"),
        pytest.param("number", False, id="what is carried from record to record"),
    ],
)
def test_settings_are_left_alone_only_where_nothing_of_a_record_is_in_them(
    value: str, left_out: bool
) -> None:
    text = 'settings = {"factor": 1}\n\ndef work(number):\n'
    text += f'    settings["factor"] = {value}\n    return number * settings["factor"]\n'
    source = _source(text)
    found = own.left_alone(source, FILE, _function(source), {"settings"})
    assert [_given(patched(text, each.patches)) for each in found] == [[3, 9, 4, 7, 1]] * left_out


@pytest.mark.parametrize(
    ("text", "names"),
    [
        pytest.param(
            "import time\n\ndeadline = time.monotonic() + 2\n\n"
            "def around():\n    def work(n):\n        return time.monotonic() > deadline\n    return work\n",
            ["work"],
            id="of the file",
        ),
        pytest.param(
            "import time\n\nclass Late:\n    def open(self):\n        self.until = 5 + time.time()\n"
            "    def process(self, records):\n        return [] if time.time() > self.until else records\n",
            ["process"],
            id="of the stage",
        ),
        pytest.param(
            "import time\n\nbegan = time.time()\n\ndef work(n):\n    return began\n", [], id="a beginning"
        ),
    ],
)
def test_a_deadline_is_worked_out_where_it_is_read(text: str, names: list[str]) -> None:
    found = own.deadlines(_source(text))
    assert [each.text.partition("call of ")[2].partition(",")[0] for each in found] == names
    for repair in found:
        compile(patched(text, repair.patches), FILE, "exec")


DEADLINE = """
import time

from pipeline import Pipeline, Reject, count, generated

made = Pipeline("made", batch_size=20)
made.read(generated("orders", records=300, seed=5))
deadline = time.monotonic() + 0.2


@made.stage
def work(order):
    time.sleep(0.002)
    if time.monotonic() > deadline:
        raise Reject("too late")
    return order


made.write(count())
"""
THREADS = """
from threading import Event, Thread

from pipeline import Pipeline, count, generated

made = Pipeline("made", batch_size=20)
made.read(generated("orders", records=300, seed=5))
never = Event()
threads = []


@made.stage
def work(order):
    threads.append(Thread(target=never.wait, daemon=True))
    threads[-1].start()
    return order


made.write(count())
"""
REUSED = """
from pipeline import Pipeline, count, values

made = Pipeline("made", batch_size=20)
made.read(values(lambda: ((number, {"n": number}) for number in range(300))))
rows = [{}, {}]
calls = 0


@made.stage
def work(record):
    global calls
    calls += 1
    row = rows[calls % 2]
    row.clear()
    row.update(record)
    return row


made.write(count())
"""


@pytest.mark.parametrize(
    ("text", "cause", "words"),
    [
        pytest.param(DEADLINE, "clock", "in each call of work", id="a deadline"),
        pytest.param(THREADS, "handles", "where none in threads is alive", id="a thread for each record"),
        pytest.param(REUSED, "shared_state", "copy.deepcopy(row)", id="rows that are used again"),
    ],
)
def test_the_repair_is_proved_on_a_pipeline(text: str, cause: str, words: str, tmp_path: Path) -> None:
    file = tmp_path / "made.py"
    file.write_text(text, encoding="utf-8")
    found = Diagnoser(TrialLauncher(str(file)), SystemClock(), 90.0, first=Change(sink="own")).run().diagnosis
    first = found.conclusions[0]
    assert (first.cause, first.verified) == (cause, True)
    assert words in first.fix
