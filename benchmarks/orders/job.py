"""The job that every program of this benchmark does: the shape of an order, its price, and the result."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

EUR_CENTS_PER: Final = {
    "EUR": 100.0,
    "USD": 86.0,
    "GBP": 115.0,
    "CHF": 107.0,
    "SEK": 9.1,
    "PLN": 23.6,
    "JPY": 0.56,
}
"""What one unit of each known currency is worth, in cents of EUR."""

SMALL_BELOW: Final = 50_00
MEDIUM_BELOW: Final = 250_00


class Item(msgspec.Struct, gc=False):
    sku: str
    quantity: int
    price: float


class Order(msgspec.Struct, gc=False):
    """An order as it comes in."""

    id: int
    source: str
    time: str
    user: str
    amount: float
    currency: str
    items: list[Item]
    status: Literal["new", "paid", "shipped", "delivered", "returned"]


class Priced(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """An order as it goes out: in whole cents of EUR, the items summed up and gone."""

    id: int
    source: str
    time: str
    user: str
    cents: int
    quantity: int
    bucket: str
    status: str


def price(order: Order) -> Priced:
    """The order in EUR, with its quantities summed up."""
    cents = int(order.amount * EUR_CENTS_PER[order.currency] + 0.5)
    quantity = 0
    for item in order.items:
        quantity += item.quantity
    bucket = "small" if cents < SMALL_BELOW else "medium" if cents < MEDIUM_BELOW else "large"
    return Priced(order.id, order.source, order.time, order.user, cents, quantity, bucket, order.status)
