"""What functions remember is set back before each record: modules, default arguments, closures."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from diagnosis.change import ALL
from run.trial.remembered import Memory

TEXT = """
from collections import deque

limit = 3
latest = deque([1, 2])
table = list(range(5_000))
opened = object()


class Settings:
    def __init__(self):
        self.factor = 1


settings = Settings()


def counting(start=0):
    calls = start

    def work(record, cache={}):
        nonlocal calls
        global limit
        calls += 1
        limit += 1
        latest.append(record)
        settings.factor *= 2
        table[0] = record
        return calls, limit, list(latest), settings.factor, cache.setdefault("first", record), table[0]

    return work
"""


@pytest.fixture
def module(tmp_path: Path) -> Iterator[ModuleType]:
    made = ModuleType("remembers")
    made.__file__ = str(tmp_path / "remembers.py")
    sys.modules["remembers"] = made
    exec(compile(TEXT, made.__file__, "exec"), made.__dict__)
    yield made
    del sys.modules["remembers"]


def test_each_record_finds_things_as_the_first_one_did(module: ModuleType) -> None:
    work = module.counting()
    memory = Memory(lambda: [module], (ALL,), [work])
    made = []
    for record in ("a", "b", "c"):
        memory.restore()
        made.append(work(record))
    assert made == [(1, 4, [1, 2, each], 2, each, each) for each in ("a", "b", "c")]
    found = {each.name: each.type for each in memory.found()}
    assert found == {
        "work.calls": "int",
        "limit": "int",
        "latest": "deque",
        "settings.factor": "int",
        "work.cache": "dict",
    }


def test_one_thing_alone_is_set_back(module: ModuleType) -> None:
    work = module.counting()
    memory = Memory(lambda: [module], ("work.cache",), [work])
    made = []
    for record in ("a", "b"):
        memory.restore()
        made.append(work(record))
    assert [each[4] for each in made] == ["a", "b"]
    assert [each[0] for each in made] == [1, 2]
    assert [each.name for each in memory.found()] == ["work.cache"]
