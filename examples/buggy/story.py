"""Two faults at once: what was looked up is kept for good, and the last order of each batch is left out.

H1, a race between the threads of `standing`, looks likely, and is ruled out. H2, the cache, and H3, the edge
of the batch, are found and mended. H4, a timer that drifts, is weighed, for the clock is asked: not it.
"""

import time

import msgspec

from pipeline import Pipeline, Record, Stage, count, generated


class Order(msgspec.Struct):
    id: int
    user: str
    amount: float


class Standing(msgspec.Struct):
    id: int
    user: str
    amount: float
    level: str


levels: dict[str, str] = {}
seconds: dict[str, float] = {"standing": 0.0}

orders = Pipeline("story")
orders.read(generated("orders", records=5_000, seed=4), schema=Order)


@orders.stage(workers=2)
def standing(order: Order) -> Standing:
    began = time.time()
    key = f"{order.user}/{order.id}"
    if key not in levels:
        levels[key] = "gold" if sum(map(ord, order.user)) % 7 == 0 else "plain"
    seconds["standing"] += time.time() - began
    return Standing(order.id, order.user, order.amount, levels[key])


@orders.stage
class InCents(Stage):
    """Amounts as whole numbers."""

    def process(self, records: list[Record]) -> list[Record]:
        out = []
        for index in range(len(records) - 1):
            order = records[index].value
            out.append(records[index].replace({"id": order.id, "cents": round(order.amount * 100)}))
        return out


orders.write(count())
