"""Every order is noted in a journal; the journal is opened for each, and never closed."""

import atexit
import tempfile
from pathlib import Path
from typing import IO

import msgspec

from pipeline import Pipeline, count, generated


class Order(msgspec.Struct):
    id: int
    user: str
    amount: float


folder = tempfile.TemporaryDirectory()
atexit.register(folder.cleanup)
opened: list[IO[str]] = []

orders = Pipeline("journal")
orders.read(generated("orders", records=400, seed=8), schema=Order)


def note(text: str) -> None:
    journal = (Path(folder.name) / "journal.txt").open("a")
    journal.write(text + "\n")
    opened.append(journal)


@orders.stage
def check(order: Order) -> Order | None:
    return order if order.amount > 0 else None


@orders.stage
def book(order: Order) -> Order:
    note(f"{order.id} {order.amount}")
    return order


orders.write(count())
