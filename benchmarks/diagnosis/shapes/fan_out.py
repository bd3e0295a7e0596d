"""One record becomes several; several threads; a stage that takes batches."""

import msgspec

from pipeline import Pipeline, count, generated


class Order(msgspec.Struct):
    id: int
    user: str
    amount: float
    items: list[dict[str, object]]


class Line(msgspec.Struct):
    order: int
    user: str
    sku: str


orders = Pipeline("fan-out", batch_size=50)
orders.read(generated("orders", records=1_500, seed=34), schema=Order)


@orders.stage
def check(order: Order) -> Order | None:
    return order if order.items else None


@orders.stage(workers=2)
def lines(order: Order) -> list[Line]:
    return [Line(order.id, order.user, str(item["sku"])) for item in order.items]


@orders.stage(batch=True)
def upper(batch: list[Line]) -> list[Line]:
    return [Line(line.order, line.user.upper(), line.sku) for line in batch]


orders.write(count())
