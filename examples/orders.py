"""A web shop's orders as nested JSON, one in a hundred of them broken in one of nine ways.

    python monitor.py run examples/orders.py

20,000 orders are generated from a seed; the broken ones end in the dead letters with the reason.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from pipeline import Pipeline, Reject, generated, jsonl

OUT = Path(os.environ.get("EXAMPLES_OUT", Path(__file__).parent / "out"))
EURO = {"EUR": 1.0, "USD": 0.92, "GBP": 1.17, "CHF": 1.04, "SEK": 0.088, "PLN": 0.23, "JPY": 0.0062}


class Item(msgspec.Struct):
    sku: str
    quantity: int
    price: float


class Order(msgspec.Struct):
    id: int
    time: str
    user: str
    amount: float
    currency: str
    items: list[Item]


class Line(msgspec.Struct):
    """One article of an order, in euros."""

    order: int
    user: str
    sku: str
    quantity: int
    euros: float


OUT.mkdir(exist_ok=True)

orders = Pipeline("orders", batch_size=500)
orders.read(generated("broken_orders", records=20_000, seed=7), schema=Order)


@orders.stage
def check(order: Order) -> Order:
    if order.amount < 0:
        raise Reject(f"negative amount {order.amount}")
    if order.currency not in EURO:
        raise Reject(f"unknown currency {order.currency!r}")
    return order


@orders.stage
def lines(order: Order) -> list[Line]:
    """One record in, one for each article out; each is named after its order."""
    rate = EURO[order.currency]
    return [
        Line(order.id, order.user, item.sku, item.quantity, round(item.price * item.quantity * rate, 2))
        for item in order.items
    ]


orders.write(jsonl(OUT / "order-lines.jsonl"))
