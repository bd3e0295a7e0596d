"""Runs one small pipeline with a fault in it, or without, and keeps what came of it."""

from __future__ import annotations

import gc
import random
import resource
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FunctionType
from typing import Any

import psutil

from pipeline import Id, Ids, Pipeline, Record, Sink, Stage
from pipeline.clock import ManualClock, SystemClock
from pipeline.deterministic import DeterministicDriver
from pipeline.engine import Engine, Options
from pipeline.events import Event, EventBus, Subscription
from pipeline.faults.injector import Injection, Injector
from pipeline.ledger_books import Counts
from pipeline.threads import ThreadDriver, spawn_detached
from tests.pipeline.running import DEADLINE_S

RECORDS = 1_000
BATCH = 50
STAGE = "price"


class Kept(Sink):
    """Keeps the text of each value by id, as it is when it is written."""

    waits = False
    may_refuse = False

    def __init__(self, *, encoded: bool = False) -> None:
        self.name = "kept"
        self.values: dict[Id, str] = {}
        if encoded:
            self.encode = lambda values: [repr(value) for value in values]

    def write(self, ids: Ids, payloads: list[Any]) -> Iterable[Id]:
        values = payloads if self.encode is None else [value for part in payloads for value in part]
        self.values.update(zip(ids, map(str, values), strict=True))
        return ids


class Totals(Stage):
    """A stage with a memory that gives each record on at once."""

    def process(self, records: list[Record]) -> list[Record]:
        return [record.replace({**record.value, "total": record.value["amount"] * 2}) for record in records]


def orders(records: int) -> Iterator[tuple[int, dict[str, Any]]]:
    for number in range(records):
        yield number, {"number": number, "amount": float(number * 7 % 1000), "who": f"customer {number % 50}"}


def pick(record: dict[str, Any]) -> dict[str, Any]:
    return {**record, "amount": record["amount"] + 1}


def price(record: dict[str, Any]) -> dict[str, Any]:
    return {"total": record["amount"] * 2, "who": record["who"], "number": record["number"]}


def price_all(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [price(record) for record in records]


def last(record: dict[str, Any]) -> dict[str, Any]:
    return {**record, "last": True}


def make(
    folder: Path,
    *,
    kind: str = "function",
    chain: bool = True,
    encoded: bool = False,
    workers: int = 1,
    records: int = RECORDS,
    queue_records: int = 16_384,
) -> tuple[Pipeline, Kept]:
    pipeline = Pipeline(
        "shop",
        batch_size=BATCH,
        dead_letters=folder / "letters.jsonl",
        chain=chain,
        queue_records=queue_records,
    )
    pipeline.read(lambda: orders(records))
    pipeline.stage(pick)
    if kind == "stateful":
        pipeline.stage(Totals, name=STAGE)
    elif kind == "batch":
        pipeline.stage(price_all, name=STAGE, batch=True, workers=workers)
    else:
        pipeline.stage(price, name=STAGE, workers=workers)
    pipeline.stage(last)
    sink = Kept(encoded=encoded)
    pipeline.write(sink)
    return pipeline, sink


@dataclass
class Ran:
    """A run that is over, with what was measured before it was tidied up."""

    engine: Engine
    injector: Injector
    sink: Kept
    events: list[Event]
    took_s: float
    opened: int = 0
    started: int = 0
    collections: int = 0
    waits: int = 0
    """How often the thread gave up its processor of its own accord: for a lock, a time, a device."""
    grown: list[tuple[str, int, int]] = field(default_factory=list)
    """Containers that are reached from the stage: name, length when half was read, and at the end."""

    @property
    def counts(self) -> Counts:
        return self.engine.ledger.counts()


Watch = Callable[[Engine, Injector], None]


def run(
    folder: Path,
    text: str | None,
    *,
    between: Callable[[Engine, Injector, random.Random], None] | None = None,
    at_end: Watch | None = None,
    options: Options | None = None,
    **shape: Any,
) -> Ran:
    """A run in one thread, the same each time."""
    pipeline, sink = make(folder, **shape)
    clock, bus = ManualClock(), EventBus()
    subscription = bus.subscribe(1_000_000)
    engine = Engine(pipeline, options or Options(), clock, bus)
    injector = Injector(engine, clock, None)
    measured = Measured()
    if text is not None:
        injector.add(injector.parse(text))
    halves: dict[str, int] = {}

    def step(chance: random.Random) -> None:
        if not halves and engine.ledger.counts().delivered >= RECORDS // 2:
            halves.update(containers(engine))
        if between is not None:
            between(engine, injector, chance)

    began, waited = time.monotonic(), _waits()
    DeterministicDriver(engine, clock, seed=1).run(step)
    ran = Ran(engine, injector, sink, subscription.drain(), time.monotonic() - began)
    ran.waits = _waits() - waited
    ran.grown = [(name, halves.get(name, 0), size) for name, size in containers(engine).items()]
    measured.finish(ran)
    if at_end is not None:
        at_end(engine, injector)
    injector.finish()
    return ran


@dataclass
class Threads:
    """A run under real threads, from its start on."""

    engine: Engine
    injector: Injector
    driver: ThreadDriver
    sink: Kept
    subscription: Subscription

    @property
    def injection(self) -> Injection:
        return self.injector.injections[0]

    def finish(self) -> list[Event]:
        assert self.driver.wait(DEADLINE_S), "the run did not end in time"
        self.injector.finish()
        return self.subscription.drain()


def start(folder: Path, text: str | None, *, options: Options | None = None, **shape: Any) -> Threads:
    """A run as the product does it; it goes on when this returns."""
    pipeline, sink = make(folder, **shape)
    clock, bus = SystemClock(), EventBus()
    subscription = bus.subscribe(1_000_000)
    engine = Engine(pipeline, options or Options(), clock, bus, spawn_detached)
    injector = Injector(engine, clock, spawn_detached)
    if text is not None:
        injector.add(injector.parse(text))
    driver = ThreadDriver(engine, clock)
    driver.start()
    return Threads(engine, injector, driver, sink, subscription)


class Measured:
    """What the process had open, and how often it collected, when this was made and later."""

    def __init__(self) -> None:
        gc.collect()
        self._files = psutil.Process().num_fds()
        self._threads = threading.active_count()
        self._collections = _collections()

    def finish(self, ran: Ran) -> None:
        ran.opened = psutil.Process().num_fds() - self._files
        ran.started = threading.active_count() - self._threads
        ran.collections = _collections() - self._collections


def _waits() -> int:
    # Where the system does not tell of one thread: of the process, in which no other is at work meanwhile.
    whose = getattr(resource, "RUSAGE_THREAD", resource.RUSAGE_SELF)
    return resource.getrusage(whose).ru_nvcsw


def _collections() -> int:
    return int(gc.get_stats()[2]["collections"])


def containers(engine: Engine) -> dict[str, int]:
    """By name, the lengths of the containers that the stages' functions and objects lead to."""
    found: dict[str, int] = {}
    seen: set[int] = set()
    todo: list[tuple[str, Any]] = [
        (name, part) for name, parts in engine.at_work().items() if name == STAGE for part in parts
    ]
    while todo:
        name, thing = todo.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        if isinstance(thing, (list, dict, set)) or type(thing).__name__ == "deque":
            found[name] = max(found.get(name, 0), len(thing))
            continue
        if type(thing).__name__ == "_lru_cache_wrapper":
            found[name] = max(found.get(name, 0), thing.cache_info().currsize)
            continue
        if isinstance(thing, FunctionType):
            cells = [cell.cell_contents for cell in thing.__closure__ or ()]
            todo += zip(thing.__code__.co_freevars, cells, strict=True)
            if not Path(thing.__code__.co_filename).exists():
                todo += [(key, value) for key, value in thing.__globals__.items() if _is_users(key, value)]
        if hasattr(thing, "__dict__") and not callable(thing):
            todo += list(vars(thing).items())
        if isinstance(thing, type):
            todo += [(key, value) for key, value in vars(thing).items() if not key.startswith("__")]
    return found


def _is_users(key: str, value: object) -> bool:
    return not key.startswith("__") and not isinstance(value, (type(gc), random.Random, threading.Thread))
