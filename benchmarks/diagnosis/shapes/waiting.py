"""A stage that waits, as for a network, between two that do not."""

import time

import msgspec

from pipeline import Pipeline, count, generated


class Order(msgspec.Struct):
    id: int
    user: str
    amount: float


orders = Pipeline("waiting", batch_size=25)
orders.read(generated("orders", records=1_500, seed=31), schema=Order)


@orders.stage
def check(order: Order) -> Order | None:
    return order if order.amount >= 0 else None


@orders.stage
def look_up(order: Order) -> Order:
    time.sleep(0.0002)
    return order


@orders.stage
def cents(order: Order) -> dict[str, object]:
    return {"id": order.id, "user": order.user, "cents": round(order.amount * 100)}


orders.write(count())
