"""Nothing that runs inside a stage tells that it was put in on purpose, or what it is."""

from __future__ import annotations

import builtins
import gc
import inspect
import linecache
import logging
import random
import re
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any

import pytest

from pipeline.engine import Engine
from pipeline.faults.catalogue import VARIANTS
from pipeline.faults.injector import Injector
from pipeline.faults.spec import Variant
from tests.house.project import ROOT, packages
from tests.pipeline.faults import broken
from tests.pipeline.faults.broken import run, start
from tests.pipeline.faults.test_every_fault import at
from tests.pipeline.running import eventually

TELLING = re.compile(
    r"(?<!de)fault(?!s?handler)|inject|tamper|variant|leak|lookalike|look-alike|\brace|bug\b|broken|poison|drift|neighbour"
    r"|deadlock|batching|shared_state",
    re.IGNORECASE,
)
OWN = re.compile(rf"{re.escape(str(ROOT))}|tests.pipeline.faults\S*")
RUNNING = [each for each in VARIANTS if each.evidence not in {"stalls", "uneven", "processor"}]


def words(text: str) -> list[str]:
    # The checkout may stand in a folder of any name, and these tests in one of theirs.
    return TELLING.findall(OWN.sub("", text))


def reachable(starts: list[object]) -> Iterator[object]:
    """Everything that these refer to, and so on; not into modules, classes of others, or the engine."""
    seen = {id(vars(builtins))}
    todo = list(starts)
    while todo:
        thing = todo.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        yield thing
        if isinstance(thing, FunctionType):
            todo += [thing.__code__, *(cell.cell_contents for cell in thing.__closure__ or ())]
            if _is_written(thing.__code__):
                todo += list(thing.__globals__.items())
        elif isinstance(thing, CodeType):
            todo += [each for each in thing.co_consts if isinstance(each, (CodeType, str))]
        elif isinstance(thing, type):
            if not Path(getattr(sys.modules.get(thing.__module__), "__file__", None) or "").exists():
                todo += list(vars(thing).items())
        elif not isinstance(thing, (ModuleType, random.Random, threading.Thread, logging.Logger, Engine)):
            todo += gc.get_referents(thing)


def _is_written(code: CodeType) -> bool:
    return not Path(code.co_filename).exists()


def texts(thing: object) -> Iterator[str]:
    """What can be read off an object."""
    if isinstance(thing, str):
        yield thing
    if isinstance(thing, FunctionType):
        yield thing.__qualname__
        yield thing.__module__ or ""
    if isinstance(thing, CodeType):
        yield thing.co_qualname
        yield thing.co_filename
        yield " ".join([*thing.co_names, *thing.co_varnames, *thing.co_freevars, *thing.co_cellvars])
    if isinstance(thing, type):
        yield f"{thing.__module__}.{thing.__qualname__}"


class Seen:
    """What a look at the process shows while the stage is at work."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def look(self) -> None:
        for frame in sys._current_frames().values():
            self._frame(frame)
        self.told += [thread.name for thread in threading.enumerate()]

    def _frame(self, frame: FrameType | None) -> None:
        while frame is not None:
            name = frame.f_code.co_filename
            # What calls the engine, the tests themselves, is no part of the run.
            if "/tests/" not in name:
                self.told.append(f"{name} {frame.f_code.co_qualname}")
                if not Path(name).exists():
                    self.told += linecache.getlines(name)
            frame = frame.f_back


@pytest.mark.parametrize("variant", RUNNING, ids=lambda each: each.name)
def test_nothing_within_reach_of_a_stage_tells(
    variant: Variant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    seen = Seen()
    found: list[str] = []
    price = broken.price
    calls = iter(range(1_000_000))

    def watched(record: dict[str, Any]) -> dict[str, Any]:
        if next(calls) % 97 == 5:
            seen.look()
        return price(record)

    def at_end(engine: Engine, injector: Injector) -> None:  # noqa: ARG001
        for thing in reachable([part for parts in engine.at_work().values() for part in parts]):
            found.extend(text for text in texts(thing) if words(text))
        for task in engine.tasks:
            found.extend(text for text in (task.name, task.stage) if words(text))

    monkeypatch.setattr(broken, "price", watched)
    ran = run(tmp_path, at(variant), at_end=at_end)
    assert found == []
    assert seen.told
    assert [text for text in seen.told if words(text)] == []
    assert [text for text in map(repr, ran.events) if words(text)] == []
    failure = ran.engine.control.failure
    assert words(f"{failure.message} {failure.traceback}" if failure else "") == []


def test_the_walk_finds_a_word_that_is_there(tmp_path: Path) -> None:
    def leaky(record: object) -> object:
        return record

    assert any(words(text) for thing in reachable([leaky]) for text in texts(thing))
    found: list[object] = []

    def at_end(engine: Engine, _: Injector) -> None:
        found.extend(reachable(list(engine.at_work()[broken.STAGE])))

    run(tmp_path, "leak.dict@price", at_end=at_end)
    assert any(isinstance(thing, dict) and len(thing) > 900 for thing in found), (
        "it goes as far as what is kept"
    )


@pytest.mark.parametrize("variant", [each for each in VARIANTS if each.text], ids=lambda each: each.name)
def test_a_text_uses_plain_words(variant: Variant) -> None:
    assert words(variant.text) == []
    assert variant.text.count("#!") == 1 or variant.name == "lookalike.unbounded_queue"


def test_a_traceback_has_lines_and_a_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ran = run(tmp_path, "lookalike.dead_worker@price")
    failure = ran.engine.control.failure
    assert failure is not None
    assert failure.traceback is not None
    assert "steps.py" in failure.traceback
    assert "raise SystemExit(3)" in failure.traceback


def test_a_reader_of_sources_finds_the_text(tmp_path: Path) -> None:
    def at_end(engine: Engine, injector: Injector) -> None:
        part = injector.injections[0].part
        assert part is not None
        assert part.line is not None
        function: Any = engine.at_work()[broken.STAGE][0]
        assert "seen[len(seen)]" in inspect.getsource(function)
        assert "seen[len(seen)]" in linecache.getline(part.path, part.line)

    run(tmp_path, "leak.dict@price", at_end=at_end)


def test_the_threads_of_a_stalled_run_do_not_tell(tmp_path: Path) -> None:
    running = start(tmp_path, "lookalike.deadlock@price")
    eventually(lambda: running.engine.ledger.counts().delivered >= 100)
    seen = Seen()

    def met() -> bool:
        seen.look()
        return any("take" in text for text in seen.told)

    eventually(met)
    running.injector.lift()
    running.finish()
    assert [text for text in seen.told if words(text)] == []


def test_only_a_run_knows_of_faults() -> None:
    for package in packages():
        for path in (ROOT / package).rglob("*.py"):
            place = path.relative_to(ROOT)
            if place.parts[0] == "run" or place.parts[:2] == ("pipeline", "faults"):
                continue
            text = path.read_text(encoding="utf-8")
            found = re.findall(r"(?:import|from) (?:pipeline\.faults|pipeline import faults)", text)
            found += re.findall(r"(?:import|from) (?:run\.tampering|run import .*tampering)", text)
            assert not found, place
