"""Nothing is wrong: a cache fills up to its bound; times are stamped on records; one in fifty is rejected."""

import time
from functools import lru_cache

from pipeline import Pipeline, Reject, count, generated

orders = Pipeline("bounded")
orders.read(generated("orders", records=4_000, seed=61))


@lru_cache(maxsize=300)
def level(user: str) -> int:
    return sum(map(ord, user)) % 5


@orders.stage
def rate(order: dict[str, object]) -> dict[str, object]:
    if int(str(order["id"])) % 50 == 0:
        raise Reject("closed for inventory")
    return {"id": order["id"], "level": level(str(order["user"])), "at": time.time()}


orders.write(count())
