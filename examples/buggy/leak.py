"""Orders are enriched with their customer's standing; a dict of what was looked up only ever grows."""

import msgspec

from pipeline import Pipeline, count, generated


class Order(msgspec.Struct):
    id: int
    user: str
    amount: float


class Enriched(msgspec.Struct):
    id: int
    user: str
    amount: float
    standing: str


standings: dict[tuple[str, int], str] = {}

orders = Pipeline("leaky-orders")
orders.read(generated("orders", records=6_000, seed=3), schema=Order)


def look_up(user: str, order: int) -> str:
    key = (user, order)
    if key not in standings:
        standings[key] = "gold" if sum(map(ord, user)) % 7 == 0 else "plain"
    return standings[key]


@orders.stage
def check(order: Order) -> Order | None:
    return order if order.amount > 0 else None


@orders.stage
def enrich(order: Order) -> Enriched:
    return Enriched(order.id, order.user, order.amount, look_up(order.user, order.id))


orders.write(count())
