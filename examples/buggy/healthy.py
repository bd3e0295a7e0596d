"""Nothing is wrong here: a bounded cache that warms up, a few rejections, a stage with several threads."""

from functools import lru_cache

import msgspec

from pipeline import Pipeline, Reject, count, generated


class Order(msgspec.Struct):
    id: int
    user: str
    amount: float


class Rated(msgspec.Struct):
    id: int
    user: str
    amount: float
    level: str


orders = Pipeline("sound")
orders.read(generated("orders", records=4_000, seed=21), schema=Order)


@lru_cache(maxsize=512)
def level_of(user: str) -> str:
    return "gold" if sum(map(ord, user)) % 7 == 0 else "plain"


@orders.stage
def check(order: Order) -> Order:
    if order.amount > 4_900:
        raise Reject("too large to be true")
    return order


@orders.stage(workers=2)
def rate(order: Order) -> Rated:
    return Rated(order.id, order.user, order.amount, level_of(order.user))


orders.write(count())
