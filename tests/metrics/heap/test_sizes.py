from __future__ import annotations

import random
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import pytest

from metrics.heap.pympler_door import asizeof
from metrics.heap.sizes import STRIDE_UPTO, deep_size


def row(number: int) -> dict[str, Any]:
    return {"id": number, "name": f"row {number:06}", "pad": bytes(300)}


def whole(held: Any) -> int:
    """pympler does not look into a deque."""
    return asizeof([list(held) if isinstance(held, deque) else held])


def table(count: int) -> dict[int, dict[str, Any]]:
    return {number: row(number) for number in range(count)}


@pytest.mark.parametrize(
    "held",
    [
        table(3_000),
        [row(number) for number in range(3_000)],
        deque(row(number) for number in range(3_000)),
        OrderedDict(table(3_000)),
        {f"key {number:06}" for number in range(3_000)},
        {},
        [],
        list(range(7)),
    ],
    ids=lambda held: f"{type(held).__name__} of {len(held)}",
)
def test_the_estimate_is_near_what_all_of_it_weighs(held: Any) -> None:
    assert deep_size(held, random.Random(1)) == pytest.approx(whole(held), rel=0.15)


def test_a_long_dict_is_sampled_at_both_ends() -> None:
    held = {number: bytes(100) for number in range(STRIDE_UPTO + 1)}
    assert deep_size(held, random.Random(1)) == pytest.approx(whole(held), rel=0.15)


def test_what_all_items_share_counts_once() -> None:
    shared = bytes(1_000_000)
    held = [(number, shared) for number in range(1_000)]
    size = deep_size(held, random.Random(1))
    assert size is not None
    assert size < 500_000


def test_what_functions_close_over_counts() -> None:
    def listener(extra: bytes) -> Callable[[], bytes]:
        return lambda: extra

    size = deep_size([listener(bytes(1_000)) for _ in range(500)], random.Random(1))
    assert size is not None
    assert 500_000 < size < 800_000


@pytest.mark.parametrize("limit", [None, 2_000])
def test_results_of_an_lru_cache_are_weighed(limit: int | None) -> None:
    @lru_cache(maxsize=limit)
    def pad(number: int) -> bytes:
        return bytes(1_000 + number % 2)

    for number in range(1_000):
        pad(number)
    size = deep_size(pad, random.Random(1))
    assert size is not None
    assert 1_000_000 < size < 1_500_000


def test_items_that_lead_far_are_not_weighed() -> None:
    graph = [row(number) for number in range(10_000)]
    assert deep_size([graph, graph], random.Random(1)) is None


def test_an_item_that_cannot_be_weighed_is_no_failure() -> None:
    class Odd:
        def __sizeof__(self) -> int:
            raise ValueError

    assert deep_size([Odd(), Odd()], random.Random(1)) is None


def test_it_never_raises_while_the_container_changes() -> None:
    held: dict[int, bytes] = {}
    stop = threading.Event()

    def change() -> None:
        number = 0
        while not stop.is_set():
            held[number] = bytes(50)
            held.pop(number - 300, None)
            number += 1

    thread = threading.Thread(target=change, daemon=True)
    thread.start()
    try:
        sizes = [deep_size(held, random.Random(seed)) for seed in range(200)]
    finally:
        stop.set()
        thread.join(10)
    assert any(size is not None for size in sizes)
