"""One little pipeline that really runs, with a known truth about its memory; prints what was said of it.

python -m benchmarks.memory.case NAME SECONDS SEED
"""

from __future__ import annotations

import ctypes
import gc
import json
import random
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from metrics.trend import Trend
from pipeline import Pipeline, count
from pipeline.engine import Options
from run.session import Session

RATE = 2_000.0
Handle = Callable[[dict[str, Any]], object]


def flat(_: random.Random, __: float) -> Handle:
    return lambda record: record


def churn(chance: random.Random, _: float) -> Handle:
    """Garbage in cycles, which only the collector clears, in bursts."""

    def handle(record: dict[str, Any]) -> object:
        if chance.random() < 0.02:
            for _ in range(chance.randrange(2_000)):
                loop: list[object] = [record, bytes(100)]
                loop.append(loop)
        return record

    return handle


def saw(chance: random.Random, _: float) -> Handle:
    cache: dict[int, object] = {}
    most = chance.randrange(1_000, 6_000)

    def handle(record: dict[str, Any]) -> object:
        cache[record["n"]] = record, bytes(1_000)
        if len(cache) > most:
            cache.clear()
        return record

    return handle


def bounded(chance: random.Random, _: float) -> Handle:
    @lru_cache(maxsize=chance.randrange(1_000, 10_000))
    def price(number: int) -> bytes:
        return bytes(1_000 + number % 7)

    return lambda record: price(record["n"]) and record


def warm_up(chance: random.Random, seconds: float) -> Handle:
    """A cache of a bounded number of keys, full after about half of the run."""
    keys = int(RATE * seconds * chance.uniform(0.05, 0.15))
    cache: dict[int, object] = {}

    def handle(record: dict[str, Any]) -> object:
        key = chance.randrange(keys)
        if key not in cache:
            cache[key] = record, bytes(2_000)
        return record

    return handle


def step(chance: random.Random, seconds: float) -> Handle:
    """A table that is loaded once, on the way."""
    at = int(RATE * seconds * chance.uniform(0.2, 0.8))
    table: list[object] = []

    def handle(record: dict[str, Any]) -> object:
        if record["n"] == at:
            table.extend(bytes(1_000) for _ in range(30_000))
        return record

    return handle


def leak(share: float, size: int) -> Callable[[random.Random, float], Handle]:
    """A list that keeps a share of the records, each with so many bytes."""

    def made(chance: random.Random, _: float) -> Handle:
        kept: list[object] = []

        def handle(record: dict[str, Any]) -> object:
            if chance.random() < share:
                kept.append((record["n"], bytes(size)))
            return record

        return handle

    return made


def unreachable(size: int) -> Callable[[random.Random, float], Handle]:
    """Memory that nothing in Python leads to, as an extension module would lose it."""

    def made(_: random.Random, __: float) -> Handle:
        def handle(record: dict[str, Any]) -> object:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(bytearray(size)))
            return record

        return handle

    return made


class Node:
    def __init__(self) -> None:
        self.extra = bytes(300)
        self.other: Node | None = None


def cycles(_: random.Random, __: float) -> Handle:
    """Objects that refer to each other, while the collector is off."""
    gc.disable()

    def handle(record: dict[str, Any]) -> object:
        one, two = Node(), Node()
        one.other, two.other = two, one
        return record

    return handle


SOUND: dict[str, Callable[[random.Random, float], Handle]] = {
    "flat": flat,
    "garbage in cycles": churn,
    "a cache that is flushed": saw,
    "a bounded cache": bounded,
    "a cache that warms up": warm_up,
    "a table loaded once": step,
}
LEAKING: dict[str, Callable[[random.Random, float], Handle]] = {
    "a list, 50 bytes a record": leak(1.0, 50),
    "a list, 1 KB a record": leak(1.0, 1_000),
    "a list, 1 KB for one record in 20": leak(0.05, 1_000),
    "a list, 4 KB a record": leak(1.0, 4_000),
    "cycles, the collector off": cycles,
    "lost by an extension, 300 bytes a record": unreachable(300),
    "lost by an extension, 2 KB a record": unreachable(2_000),
}


def main(name: str, seconds: float, seed: int) -> None:
    chance = random.Random(seed)
    total = int(RATE * seconds)

    def records() -> Iterator[tuple[int, dict[str, Any]]]:
        for number in range(total):
            yield number, {"n": number, "text": "x" * chance.randrange(400)}

    handle = {**SOUND, **LEAKING}[name](chance, seconds)
    with tempfile.TemporaryDirectory() as folder:
        pipeline = Pipeline("case", batch_size=100, dead_letters=Path(folder) / "letters.jsonl")
        pipeline.read(records)
        pipeline.stage(handle, name="work")
        pipeline.write(count())
        session = Session(pipeline, Options(rate=RATE))
        session.start()
        first: float | None = None
        while not session.wait(0.5):
            snapshot = session.snapshot
            if snapshot.memory.verdict == "growing" and first is None:
                first = snapshot.elapsed_s
        snapshot = session.report().snapshot
    alone: Trend = session.resident_trend
    memory = snapshot.memory
    named = [cache.name for cache in memory.caches if cache.verdict == "growing"]
    print(
        json.dumps(
            {
                "name": name,
                "verdict": memory.verdict,
                "confidence": memory.confidence,
                "resident": alone.verdict,
                "first_s": first,
                "named": named,
                "slope": memory.slope_bytes_per_record,
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]))
