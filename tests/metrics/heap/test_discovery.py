from __future__ import annotations

import importlib.util
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from metrics.heap.discovery import Walk
from metrics.heap.spots import Spot, length

Load = Callable[[str], ModuleType]


@pytest.fixture
def load(tmp_path: Path) -> Iterator[Load]:
    """Makes a module of the user's out of its text."""
    names: list[str] = []

    def made(text: str) -> ModuleType:
        name = f"user_module_{len(names)}_{tmp_path.name}"
        path = tmp_path / f"orders{len(names) or ''}.py"
        path.write_text(text, encoding="utf-8")
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        names.append(name)
        return module

    yield made
    for name in names:
        del sys.modules[name]


def found(**roots: Any) -> dict[str, Spot]:
    """By place; roots are by stage."""
    walk = Walk({stage: [part] for stage, part in roots.items()}, "output")
    assert walk.whole
    return {spot.place: spot for spot in walk.spots if not spot.place.startswith("logging: ")}


PLACES = """
import threading
from collections import OrderedDict, defaultdict, deque
from functools import lru_cache, partial, wraps

seen = {}
tables = {"prices": {}, "rates": defaultdict(int)}
local = threading.local()
local.items = []


@lru_cache(maxsize=None)
def price(key):
    return key


class Enrich:
    jobs = []

    def __init__(self):
        self.cache = OrderedDict()

    def __call__(self, record):
        return record


class Slotted:
    __slots__ = ("recent",)

    def __init__(self):
        self.recent = deque()


slotted = Slotted()


def counted(call):
    calls = []

    @wraps(call)
    def inner(record):
        calls.append(record)
        return call(record)

    return inner


def helper(record, memory={}, *, extra=set()):
    seen[record] = price(record)
    return local.items


@counted
def work(record):
    return helper(record), tables, slotted


enrich = Enrich()
bound = partial(helper, memory={"bound": 1})
"""


def test_every_place_at_which_a_stage_can_keep_something_is_found(load: Load) -> None:
    module = load(PLACES)
    spots = found(work=module.work, enrich=module.enrich, bound=module.bound)
    stages = {place: spot.stage for place, spot in spots.items() if spot.stage is not None}
    assert stages == {
        "work.<closure>.calls": "work",
        "orders.py: seen": "work",
        "orders.py: tables": "work",
        "orders.py: tables['prices']": "work",
        "orders.py: tables['rates']": "work",
        "orders.py: price": "work",
        "local.items (thread-local)": "work",
        "Slotted.recent": "work",
        "helper.<defaults>.memory": "work",
        "helper.<defaults>.extra": "work",
        "Enrich.cache": "enrich",
        "Enrich.jobs": "enrich",
        "partial(memory=)": "bound",
    }
    assert spots["orders.py: seen"].name == "seen"


def test_a_container_belongs_to_the_stage_whose_code_uses_it(load: Load) -> None:
    module = load(
        "one = {}\ntwo = {}\nnobody = {}\n"
        "def first(record):\n    return one\n"
        "def second(record):\n    return [two for _ in record]\n"
    )
    spots = found(first=module.first, second=module.second)
    assert {place: spot.stage for place, spot in spots.items()} == {
        "orders.py: one": "first",
        "orders.py: two": "second",
        "orders.py: nobody": None,
    }


def test_a_name_that_is_bound_anew_is_followed_and_nothing_is_kept_alive(load: Load) -> None:
    module = load("seen = set('abc')\ndef work(record):\n    return seen\n")
    spot = found(work=module.work)["orders.py: seen"]
    assert length(spot.held()) == 3
    vars(module)["seen"] = {"a"}
    assert length(spot.held()) == 1
    del vars(module)["seen"]
    assert spot.held() is None


def test_none_of_the_users_code_is_run(load: Load) -> None:
    module = load(
        """
ran = []

class Odd(dict):
    def __len__(self): ran.append("len")
    def __getitem__(self, key): ran.append("item")
    def items(self): ran.append("items")
    def __hash__(self): ran.append("hash")
    def __eq__(self, other): ran.append("eq")

class Stage:
    def __init__(self):
        self.__dict__["cache"] = Odd(a=[], b=2)
    def __getattr__(self, name): ran.append(name)
    def __getattribute__(self, name):
        ran.append(name)
        return object.__getattribute__(self, name)
    @property
    def danger(self): ran.append("danger")
    @property
    def __dict__(self): ran.append("dict")
    def __call__(self, record): return record

stage = Stage.__new__(Stage)
object.__getattribute__(stage, "__class__")
"""
    )
    stage = module.stage
    vars(module)["ran"].clear()
    walk = Walk({"stage": [stage]}, "output")
    for spot in walk.spots:
        length(spot.held())
    assert module.ran in ([], ["__name__"])


def test_storage_of_other_threads_is_found(load: Load) -> None:
    module = load(
        "import threading\nlocal = threading.local()\n"
        "def work(record):\n    local.__dict__.setdefault('items', []).append(record)\n"
    )
    done, leave = threading.Event(), threading.Event()

    def body() -> None:
        module.work(1)
        module.work(2)
        done.set()
        leave.wait(30)

    thread = threading.Thread(target=body, daemon=True)
    thread.start()
    assert done.wait(30)
    try:
        spot = found(work=module.work)["local.items (thread-local)"]
        assert length(spot.held()) == 2
        assert spot.of_thread
    finally:
        leave.set()
        thread.join(30)


def test_a_list_that_is_the_output_is_no_suspect() -> None:
    rows: list[int] = []
    assert rows not in [spot.held() for spot in found(output=rows.append).values()]


def test_records_in_a_small_container_are_not_taken_for_caches(load: Load) -> None:
    module = load("recent = [{'id': 1, 'tags': ['a']}]\ndef work(record):\n    return recent\n")
    assert set(found(work=module.work)) == {"orders.py: recent", "orders.py: recent[0]"}


def test_a_huge_object_graph_is_left_unfinished(load: Load) -> None:
    module = load(
        "class Node:\n    def __init__(self, depth):\n"
        "        self.a = Node(depth - 1) if depth else {}\n"
        "        self.b = Node(depth - 1) if depth else {}\n"
        "nodes = {str(at): Node(5) for at in range(16)}\n"
        "def work(record):\n    return nodes\n"
    )
    walk = Walk({"work": [module.work]}, "output")
    assert not walk.whole or len(walk.spots) <= 400
