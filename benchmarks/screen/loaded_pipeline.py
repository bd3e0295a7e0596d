"""Records without an end, as fast as they come: the engine never rests."""

from __future__ import annotations

import msgspec

from pipeline import Pipeline, Reject, count, generated


class Order(msgspec.Struct):
    id: int
    user: str
    amount: float


class Bill(msgspec.Struct):
    id: int
    user: str
    cents: int


loaded = Pipeline("loaded")
loaded.read(generated("orders"), schema=Order)


@loaded.stage
def validate(order: Order) -> Order:
    if order.amount < 0:
        raise Reject("negative amount")
    return order


@loaded.stage
def bill(order: Order) -> Bill:
    return Bill(order.id, order.user.title(), round(order.amount * 100))


loaded.write(count())
