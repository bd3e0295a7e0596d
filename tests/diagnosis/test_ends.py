"""Repairs of whole statements at the ends of batches: what they write is run, and gives each record once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from diagnosis.change import Change, patched
from diagnosis.engine import Diagnoser
from diagnosis.repairs import ends
from diagnosis.repairs.base import Repair
from diagnosis.source import Source
from pipeline.clock import SystemClock
from run.diagnose.launcher import TrialLauncher

FILE = "/made/steps.py"
RECORDS = list(range(17))

HELD = """
class Blocks:
    def __init__(self):
        self.pending = []

    def process(self, records):
        self.pending += records
        while len(self.pending) >= 5:
            block, self.pending = self.pending[:5], self.pending[5:]
            for record in block:
                yield record * 10
"""
AHEAD = """
class Blocks:
    def __init__(self):
        self.ahead = []

    def process(self, records):
        self.ahead += records
        ready, self.ahead = self.ahead[:-2], self.ahead[-2:]
        return [record * 10 for record in ready]

    def close(self):
        self.ahead.clear()
"""
TWICE = """
class Blocks:
    def __init__(self):
        self.sent = 0

    def process(self, records):
        made = self.send(records)
        self.sent += 1
        if self.sent % 2 == 0:
            made += self.send(records)
        return made

    def send(self, records):
        return [record * 10 for record in records]
"""
LATEST = """
class Blocks:
    def __init__(self):
        self.latest = []

    def process(self, records):
        self.latest = [*self.latest, *records][-3:]
        for record in records:
            yield record * 10

    def flush(self):
        for record in self.latest:
            yield record * 10
"""
SKIPS = """
class Blocks:
    def __init__(self):
        self.calls = 0

    def process(self, records):
        self.calls += 1
        if self.calls % 3 == 0:
            return []
        return [record * 10 for record in records]
"""
FULL = """
class Blocks:
    def __init__(self):
        self.packet = []

    def process(self, records):
        out = []
        for record in records:
            if len(self.packet) >= 3:
                out.extend(self.packet)
                self.packet = []
            else:
                self.packet.append(record * 10)
        return out

    def flush(self):
        return self.packet
"""


def _source(text: str) -> Source:
    return Source.of([FILE], {FILE: text})


def _given(text: str) -> list[int]:
    """What comes out of a text's stage for all records, in batches of four."""
    names: dict[str, type] = {}
    exec(text, names)
    stage = names["Blocks"]()
    out: list[int] = []
    for start in range(0, len(RECORDS), 4):
        out += stage.process(RECORDS[start : start + 4])
    out += stage.flush() if hasattr(stage, "flush") else []
    return out


def _repairs(text: str) -> list[Repair]:
    source = _source(text)
    found = [*ends.given_up(source), *ends.nothing_more(source)]
    for file, node, _ in source.functions():
        found += [*ends.given_once(source, file, node), *ends.not_passed_over(source, file, node)]
    return found


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param(HELD, "a method flush() for self.pending", id="no flush, records go through a loop"),
        pytest.param(
            HELD + "\n    def flush(self):\n        return []\n",
            "flush() has to give self.pending",
            id="a flush that gives nothing",
        ),
        pytest.param(TWICE, "do `self.send(records)` once", id="the same call again"),
        pytest.param(LATEST, "give nothing more at the end", id="given before the end already"),
        pytest.param(SKIPS, "without `return []`", id="a batch that is passed over"),
        pytest.param(FULL, "do what stands behind `else` in both cases", id="the one that finds it full"),
    ],
)
def test_a_repair_that_is_written_gives_each_record_once(text: str, words: str) -> None:
    right = [record * 10 for record in RECORDS]
    assert sorted(_given(text)) != right
    cures = [
        repair.text for repair in _repairs(text) if sorted(_given(patched(text, repair.patches))) == right
    ]
    assert any(words in each for each in cures), cures


def test_what_close_throws_away_is_placed_there() -> None:
    places = [repair.place for repair in ends.given_up(_source(AHEAD))]
    assert places == [f"{FILE}:{AHEAD.splitlines().index('        self.ahead.clear()') + 1}"]


def test_a_count_is_not_taken_for_records_that_are_held() -> None:
    assert ends.given_up(_source(TWICE)) == []


def test_the_same_call_in_two_branches_is_made_once_already() -> None:
    text = "def work(a):\n    if a:\n        b = make(a)\n    else:\n        b = make(a)\n    return b\n"
    source = _source(text)
    assert [ends.given_once(source, file, node) for file, node, _ in source.functions()] == [[]]


def test_a_flush_that_gives_something_is_not_written_anew() -> None:
    assert ends.given_up(_source(FULL)) == []


@pytest.mark.parametrize(
    ("made", "right"),
    [
        ("[batch[at + 1] - batch[at] for at in range(len(batch) - 1)]", [3, 5, None]),
        ("[each * 2 for each in batch if each > 1 if each < 9]", [None, 8, None]),
        ("[each for each in batch]", None),
    ],
)
def test_an_outcome_is_given_for_each_record(made: str, right: list[int | None] | None) -> None:
    text = f"def work(batch):\n    return {made}\n"
    source = _source(text)
    found = [each for file, node, _ in source.functions() for each in ends.one_each(source, file, node)]
    given = []
    for repair in found:
        names: dict[str, Callable[[list[int]], list[int | None]]] = {}
        exec(patched(text, repair.patches), names)
        given.append(names["work"]([1, 4, 9]))
    assert given == ([] if right is None else [right])


FRAME = """
from pipeline import Pipeline, Stage, count, generated

made = Pipeline("made", batch_size=20)
made.read(generated("orders", records=300, seed=5))


@made.stage
class Blocks(Stage):
    def open(self):
        self.calls = 0

    def process(self, records):
        self.calls += 1
{body}

made.write(count())
"""


@pytest.mark.parametrize(
    ("body", "verified"),
    [
        pytest.param(
            "        if self.calls % 4 == 0:\n            return []\n        return records\n",
            True,
            id="cured",
        ),
        # No statement can be left out, or done in both cases, that would mend it.
        pytest.param(
            "        if self.calls % 4 == 0:\n            records = ()\n        return list(records)\n",
            False,
            id="not cured",
        ),
    ],
)
def test_only_a_repair_that_cures_is_told_as_verified(body: str, verified: bool, tmp_path: Path) -> None:
    file = tmp_path / "made.py"
    file.write_text(FRAME.format(body=body), encoding="utf-8")
    found = Diagnoser(TrialLauncher(str(file)), SystemClock(), 90.0, first=Change(sink="own")).run().diagnosis
    assert [(each.cause, each.verified) for each in found.conclusions] == [("batching", verified)]
