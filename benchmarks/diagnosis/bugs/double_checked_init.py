"""The table of rates is made where there is none; it is visible before it is filled."""

import time
from collections.abc import Iterator

from pipeline import Pipeline, count

rates: dict[str, float] = {}


def orders_in() -> Iterator[tuple[int, dict[str, object]]]:
    for offset in range(800):
        yield offset, {"id": offset, "currency": ("EUR", "USD", "GBP")[offset % 3]}


orders = Pipeline("rates", batch_size=4)
orders.read(orders_in)


def table() -> dict[str, float]:
    if not rates:
        rates["EUR"] = 1.0
        time.sleep(0.01)  # asks for the others
        rates["USD"] = 0.92
        rates["GBP"] = 1.17
    return rates


@orders.stage(workers=4)
def convert(order: dict[str, object]) -> dict[str, object]:
    return {**order, "rate": table()[str(order["currency"])]}


orders.write(count())
