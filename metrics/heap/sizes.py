"""The deep size of a container, by pympler, from a sample of its items.

Sizing a container of 100,000 dicts whole takes seconds. So a few items are sized and the container is said to
be as large as its own table and so many of their kind. Items that lead far (to a connection, say, or a whole
frame) are found out first by a bounded walk and are not sized.
"""

from __future__ import annotations

import gc
import random
import sys
import types
from collections import deque
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

from metrics.heap.pympler_door import asizeof
from metrics.heap.spots import LRU_CACHE, is_container, length

SAMPLE = 24
FAR = 3_000
"""Objects that a sample may lead to; one that leads further is not sized."""
STRIDE_UPTO = 50_000
"""Containers up to this length are sampled throughout; of longer ones, both ends."""
TRIES = 3


def deep_size(held: Any, chance: random.Random) -> int | None:
    """About how many bytes a container takes with all that it alone leads to; None where that cannot be told.

    Never changes the container, and waits for no lock of the user's. A container that changes meanwhile is
    tried again.
    """
    if isinstance(held, LRU_CACHE):
        return _cached_size(held, chance)
    for _ in range(TRIES):
        try:
            return _sized(held, chance)
        except RuntimeError:  # it changed while it was read
            continue
        except Exception:  # noqa: BLE001 - an item's own __sizeof__ or __len__ may do anything
            return None
    return None


def _sized(held: Any, chance: random.Random) -> int | None:
    count = length(held)
    if count is None:
        return None
    own = sys.getsizeof(held)
    items = sample(held, count, chance)
    if not items or not count:
        return own
    each = per_item(items)
    return None if each is None else own + round(each * count)


def per_item(items: list[list[Any]]) -> float | None:
    """Bytes that one more item adds: what all of the sample share counts once, and not for each.

    So the second half of the sample is weighed on top of the first.
    """
    if _far(items):
        return None
    halves = [items] if len(items) < 4 else [items[: len(items) // 2], items]
    sizes = [_asizeof([part for item in half for part in item]) for half in halves]
    if len(sizes) == 1:
        return sizes[0] / len(items)
    return (sizes[1] - sizes[0]) / (len(items) - len(items) // 2)


def sample(held: Any, count: int, chance: random.Random) -> list[list[Any]]:
    """Some items, each as the objects that it is made of: a key with its value, or an element."""
    if not is_container(held):
        return []
    if isinstance(held, dict):
        pairs = _some(lambda: dict.items(held), count, chance, lambda: reversed(dict.items(held)))
        return [_opened(key) + _opened(value) for key, value in pairs]
    if isinstance(held, (list, deque)):
        if count <= STRIDE_UPTO or isinstance(held, list):
            return [_opened(held[at]) for at in sorted(chance.sample(range(count), min(SAMPLE, count)))]
        return [_opened(each) for each in _some(lambda: held, count, chance, lambda: reversed(held))]
    if isinstance(held, set):
        return [_opened(each) for each in _some(lambda: held, count, chance, None)]
    inner = getattr(held, "data", getattr(held, "queue", None))
    return sample(inner, length(inner) or 0, chance) if inner is not held and is_container(inner) else []


def _some(
    items: Callable[[], Iterable[Any]],
    count: int,
    chance: random.Random,
    backwards: Callable[[], Iterable[Any]] | None,
) -> list[Any]:
    # One call into C for each list, which no other thread comes between.
    if count <= STRIDE_UPTO:
        step = max(1, count // SAMPLE)
        return list(islice(items(), chance.randrange(step), None, step))[:SAMPLE]
    if backwards is None:
        return list(islice(items(), SAMPLE))
    return [*islice(items(), SAMPLE // 2), *islice(backwards(), SAMPLE // 2)]


def _opened(item: Any) -> list[Any]:
    """pympler counts a function as nothing; what it closes over is what it holds."""
    if not isinstance(item, types.FunctionType):
        return [item]
    held = [cell for cell in gc.get_referents(item.__closure__) if isinstance(cell, types.CellType)]
    return [part for cell in held for part in gc.get_referents(cell)] + list(item.__defaults__ or ())


def _asizeof(parts: list[Any]) -> int:
    # The list that carries them is not theirs.
    return asizeof(parts) if parts else 0


def _cached_size(held: Any, chance: random.Random) -> int | None:
    """The results of an ``lru_cache`` are in a table that only the cyclic collector is told of; those of a
    bounded one hang on links, of which it is told keys and results in turn."""
    entries = length(held)
    if not entries:
        return entries
    parts = gc.get_referents(held)
    table = next((part for part in parts if isinstance(part, dict) and len(part) == entries), None)
    keys = _sized(table, chance) if table is not None else None
    if keys is None:
        return None
    at = next((at for at, part in enumerate(parts[:4]) if getattr(part, "__name__", "") == _LINK), None)
    if at is None:
        return keys
    results = parts[at - 1 :: 3][: entries - 1]
    each = per_item([[result] for result in chance.sample(results, min(SAMPLE, len(results)))] or [[]])
    return None if each is None else keys + round(each * entries)


_LINK = "_lru_list_elem"


def _far(items: Iterable[list[Any]]) -> bool:
    """Whether the sample leads to more objects than may be sized in a few milliseconds."""
    seen: set[int] = set()
    waiting = deque(part for item in items for part in item)
    while waiting:
        part = waiting.popleft()
        if id(part) in seen or isinstance(part, (type, types.ModuleType, types.FunctionType)):
            continue
        seen.add(id(part))
        if len(seen) > FAR:
            return True
        if (held := length(part)) is not None and held > FAR:
            return True
        waiting.extend(gc.get_referents(part))
    return False
