"""Each batch of orders is noted in a log; for each batch, the log gets another handler, and keeps it."""

import atexit
import logging
import tempfile
from pathlib import Path

import msgspec

from pipeline import Pipeline, count, generated


class Order(msgspec.Struct):
    id: int
    user: str
    amount: float


folder = tempfile.TemporaryDirectory()
atexit.register(folder.cleanup)
log = logging.getLogger("orders.audit")
log.propagate = False

orders = Pipeline("audited", batch_size=20)
orders.read(generated("orders", records=1_000, seed=8), schema=Order)


@orders.stage
def check(order: Order) -> Order | None:
    return order if order.amount > 0 else None


@orders.stage(batch=True)
def audit(batch: list[Order]) -> list[Order]:
    handler = logging.FileHandler(Path(folder.name) / "audit.log")
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    log.addHandler(handler)
    log.warning("%d orders, %.2f in all", len(batch), sum(order.amount for order in batch))
    return batch


orders.write(count())
